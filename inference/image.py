"""One image: its stored values, and the grey level that each is displayed in."""

from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt
from pydicom import Dataset

Stored = npt.NDArray[np.integer[Any]]
"""Stored values: uint8, uint16 or int16."""
Entry = TypeVar("Entry", np.uint8, np.float32)
"""What a table gives for a stored value: a grey level, or the number that the network sees for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image ready for the classifier.

    To render all its pixels costs half of what the model does, and the network asks for few of them; so the grey
    levels stay a table until somebody looks.

    Attributes:
        stored: (H, W), as decoded.
        grey: (n,) uint8, the grey level of each stored value up to the largest, white is dense; of signed images it
            has all 65,536, the negative ones at the end, where their bits put them.
        header: its DICOM header, if it has one.
    """

    stored: Stored
    grey: npt.NDArray[np.uint8]
    header: Dataset | None = None

    @classmethod
    def windowed(cls, pixels: npt.NDArray[np.uint8]) -> Self:
        """An image that whoever made it has windowed: (H, W) uint8, stored as displayed."""
        return cls(stored=pixels, grey=np.arange(256, dtype=np.uint8))

    @property
    def rows(self) -> int:
        """Its height in pixels."""
        return int(self.stored.shape[0])

    @property
    def columns(self) -> int:
        """Its width in pixels."""
        return int(self.stored.shape[1])

    def display(self) -> npt.NDArray[np.uint8]:
        """Render the image as its header asks: (H, W) uint8."""
        return look_up(self.grey, self.stored)


def look_up(table: npt.NDArray[Entry], stored: Stored) -> npt.NDArray[Entry]:
    """The table's entry for each stored value; a value beyond the table has its last entry.

    OpenCV wants one entry for each value of the type. Negative values are at the end of a whole table.
    """
    index = np.ascontiguousarray(stored).view(f"u{stored.dtype.itemsize}")
    whole = np.empty(256**stored.dtype.itemsize, dtype=table.dtype)
    whole[: len(table)] = table[: len(whole)]
    whole[len(table) :] = table[-1]
    return cast("npt.NDArray[Entry]", cv2.LUT(index, whole))
