"""From stored pixels to what a person sees, and from that to what the network sees.

There is one preprocessing. Training uses these functions too, and the model card holds their numbers.

The steps and their order are those of DICOM's grayscale pipeline (PS3.4 N.2): modality LUT, VOI, then
presentation. They act on a table of all stored values, not on every pixel: there are at most 65,536.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from inference.card import Preprocessing
from inference.header import UNREADABLE, integer, items, number, text

Values = npt.NDArray[np.float64]


def display(ds: Dataset, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Render the image as its header asks: white is dense, whatever the photometric interpretation.

    Args:
        ds: the header.
        pixels: (H, W) stored values, integers of at most 16 bits.

    Returns:
        (H, W) uint8.
    """
    low, high = int(pixels.min()), int(pixels.max())
    stored = np.arange(low, high + 1)
    grey = _voi(ds, stored, _modality(ds, stored))
    if _inverted(ds):
        grey = 255 - grey
    # Wrapping a stored value to an unsigned index puts the negative ones at the end of the table.
    table = np.zeros(1 << (8 * pixels.dtype.itemsize), dtype=np.uint8)
    table[stored] = np.rint(grey).astype(np.uint8)
    return _look_up(table, np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}"))


def _look_up(table: npt.NDArray[np.uint8], index: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.uint8]:
    """table[index], a few rows at a time: numpy widens the index to 64 bits, which so stays in cache."""
    result = np.empty(index.shape, dtype=np.uint8)
    for start in range(0, len(index), 64):
        rows = slice(start, start + 64)
        np.take(table, index[rows], out=result[rows], mode="clip")
    return result


def _modality(ds: Dataset, stored: npt.NDArray[np.int_]) -> Values:
    """Apply the modality LUT or the rescale slope and intercept (PS3.3 C.11.1)."""
    if items(ds, "ModalityLUTSequence"):
        try:
            return np.asarray(apply_modality_lut(stored, ds), dtype=np.float64)
        except UNREADABLE:
            return stored.astype(np.float64)
    slope, intercept = number(ds, "RescaleSlope"), number(ds, "RescaleIntercept")
    return stored.astype(np.float64) * (slope or 1.0) + (intercept or 0.0)


def _voi(ds: Dataset, stored: npt.NDArray[np.int_], values: Values) -> Values:
    """Map values to grey levels in [0, 255] by the default window, else the first VOI LUT, else their range.

    PS3.3 C.11.2.1 lets a reader choose where an image has several windows and LUTs; the first is the default.
    The paper uses the window (Wang et al. 2017, section 2.3); so a window goes before a LUT here.
    Eight-bit images with neither have been windowed by whoever made them, and stay as they are.
    """
    centre, width = number(ds, "WindowCenter"), number(ds, "WindowWidth")
    if centre is not None and width is not None and width > 0:
        return _window(values, centre, width, text(ds, "VOILUTFunction").upper())
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


def resize(image: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Bring an 8-bit image to size x size; the aspect ratio is not kept (Wang et al. 2017, section 2.3).

    A larger image first comes to 1.6 times the size, as the training images have it (512 to 320 pixels), so
    that one filter gives all images the same sharpness. Of very large ones four evenly spread pixels are
    averaged for that, not all: reading every pixel of a radiograph would take a fifth of the time of the
    model itself.
    """
    picture = Image.fromarray(image)
    spread = 2 * round(1.6 * size)
    if min(image.shape) > spread:
        picture = picture.resize((spread, spread), Image.Resampling.NEAREST).reduce(2)
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=1.6))


def model_input(image: npt.NDArray[np.uint8], card: Preprocessing) -> npt.NDArray[np.float32]:
    """Make the network's input of an image as displayed.

    Args:
        image: (H, W) uint8, white is dense.
        card: size S, and the mean and standard deviation of grey levels in [0, 1].

    Returns:
        (1, channels, S, S) float32; the channels are equal.
    """
    levels = (np.arange(256, dtype=np.float32) / 255 - np.float32(card.mean)) / np.float32(card.std)
    result = np.empty((1, card.channels, card.size, card.size), dtype=np.float32)
    np.take(levels, resize(image, card.size), out=result[0, 0], mode="clip")
    result[0, 1:] = result[0, 0]
    return result
