"""Do the boxes lie where a radiologist drew them? (Wang et al. 2017, section 4.2 and Table 4)"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.prediction import Box

OPACITY = "LungOpacity(RSNA)"
"""The RSNA challenge's boxes, opacities suspicious for pneumonia; compared with those for Pneumonia."""
IOBB_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
IOU_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueBox:
    """A radiologist's box, as parts of the image's width and height in [0, 1]."""

    image: str
    finding: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image of `rows` x `columns` pixels: the boxes found in it and the true ones, by finding."""

    rows: int
    columns: int
    found: Mapping[str, Sequence[Box]]
    true: Mapping[str, Sequence[TrueBox]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A cell of Table 4: one finding at one level of overlap.

    A row is an (image, finding) pair with a true box. `hits` of the finding's `total` rows have a box that meets a
    true one; the others of its boxes are false. The paper's conference version counts these on the finding's own rows
    and its arXiv version on all rows, whatever their finding; both divide by all `rows`.
    """

    finding: str
    total: int
    hits: int
    false_on_its_rows: int
    false_on_all_rows: int
    rows: int

    @property
    def accuracy(self) -> float:
        """Acc, in [0, 1]; of no rows it is 0."""
        return self.hits / self.total if self.total else 0.0

    @property
    def afp(self) -> float:
        """Average false positives as the conference version counts them."""
        return self.false_on_its_rows / self.rows if self.rows else 0.0

    @property
    def afp_on_all(self) -> float:
        """Average false positives as the arXiv version counts them."""
        return self.false_on_all_rows / self.rows if self.rows else 0.0


Overlap = Callable[[Box, TrueBox, int, int], float]


def iobb(box: Box, true: TrueBox, rows: int, columns: int) -> float:
    """The part of the detected box that lies in the true one, in [0, 1]."""
    return _shared(box, true, rows, columns) / (box.width * box.height)


def iou(box: Box, true: TrueBox, rows: int, columns: int) -> float:
    """Intersection over union, in [0, 1]."""
    shared = _shared(box, true, rows, columns)
    return shared / (box.width * box.height + true.width * columns * true.height * rows - shared)


def table4(cases: Sequence[Case], findings: Sequence[str], overlap: Overlap, level: float) -> list[Located]:
    """Table 4's row at one level: what meets a true box with an overlap above it, and what does not."""
    rows = sum(1 for case in cases for boxes in case.true.values() if boxes)
    return [_located(cases, finding, overlap, level, rows) for finding in findings]


def hit(boxes: Sequence[Box], true: Sequence[TrueBox], rows: int, columns: int, level: float) -> bool:
    """Whether any detected box meets any true one with IoBB above the level."""
    return any(_meets(box, true, rows, columns, iobb, level) for box in boxes)


def points_at(heat: npt.NDArray[np.generic], true: Sequence[TrueBox]) -> bool:
    """The pointing game (Zhang et al. 2016): whether the hottest place of a map lies in a true box.

    Args:
        heat: (rows, columns); of several equally hot places the first counts.
        true: the finding's boxes.
    """
    y, x = np.unravel_index(int(np.argmax(heat)), heat.shape)
    across, down = (float(x) + 0.5) / heat.shape[1], (float(y) + 0.5) / heat.shape[0]
    return any(box.x <= across <= box.x + box.width and box.y <= down <= box.y + box.height for box in true)


def read_boxes(table: Path, side: int = 1024) -> list[TrueBox]:
    """Read a table with the columns image, label, x, y, w, h, in pixels of images of `side` x `side`."""
    with table.open(newline="", encoding="utf-8") as stream:
        return [
            TrueBox(
                image=row["image"],
                finding="Pneumonia" if row["label"] == OPACITY else row["label"],
                x=float(row["x"]) / side,
                y=float(row["y"]) / side,
                width=float(row["w"]) / side,
                height=float(row["h"]) / side,
            )
            for row in csv.DictReader(stream)
        ]


def _located(cases: Sequence[Case], finding: str, overlap: Overlap, level: float, rows: int) -> Located:
    total = hits = false_on_its_rows = false_on_all_rows = 0
    for case in cases:
        true = case.true.get(finding, ())
        met = [_meets(box, true, case.rows, case.columns, overlap, level) for box in case.found.get(finding, ())]
        false_on_all_rows += met.count(False) * sum(1 for boxes in case.true.values() if boxes)
        if true:
            total += 1
            hits += any(met)
            false_on_its_rows += met.count(False)
    return Located(
        finding=finding,
        total=total,
        hits=hits,
        false_on_its_rows=false_on_its_rows,
        false_on_all_rows=false_on_all_rows,
        rows=rows,
    )


def _meets(  # noqa: PLR0917  geometry
    box: Box, true: Sequence[TrueBox], rows: int, columns: int, overlap: Overlap, level: float
) -> bool:
    return any(overlap(box, one, rows, columns) > level for one in true)


def _shared(box: Box, true: TrueBox, rows: int, columns: int) -> float:
    """The area that both cover, in pixels."""
    across = min(box.x + box.width, (true.x + true.width) * columns) - max(box.x, true.x * columns)
    down = min(box.y + box.height, (true.y + true.height) * rows) - max(box.y, true.y * rows)
    return max(across, 0.0) * max(down, 0.0)
