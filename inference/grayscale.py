"""DICOM's grayscale pipeline: from stored values to the grey levels a person sees.

The steps and their order are those of PS3.4 N.2: modality LUT, VOI, then presentation. They act on a table of all
stored values, not on every pixel: there are at most 65,536.
"""

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from inference.header import UNREADABLE, integer, items, number, text
from inference.image import Stored

Values = npt.NDArray[np.float64]
Window = tuple[float, float]
"""Centre and width, in the values that the modality LUT gives."""


def levels(ds: Dataset, pixels: Stored) -> npt.NDArray[np.uint8]:
    """The grey level of each value that an image may hold, as `inference.image.Image` wants it.

    Args:
        ds: the header.
        pixels: (H, W) stored values, integers of at most 16 bits.

    Returns:
        (n,) uint8: white is dense, whatever the photometric interpretation.
    """
    window = _window_of(ds)
    stored = _possible(ds, pixels, window)
    grey = _voi(ds, stored, _modality(ds, stored), window)
    if _inverted(ds):
        grey = 255 - grey
    # Wrapping a stored value to an unsigned index puts the negative ones at the end of a whole table.
    size = 1 << (8 * pixels.dtype.itemsize) if pixels.dtype.kind == "i" else int(stored[-1]) + 1
    table = np.zeros(size, dtype=np.uint8)
    table[stored] = np.rint(grey).astype(np.uint8)
    return table


def _possible(ds: Dataset, pixels: Stored, window: Window | None) -> npt.NDArray[np.int_]:
    """The stored values to make a table of, in order.

    Where the header says how they are windowed: all that Bits Stored allows (`inference.pixels` holds the pixels to
    that). Where it does not, their own range is the window, and takes a look at every pixel.
    """
    bits = integer(ds, "BitsStored") or 0
    if (window is not None or items(ds, "VOILUTSequence")) and 1 <= bits <= 8 * pixels.dtype.itemsize:
        low = -(1 << (bits - 1)) if pixels.dtype.kind == "i" else 0
        return np.arange(low, low + (1 << bits))
    return np.arange(int(pixels.min()), int(pixels.max()) + 1)


def _window_of(ds: Dataset) -> Window | None:
    centre, width = number(ds, "WindowCenter"), number(ds, "WindowWidth")
    return (centre, width) if centre is not None and width is not None and width > 0 else None


def _modality(ds: Dataset, stored: npt.NDArray[np.int_]) -> Values:
    """Apply the modality LUT or the rescale slope and intercept (PS3.3 C.11.1)."""
    if items(ds, "ModalityLUTSequence"):
        try:
            return np.asarray(apply_modality_lut(stored, ds), dtype=np.float64)
        except UNREADABLE:
            return stored.astype(np.float64)
    slope, intercept = number(ds, "RescaleSlope"), number(ds, "RescaleIntercept")
    return stored.astype(np.float64) * (slope or 1.0) + (intercept or 0.0)


def _voi(ds: Dataset, stored: npt.NDArray[np.int_], values: Values, window: Window | None) -> Values:
    """Map values to grey levels in [0, 255] by the default window, else the first VOI LUT, else their range.

    PS3.3 C.11.2.1 lets a reader choose where an image has several windows and LUTs; the first is the default.
    The paper uses the window (Wang et al. 2017, section 2.3); so a window goes before a LUT here.
    Eight-bit images with neither have been windowed by whoever made them, and stay as they are.
    """
    if window is not None:
        return _window(values, *window, text(ds, "VOILUTFunction").upper())
    lut = _voi_lut(ds, values)
    if lut is not None:
        return lut
    if integer(ds, "BitsStored") == 8 and integer(ds, "PixelRepresentation") == 0 and stored[-1] <= 255:
        return stored.astype(np.float64)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) * 255 if high > low else np.zeros_like(values)


def _window(values: Values, centre: float, width: float, function: str) -> Values:
    """Apply a window (PS3.3 C.11.2.1.2 LINEAR, C.11.2.1.3.1 SIGMOID, C.11.2.1.3.2 LINEAR_EXACT)."""
    if function == "SIGMOID":
        exponent = np.clip(-4 * (values - centre) / width, -700, 700)
        return 255 / (1 + np.exp(exponent))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1) * 255
    if width <= 1:  # LINEAR with a width of 1 is a step
        return np.where(values > centre - 0.5, 255.0, 0.0)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255


def _voi_lut(ds: Dataset, values: Values) -> Values | None:
    """Apply the first VOI LUT (PS3.3 C.11.2.1.1), its entries scaled to [0, 255]; None without one."""
    sequence = items(ds, "VOILUTSequence")
    if not sequence:
        return None
    try:
        _, _, bits = (int(part) for part in sequence[0].LUTDescriptor)
        entries = np.asarray(apply_voi(np.rint(values).astype(np.int64), ds), dtype=np.float64)
    except UNREADABLE:
        return None
    return np.clip(entries / (2.0**bits - 1), 0, 1) * 255


def _inverted(ds: Dataset) -> bool:
    """Whether low values are white.

    MONOCHROME1 and Presentation LUT Shape INVERSE say the same thing in two places: a DX image that is the
    one shall have the other (PS3.3 C.8.11.3.1.2). They invert once, after the VOI.
    """
    return text(ds, "PhotometricInterpretation") == "MONOCHROME1" or (
        text(ds, "PresentationLUTShape").upper() == "INVERSE"
    )
