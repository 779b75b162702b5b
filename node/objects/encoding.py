"""Result objects as DICOM files, from one transfer syntax into another."""

from io import BytesIO
from pathlib import Path

from pydicom import dcmread, dcmwrite
from pydicom.uid import UID


def transcoded(file: bytes | Path, transfer_syntax: str) -> bytes:
    """A stored object in another, uncompressed transfer syntax, under the same SOP Instance UID; nothing is lost."""
    ds = dcmread(BytesIO(file) if isinstance(file, bytes) else file)
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        ds.decompress(as_rgb=False, generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
