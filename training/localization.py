"""Do the boxes lie where a radiologist drew them? (Wang et al. 2017, section 4.2)"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.prediction import Box

OPACITY = "LungOpacity(RSNA)"
"""The RSNA challenge's boxes, opacities suspicious for pneumonia; compared with those for Pneumonia."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueBox:
    """A radiologist's box, as parts of the image's width and height in [0, 1]."""

    image: str
    finding: str
    x: float
    y: float
    width: float
    height: float


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


def part_inside(box: Box, true: TrueBox, rows: int, columns: int) -> float:
    """IoBB: the part of the detected box that lies in the true one, in [0, 1]."""
    across = min(box.x + box.width, (true.x + true.width) * columns) - max(box.x, true.x * columns)
    down = min(box.y + box.height, (true.y + true.height) * rows) - max(box.y, true.y * rows)
    return max(across, 0.0) * max(down, 0.0) / (box.width * box.height)


def hit(boxes: Sequence[Box], true: Sequence[TrueBox], rows: int, columns: int, threshold: float) -> bool:
    """Whether any detected box meets any true one with IoBB above the threshold."""
    return bool(np.any([part_inside(box, one, rows, columns) > threshold for box in boxes for one in true] or [False]))
