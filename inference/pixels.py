"""From a DICOM image to an array of stored values: every check before the memory, every failure a reason."""

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_fragmented_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from db.vocabulary import Reason
from inference.codestream import size_of
from inference.errors import NotReadable
from inference.header import UNREADABLE, integer, text
from inference.image import Stored

GREY = {"MONOCHROME1", "MONOCHROME2"}
COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}


def decode(ds: Dataset, *, max_pixels: int = 50_000_000) -> Stored:
    """Decode one image.

    Args:
        ds: a dataset with its pixel data; its file meta names the transfer syntax.
        max_pixels: the largest rows times columns for which memory is set aside.

    Returns:
        (rows, columns) of stored values, uint8, uint16 or int16; colour has become grey.

    Raises:
        NotReadable: not_image, multi_frame, unsupported_pixels, too_large or undecodable.
    """
    rows, columns, samples = check(ds, max_pixels=max_pixels)
    try:
        syntax = _transfer_syntax(ds)
        if syntax.is_compressed and not syntax.is_deflated:
            _check_codestream(ds, rows=rows, columns=columns, samples=samples, max_pixels=max_pixels)
        else:
            _check_length(ds, rows=rows, columns=columns, samples=samples)
        plain = samples == 1 and syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        stored: Stored = _as_it_lies(ds, rows, columns) if plain else pixel_array(ds, index=0)
    except UNREADABLE as error:
        raise _undecodable(f"The pixel data cannot be decoded ({type(error).__name__}).") from error
    if samples == 3 and stored.shape == (rows, columns, 3):
        return _grey(stored)
    if stored.shape != (rows, columns):
        raise _undecodable("The decoded image has another size than Rows and Columns.")
    return _plain(_without_unused_bits(ds, stored))


def bare(ds: Dataset) -> Dataset:
    """The pixel data with what they are decoded by, and nothing else of the header; for a codec elsewhere."""
    alone = Dataset()
    for keyword in _INTEGERS:
        if (value := integer(ds, keyword)) is not None:
            setattr(alone, keyword, value)
    alone.PhotometricInterpretation = text(ds, "PhotometricInterpretation")
    alone.add_new("PixelData", "OB", ds.PixelData)
    alone.file_meta = FileMetaDataset()
    alone.file_meta.TransferSyntaxUID = _transfer_syntax(ds)
    return alone


_INTEGERS = (
    "SamplesPerPixel",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
)


def needs_codec(ds: Dataset) -> bool:
    """Whether the pixel data are compressed, so that a codec would run over them."""
    try:
        return bool(_transfer_syntax(ds).is_compressed)
    except UNREADABLE:
        return False


def check(ds: Dataset, *, max_pixels: int = 50_000_000) -> tuple[int, int, int]:
    """Check all that the header says of the pixels; nothing is decoded and no memory taken.

    Returns:
        Rows, Columns and Samples per Pixel.

    Raises:
        NotReadable: not_image, multi_frame, unsupported_pixels or too_large.
    """
    if "PixelData" not in ds:
        raise NotReadable(Reason.NOT_IMAGE, "The object holds no pixel data.", "(7FE0,0010)")
    if (integer(ds, "NumberOfFrames") or 1) > 1:
        raise NotReadable(Reason.MULTI_FRAME, "The image has more than one frame.", "(0028,0008)")
    rows, columns = integer(ds, "Rows") or 0, integer(ds, "Columns") or 0
    if rows < 1 or columns < 1:
        raise _unsupported("Rows or Columns is missing or zero.", "(0028,0010)" if rows < 1 else "(0028,0011)")
    if rows * columns > max_pixels:
        raise _too_large(rows, columns, max_pixels)
    samples = integer(ds, "SamplesPerPixel")
    if samples not in (1, 3):
        raise _unsupported("Samples per Pixel is neither 1 nor 3.", "(0028,0002)")
    if text(ds, "PhotometricInterpretation") not in (GREY if samples == 1 else COLOUR):
        raise _unsupported("The photometric interpretation is neither grey, RGB nor YBR.", "(0028,0004)")
    allocated, stored = integer(ds, "BitsAllocated") or 0, integer(ds, "BitsStored") or 0
    if allocated not in ((8, 16) if samples == 1 else (8,)):
        raise _unsupported("Bits Allocated is neither 8 nor 16 (8 in colour).", "(0028,0100)")
    if not 1 <= stored <= allocated:
        raise _unsupported("Bits Stored does not fit Bits Allocated.", "(0028,0101)")
    if integer(ds, "PixelRepresentation") not in (0, 1):
        raise _unsupported("Pixel Representation is neither 0 nor 1.", "(0028,0103)")
    return rows, columns, samples


def _transfer_syntax(ds: Dataset) -> UID:
    """The transfer syntax; where the file meta has none, the encoding it was read with."""
    meta = getattr(ds, "file_meta", None)
    if meta is not None and "TransferSyntaxUID" in meta:
        return UID(meta.TransferSyntaxUID)
    implicit, little = ds.original_encoding
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    if meta is None:
        ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = syntax
    return syntax


def _check_length(ds: Dataset, *, rows: int, columns: int, samples: int) -> None:
    needed = rows * columns * samples * ((integer(ds, "BitsAllocated") or 8) // 8)
    if text(ds, "PhotometricInterpretation") == "YBR_FULL_422":
        needed = needed * 2 // 3
    if len(ds.PixelData) < needed:
        raise _undecodable("The pixel data is shorter than Rows and Columns say.")


def _as_it_lies(ds: Dataset, rows: int, columns: int) -> Stored:
    """The pixel data itself, which is not copied: of a large radiograph that would take as long as to resize it."""
    signed = integer(ds, "PixelRepresentation") == 1
    kind = np.dtype(f"<{'i' if signed else 'u'}{(integer(ds, 'BitsAllocated') or 8) // 8}")
    return np.frombuffer(ds.PixelData, dtype=kind, count=rows * columns).reshape(rows, columns)


def _check_codestream(ds: Dataset, *, rows: int, columns: int, samples: int, max_pixels: int) -> None:
    codestream = b"".join(next(generate_fragmented_frames(ds.PixelData, number_of_frames=1)))
    if not codestream:
        raise _undecodable("The pixel data is empty.")
    size = size_of(codestream)
    if size is None:
        if _transfer_syntax(ds).name.startswith("RLE"):  # has no size of its own; its output is checked
            return
        raise _undecodable("The compressed image has no readable header.")
    if size.rows * size.columns > max_pixels:
        raise _too_large(size.rows, size.columns, max_pixels)
    if (size.rows, size.columns) != (rows, columns) or size.components != samples:
        raise _undecodable("The compressed image has another size than Rows and Columns.")


def _grey(colour: Stored) -> npt.NDArray[np.uint8]:
    """Luminance of RGB (ITU-R BT.601); pydicom has already turned YBR into RGB."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey: npt.NDArray[np.float32] = colour.astype(np.float32) @ weights
    return np.rint(grey).astype(np.uint8)


def _without_unused_bits(ds: Dataset, stored: Stored) -> Stored:
    """Drop bits above Bits Stored: older machines kept overlays there (PS3.5 8.1.1)."""
    unused = stored.dtype.itemsize * 8 - (integer(ds, "BitsStored") or 0)
    if unused <= 0 or stored.dtype.kind not in "iu":
        return stored
    limit = 2 ** (integer(ds, "BitsStored") or 0)
    low, high = (-limit // 2, limit // 2) if stored.dtype.kind == "i" else (0, limit)
    if (low == 0 or stored.min() >= low) and stored.max() < high:
        return stored
    cleaned: Stored = np.right_shift(np.left_shift(stored, unused), unused)
    return cleaned


def _plain(stored: Stored) -> Stored:
    """The three types that the rest works on: the machine's own byte order, and no signed bytes."""
    kind = "i2" if stored.dtype.kind == "i" else f"u{stored.dtype.itemsize}"
    return np.ascontiguousarray(stored, dtype=kind)


def _unsupported(detail: str, tag: str) -> NotReadable:
    return NotReadable(Reason.UNSUPPORTED_PIXELS, detail, tag)


def _undecodable(detail: str) -> NotReadable:
    return NotReadable(Reason.UNDECODABLE, detail, "(7FE0,0010)")


def _too_large(rows: int, columns: int, max_pixels: int) -> NotReadable:
    return NotReadable(
        Reason.TOO_LARGE,
        f"The image has {rows} x {columns} pixels; the budget is {max_pixels}.",
        "(0028,0010)",
    )
