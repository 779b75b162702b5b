"""Text in a picture: fonts that grow with it, and rectangles to keep text apart."""

import math
from dataclasses import dataclass

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SMALLEST = 7
"""Pixels of font size below which no one can read it."""


def font(size: float) -> Font:
    """Pillow's own font at a size in pixels; the same on every machine."""
    return ImageFont.load_default(size=max(SMALLEST, round(size)))


def text_size(which: Font, text: str) -> tuple[int, int]:
    """Width of the text, and height from the top of its line to the foot of a "g", in pixels."""
    return math.ceil(which.getlength(text)), math.ceil(which.getbbox("Ayg|")[3])


def shortened(which: Font, text: str, width: float) -> str:
    """Cut a text with "..." so that it is no wider than `width`; "" if not even that fits."""
    if which.getlength(text) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        candidate = text[:end].rstrip() + "..."
        if which.getlength(candidate) <= width:
            return candidate
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Columns [left, right) and rows [top, bottom) of a picture."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """Pixels in it; 0 if it is turned inside out."""
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    def common(self, other: "Rectangle") -> int:
        """Pixels both have."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)

    def holds(self, other: "Rectangle") -> bool:
        """Whether the other lies within it."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )
