"""What the exported graph says of a snapshot's images, and how good that is.

Calibration and operating points come from the validation set, results from the test set.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no types

from inference.boxes import paper
from inference.card import (
    Calibration,
    Counts,
    FindingBoxes,
    FindingMetrics,
    Metrics,
    OperatingPoint,
    Preprocessing,
)
from inference.classifier import calibrated
from inference.preprocess import normalise
from training.cache import Cache, Tell
from training.dataset import Labels, labels_of
from training.errors import TrainingError
from training.evaluate import (
    mean_auc,
    mean_stratified_auc,
    platt,
    sensitivity,
    specificity,
    threshold,
)
from training.localization import IOBB_LEVELS, IOU_LEVELS, Case, Overlap, hit, iobb, iou, table4
from training.roc import auc, curve, stratified_auc
from training.roc import points as points_of
from training.snapshot import Item, Snapshot
from training.target import Target

Numbers = npt.NDArray[np.float32]
Answer = Callable[[Numbers], tuple[Numbers, Numbers]]
"""From one image (1, channels, S, S) to logits (1, C) and cam (1, C, S', S')."""
SIDE = 256
"""Pixels of the square that boxes are compared in; how large an image was does not matter to an overlap."""
MEASURES: tuple[tuple[Literal["IoBB", "IoU"], Overlap, tuple[float, ...]], ...] = (
    ("IoBB", iobb, IOBB_LEVELS),
    ("IoU", iou, IOU_LEVELS),
)
"""Those of Table 4, with their levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the exported graph says of a set of images, and what is true of them; `cams` of images with boxes only."""

    items: tuple[Item, ...]
    strata: tuple[str, ...]
    labels: Labels
    logits: npt.NDArray[np.float64]
    cams: dict[str, npt.NDArray[np.float32]]
    grid: int


def answering(session: onnxruntime.InferenceSession) -> Answer:
    """The answers of an exported graph."""

    def answer(image: Numbers) -> tuple[Numbers, Numbers]:
        logits, cam = session.run(["logits", "cam"], {"image": image})
        return logits, cam

    return answer


def read(
    answer: Answer,
    items: tuple[Item, ...],
    cache: Cache,
    preprocessing: Preprocessing,
    *,
    strata_of: dict[str, str],
    boxed: frozenset[str],
    tell: Tell,
) -> Reading:
    """Read every image with the exported graph, or the network it is to be exported from."""
    logits, cams, grid = [], {}, 0
    for item, (scores, maps) in zip(items, logits_of(answer, items, cache, preprocessing, tell), strict=True):
        logits.append(scores)
        grid = maps.shape[-1]
        if item.image in boxed:
            cams[item.image] = maps[0]
    return Reading(
        items=items,
        strata=tuple(strata_of[item.image] for item in items),
        labels=labels_of(items),
        logits=np.concatenate(logits).astype(np.float64),
        cams=cams,
        grid=grid,
    )


def logits_of(
    answer: Answer, items: Sequence[Item], cache: Cache, preprocessing: Preprocessing, tell: Tell
) -> Iterator[tuple[Numbers, Numbers]]:
    """Logits (1, C) and maps (1, C, S, S) of each image."""
    shape = (1, preprocessing.channels, preprocessing.size, preprocessing.size)
    for done, row in enumerate(cache.rows(items), start=1):
        image = np.ascontiguousarray(np.broadcast_to(normalise(cache.images[row], preprocessing), shape))
        yield answer(image)
        tell(done, len(items))


def concatenated(readings: Sequence[Reading]) -> Reading:
    """Readings of several sets as one."""
    return Reading(
        items=tuple(item for reading in readings for item in reading.items),
        strata=tuple(stratum for reading in readings for stratum in reading.strata),
        labels=np.concatenate([reading.labels for reading in readings]),
        logits=np.concatenate([reading.logits for reading in readings]),
        cams={image: cam for reading in readings for image, cam in reading.cams.items()},
        grid=readings[0].grid,
    )


def calibrate(validation: Reading) -> Calibration:
    """Platt's scale and offset for each finding, from the images of which it is known."""
    pairs = []
    for labels, logits in zip(validation.labels.T, validation.logits.T, strict=True):
        known = ~np.isnan(labels)
        pairs.append(platt(labels[known].astype(int), logits[known]))
    return Calibration(
        method="Platt scaling on the validation set",
        scale=tuple(max(round(scale, 4), 1e-4) for scale, _ in pairs),
        offset=tuple(round(offset, 4) for _, offset in pairs),
    )


def probabilities(reading: Reading, calibration: Calibration) -> npt.NDArray[np.float64]:
    """(N, C) in [0, 1]."""
    return calibrated(reading.logits, np.asarray(calibration.scale), np.asarray(calibration.offset))


def operating_points(
    validation: Reading, test: Reading, calibration: Calibration, findings: Sequence[str], target: Target
) -> tuple[OperatingPoint, ...]:
    """One probability a finding, chosen on validation for a target, with what it reaches on test."""
    chosen, reached = probabilities(validation, calibration), probabilities(test, calibration)
    points = []
    for c, finding in enumerate(findings):
        level = threshold(validation.labels[:, c], chosen[:, c], target)
        found = sensitivity(test.labels[:, c], reached[:, c], level)
        spared = specificity(test.labels[:, c], reached[:, c], level)
        points.append(
            OperatingPoint(
                finding=finding,
                probability=level,
                target=f"{target} on the validation set",
                sensitivity=round(found.value, 3),
                sensitivity_interval=(round(found.low, 3), round(found.high, 3)),
                specificity=round(spared.value, 3),
                specificity_interval=(round(spared.low, 3), round(spared.high, 3)),
            )
        )
    return tuple(points)


def present(reading: Reading, calibration: Calibration, points: Sequence[OperatingPoint]) -> npt.NDArray[np.bool_]:
    """(N, C): which findings are at or above their operating points."""
    levels = np.array([point.probability for point in points])
    return np.asarray(probabilities(reading, calibration) >= levels)


def flagged_without_finding(test: Reading, calibration: Calibration, points: Sequence[OperatingPoint]) -> float:
    """The part of the images without any of the findings in which at least one is called present."""
    empty = (test.labels == 0).all(axis=1)
    if not empty.any():
        return 0.0
    return float(present(test, calibration, points)[empty].any(axis=1).mean())


def metrics(test: Reading, findings: Sequence[str], localized: str, located: tuple[FindingBoxes, ...] = ()) -> Metrics:
    """Table 3's numbers on the test set, with intervals and curves, by collection and by view."""
    rows = []
    for c, finding in enumerate(findings):
        labels, logits = test.labels[:, c], test.logits[:, c]
        area, fair = auc(labels, logits), stratified_auc(labels, logits, test.strata)
        drawn = curve(labels, logits)
        if area is None or drawn is None:
            raise TrainingError(f"the test set has no image with, or none without, {finding}")
        rows.append(
            FindingMetrics(
                finding=finding,
                positives=int((labels == 1).sum()),
                negatives=int((labels == 0).sum()),
                auc=round(area.value, 3),
                auc_interval=(round(area.low, 3), round(area.high, 3)),
                stratified_auc=None if fair is None else round(fair, 3),
                roc=points_of(drawn),
            )
        )
    return Metrics(
        per_finding=tuple(rows),
        mean_auc=round(sum(row.auc for row in rows) / len(rows), 3),
        mean_stratified_auc=round(mean_stratified_auc(test.labels, test.logits, test.strata), 3),
        by_collection=by_group(test, [stratum.rsplit(" ", 1)[0] for stratum in test.strata]),
        by_view=by_group(test, [item.view for item in test.items]),
        localization=localized,
        boxes=located,
    )


def by_group(test: Reading, groups: Sequence[str]) -> dict[str, float]:
    """Mean AUC within each group, over the findings with three positives and negatives in it."""
    names = np.array(groups)
    means = {
        str(name): mean_auc(test.labels[names == name], test.logits[names == name], smallest=3)
        for name in np.unique(names)
    }
    return {name: round(mean, 3) for name, mean in means.items() if mean is not None}


def localization(
    readings: Sequence[Reading], calibration: Calibration, points: Sequence[OperatingPoint], snapshot: Snapshot
) -> str:
    """How often a box meets a radiologist's with IoBB over 0.1 and 0.25, with the gate and without."""
    names, side = [point.finding for point in points], SIDE
    outcomes = []
    for reading in readings:
        above = present(reading, calibration, points)
        for i, item in enumerate(reading.items):
            for c, finding in enumerate(names):
                true = [box for box in snapshot.boxes.get(item.image, ()) if box.finding == finding]
                if true:
                    found = paper(reading.cams[item.image][c], side, side)
                    hits = [hit(found, true, side, side, level) for level in (0.1, 0.25)]
                    outcomes.append([*hits, *(above[i, c] and one for one in hits)])
    if not outcomes:
        return "Not measured: no radiologist's boxes were given."
    ungated, ungated_25, gated, gated_25 = np.mean(outcomes, axis=0)
    return (
        f"On {len(outcomes)} (image, finding) pairs of the validation and test sets with a radiologist's "
        f"box, a box met it with IoBB over 0.1 / 0.25 in {ungated:.0%} / {ungated_25:.0%} without the gate "
        f"and in {gated:.0%} / {gated_25:.0%} with it."
    )


def boxes(readings: Sequence[Reading], findings: Sequence[str], snapshot: Snapshot) -> tuple[FindingBoxes, ...]:
    """Table 4 on the images with a radiologist's box, at all of its levels, without the gate."""
    cases = [_case(reading, item, findings, snapshot) for reading in readings for item in reading.items]
    cases = [case for case in cases if case.true]
    return tuple(
        FindingBoxes(
            finding=cell.finding,
            measure=name,
            level=level,
            images=cell.total,
            accuracy=round(cell.accuracy, 3),
            false_positives=round(cell.afp, 3),
        )
        for name, overlap, levels in MEASURES
        for level in levels
        for cell in table4(cases, findings, overlap, level)
        if cell.total
    )


def _case(reading: Reading, item: Item, findings: Sequence[str], snapshot: Snapshot) -> Case:
    true = {
        finding: [box for box in snapshot.boxes.get(item.image, ()) if box.finding == finding] for finding in findings
    }
    true = {finding: there for finding, there in true.items() if there}
    maps = dict(zip(findings, reading.cams[item.image], strict=True)) if true else {}
    found = {finding: paper(cam, SIDE, SIDE) for finding, cam in maps.items()}
    return Case(rows=SIDE, columns=SIDE, found=found, true=true)


def summary(reading: Reading) -> dict[str, float]:
    """Mean AUCs of a reading: over all its images, within source and view, by collection and by view."""
    return {
        "all": round(mean_auc(reading.labels, reading.logits) or 0.0, 3),
        "within source and view": round(mean_stratified_auc(reading.labels, reading.logits, reading.strata), 3),
        **by_group(reading, [stratum.rsplit(" ", 1)[0] for stratum in reading.strata]),
        **by_group(reading, [item.view for item in reading.items]),
    }


def counts(items: Sequence[Item], findings: Sequence[str]) -> Counts:
    """What one set holds."""
    totals = (labels_of(items) == 1).sum(axis=0)
    return Counts(
        images=len(items),
        patients=len({item.patient for item in items}),
        positives={finding: int(total) for finding, total in zip(findings, totals, strict=True)},
    )
