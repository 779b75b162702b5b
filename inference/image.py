"""One image: its stored values, and the grey level that each is displayed in."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

Stored = npt.NDArray[np.integer[Any]]
"""Stored values: uint8, uint16 or int16."""


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


def look_up(grey: npt.NDArray[np.uint8], stored: Stored) -> npt.NDArray[np.uint8]:
    """The grey level of each stored value.

    A few rows at a time: numpy widens the index to 64 bits, which so stays in the processor's cache.
    """
    index = np.ascontiguousarray(stored).view(f"u{stored.dtype.itemsize}")
    result = np.empty(index.shape, dtype=np.uint8)
    for start in range(0, len(index), 64):
        rows = slice(start, start + 64)
        np.take(grey, index[rows], out=result[rows], mode="clip")
    return result
