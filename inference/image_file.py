"""Reading one image from a file: DICOM by its header, PNG and JPEG as already windowed."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image as Pillow
from pydicom.errors import InvalidDicomError

from db.vocabulary import Reason
from inference import grayscale
from inference.eligibility import assess, view
from inference.errors import NotReadable
from inference.header import UNREADABLE
from inference.image import Image, Stored
from inference.pixels import decode
from inference.policy import Policy

Opened = Callable[[Path], AbstractContextManager[BinaryIO]]
"""Opens a file to be read from its first byte to its last; may say when it is closed that it was not whole."""
Decoded = Callable[[pydicom.Dataset, int], Stored]
"""The stored values of a dataset, of at most so many pixels; raises NotReadable."""
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


@contextmanager
def opened_plainly(path: Path) -> Iterator[BinaryIO]:
    """A file as it is.

    Raises:
        NotReadable: it cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise NotReadable(Reason.NOT_IMAGE, f"The file cannot be opened ({error.strerror}).") from error


class ReadImage(Protocol):
    """Reads one image file, of at most so many pixels; raises NotReadable, and whatever `opened` does."""

    def __call__(self, path: Path, policy: Policy, max_pixels: int, *, opened: Opened = opened_plainly) -> Image:
        """Read it."""


def _decoded(ds: pydicom.Dataset, max_pixels: int) -> Stored:
    return decode(ds, max_pixels=max_pixels)


def read(
    path: Path,
    policy: Policy | None,
    max_pixels: int = 50_000_000,
    *,
    decoded: Decoded = _decoded,
    opened: Opened = opened_plainly,
) -> Image:
    """Read a DICOM, PNG or JPEG file.

    Args:
        path: the file.
        policy: which images are read; without one any image is, whatever its header says that it shows: for a person to
            look at.
        max_pixels: the largest.
        decoded: decodes the pixel data of a DICOM file, by default here and now.
        opened: opens the file. It is closed before anything is made of its bytes.

    Raises:
        NotReadable: whatever is the matter with it, a missing file too.
    """
    with opened(path) as stream:
        picture = stream.read(8).startswith(SIGNATURES)
        stream.seek(0)
        ds = None if picture else _dataset(stream)
    if ds is None:
        return Image.windowed(_picture(path, max_pixels))
    if policy is not None:
        _require_eligible(ds, policy)
    stored = decoded(ds, max_pixels)
    return Image(stored=stored, grey=grayscale.levels(ds, stored), header=ds)


def frontal_view(path: Path, policy: Policy) -> str:
    """The view of a frontal image in a DICOM file (PA, AP or ""), from its header alone.

    Raises:
        NotReadable: it is not an image to be read, as `read` would say too.
        OSError: the file cannot be opened.
    """
    with path.open("rb") as stream:  # a file that is not there says nothing of the image
        ds = _dataset(stream, pixels=False)
    _require_eligible(ds, policy)
    return view(ds)


def header(path: Path) -> pydicom.Dataset:
    """The header of a DICOM file, whatever is in it; its pixels are not looked at.

    Raises:
        NotReadable: it is none, or is not there.
    """
    with opened_plainly(path) as stream:
        return _dataset(stream, pixels=False)


def _require_eligible(ds: pydicom.Dataset, policy: Policy) -> None:
    ineligible = assess(ds, policy)
    if ineligible is not None:
        raise NotReadable(ineligible.reason, ineligible.detail, ineligible.tag)


def _dataset(stream: BinaryIO, *, pixels: bool = True) -> pydicom.Dataset:
    """Read a DICOM file, also one without preamble and file meta, as older archives have them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return pydicom.dcmread(stream, stop_before_pixels=not pixels)
            except InvalidDicomError:
                stream.seek(0)
                ds = pydicom.dcmread(stream, stop_before_pixels=not pixels, force=True)
    except (*UNREADABLE, InvalidDicomError) as error:
        detail = f"The file is not readable as DICOM ({type(error).__name__})."
        raise NotReadable(Reason.NOT_IMAGE, detail) from error
    if "SOPClassUID" not in ds and "PixelData" not in ds:
        raise NotReadable(Reason.NOT_IMAGE, "The file is neither DICOM, PNG nor JPEG.")
    return ds


def _picture(path: Path, max_pixels: int) -> npt.NDArray[np.uint8]:
    """Read a PNG or JPEG as 8-bit grey; 16-bit grey keeps its full range, transparency is dropped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of bombs; the budget below decides
            with Pillow.open(path, formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    detail = f"The image has {height} x {width} pixels; the budget is {max_pixels}."
                    raise NotReadable(Reason.TOO_LARGE, detail)
                if picture.mode.startswith("I"):
                    return (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
                if picture.mode == "L":
                    return np.asarray(picture)
                # By way of RGB, so that neither a palette nor transparency chooses the grey.
                return np.asarray(picture.convert("RGB").convert("L"))
    except Pillow.DecompressionBombError as error:
        raise NotReadable(Reason.TOO_LARGE, "The image is larger than the pixel budget.") from error
    except (*UNREADABLE, SyntaxError) as error:  # Pillow raises SyntaxError for broken PNG chunks
        detail = f"The image cannot be decoded ({type(error).__name__})."
        raise NotReadable(Reason.UNDECODABLE, detail) from error
