"""How the pixels of a source image lie: how far apart, how square, and which way its rows and columns run.

A result repeats it, or a viewer would squeeze or turn what was drawn on the image as it is stored.
"""

from fractions import Fraction

from pydicom.valuerep import DSfloat

from node.objects.header import Source

_FINEST = 10_000
"""No pixel is so oblong that it needs larger numbers."""


def spacing(source: Source) -> list[DSfloat]:
    """Between rows, and between columns, in mm. Where the image does not say, 1 mm stands for the width of a pixel."""
    if "PixelSpacing" in source.image:
        return list(source.image.PixelSpacing)
    height, width = source.image.get("PixelAspectRatio", (1, 1))
    return [DSfloat(height / width, auto_format=True), DSfloat(1)]


def aspect_ratio(source: Source) -> list[int] | None:
    """Height and width of a pixel in whole numbers (DICOM PS3.3 C.7.6.3.1.7); None if it is a square."""
    height, width = spacing(source)
    ratio = Fraction(height / width).limit_denominator(_FINEST)
    return None if ratio == 1 or not ratio else [ratio.numerator, ratio.denominator]


def orientation(source: Source) -> list[DSfloat]:
    """The direction of rows and of columns in the patient, as the image has it; else "as the image lies"."""
    return list(source.image.get("ImageOrientationPatient", (1, 0, 0, 0, 1, 0)))
