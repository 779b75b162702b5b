"""Fuzz what a worker does with a stored object: who it is of, may it be read, its pixels (DICOM PS3.3, PS3.5)."""

import tempfile
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from inference import image_file
from inference.eligibility import Policy
from inference.errors import NotReadable
from node.demonstration import phantom

POLICY = Policy(accept_unknown_view=True, accept_unknown_body_part=True)
FILE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "a.dcm"


def seeds() -> list[bytes]:
    """A very small radiograph."""
    buffer = BytesIO()
    phantom.dataset(rows=64, columns=64).save_as(buffer, enforce_file_format=True)
    return [buffer.getvalue()]


def check(data: bytes) -> None:
    """The image is read and shown, or not readable with a reason."""
    FILE.write_bytes(data)
    with suppress(NotReadable), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image_file.read(FILE, POLICY, 100_000).display()
