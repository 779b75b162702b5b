"""A model on the images of a snapshot that have a radiologist's box: Table 4, and where its heat maps point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from db.vocabulary import Split
from inference import boxes
from inference.bundle import Bundle
from inference.cam import heat_map
from inference.classifier import Classifier
from training import scores
from training.localization import (
    IOBB_LEVELS,
    IOU_LEVELS,
    Case,
    Located,
    TrueBox,
    iobb,
    iou,
    points_at,
    table4,
)
from training.scores import Track
from training.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxed:
    """What a model found on each image with a box: at every finding, and `gated` at those that it calls present.

    `heats` has an image's heat maps, 256 by 256, of the findings that have a true box.
    """

    cases: list[Case]
    gated: list[Case]
    heats: list[Mapping[str, np.ndarray]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Table 4 at one level: `measure` is IoBB or IoU; `gated` counts only boxes of findings called present."""

    measure: str
    level: float
    gated: bool
    cells: tuple[Located, ...]


def read(bundle: Bundle, snapshot: Snapshot, track: Track, threads: int) -> Boxed:
    """Let a model read the images with a radiologist's box that it has not learnt from."""
    every = Boxed(cases=[], gated=[], heats=[])
    by_folds = bool(bundle.card.metrics.out_of_fold)  # then it has learnt from the validation patients too
    learnt = {Split.TRAIN, Split.VALIDATION} if by_folds else {Split.TRAIN}
    items = [item for item in snapshot.items if item.split not in learnt and snapshot.boxes.get(item.image)]
    if not items:
        return every
    classifier = Classifier(bundle, threads=threads)
    for item in track(items):
        prediction = classifier(scores.read(snapshot, item))
        true: dict[str, list[TrueBox]] = {}
        for box in snapshot.boxes[item.image]:
            true.setdefault(box.finding, []).append(box)
        rows, columns = prediction.rows, prediction.columns
        maps = dict(zip(bundle.card.findings, prediction.cam, strict=True))
        found = {name: boxes.paper(cam, rows, columns) for name, cam in maps.items()}
        gated = {score.finding: score.boxes for score in prediction.scores}
        every.cases.append(Case(rows=rows, columns=columns, found=found, true=true))
        every.gated.append(Case(rows=rows, columns=columns, found=gated, true=true))
        every.heats.append({name: heat_map(maps[name], 256, 256) for name in true if name in maps})
    return every


def overlaps(boxed: Boxed, findings: Sequence[str]) -> Iterator[Overlap]:
    """Table 4 at every level of the paper; none where no image has a box."""
    for gated, cases in ((False, boxed.cases), (True, boxed.gated)):
        for name, measure, levels in (("IoBB", iobb, IOBB_LEVELS), ("IoU", iou, IOU_LEVELS)):
            for level in levels if cases else ():
                cells = tuple(cell for cell in table4(cases, findings, measure, level) if cell.total)
                yield Overlap(measure=name, level=level, gated=gated, cells=cells)


def pointed(boxed: Boxed, findings: Sequence[str]) -> dict[str, tuple[int, int]]:
    """For each finding in how many images the hottest place lies in a true box, and of how many."""
    found: dict[str, tuple[int, int]] = {}
    for case, heat in zip(boxed.cases, boxed.heats, strict=True):
        for finding in (name for name in findings if name in heat):
            hits, total = found.get(finding, (0, 0))
            found[finding] = hits + points_at(heat[finding], case.true[finding]), total + 1
    return found
