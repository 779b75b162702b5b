"""DICOM files as archives have them, on their way into the intake: what each is, and where its data set begins.

With preamble and File Meta Information (DICOM PS3.10 section 7.1), or without one or both, as older archives have
them. What the node would not take by C-STORE it does not take from a file.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydicom.filereader import read_dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from inference.header import UNREADABLE, text
from node.dicom.acceptance import STORAGE_CLASSES, TRANSFER_SYNTAXES
from node.errors import NodeError
from node.file_meta import Origin

CALLING_AE, CALLING_ADDRESS = "IMPORT", ""
"""Stand where an association's would: nobody called."""
CHUNK = 1 << 20
_LONGEST_META = 1 << 16
_LONG_VRS = frozenset({b"OB", b"OW", b"OF", b"UT", b"UN", b"SQ"})
_TRANSFER_SYNTAX_UID = (0x0002, 0x0010)
_SOP_INSTANCE_UID = 0x00080018


class NotTakenError(NodeError):
    """There is nothing here for the intake; the text says why, and holds nothing of what was read."""


def origin(path: Path) -> tuple[Origin, int]:
    """What a file holds, and the offset of its data set.

    Raises:
        NotTakenError: it is not DICOM, or not what a chest radiograph travels in.
    """
    with _opened(path) as file:
        return look(file, calling_ae=CALLING_AE, calling_address=CALLING_ADDRESS)


def look(file: BinaryIO, *, calling_ae: str, calling_address: str) -> tuple[Origin, int]:
    """The same of what is open, or of its begin; `calling_ae` and `calling_address` say whose it is.

    Raises:
        NotTakenError: it is not DICOM, or not what a chest radiograph travels in.
    """
    syntax, offset = _syntax(file.read(_LONGEST_META))
    if syntax not in TRANSFER_SYNTAXES:
        raise NotTakenError(f"its transfer syntax is not taken ({_named(syntax)})")
    file.seek(offset)
    try:
        header = read_dataset(
            file,
            is_implicit_VR=syntax.is_implicit_VR,
            is_little_endian=syntax.is_little_endian,
            stop_when=lambda tag, _vr, _length: tag > _SOP_INSTANCE_UID,
        )
        sop_class_uid, sop_instance_uid = text(header, "SOPClassUID"), text(header, "SOPInstanceUID")
    except UNREADABLE as error:
        raise NotTakenError("its header cannot be read") from error
    if not sop_class_uid or not sop_instance_uid:
        raise NotTakenError("it is not DICOM, or names no SOP instance")
    if sop_class_uid not in STORAGE_CLASSES:
        raise NotTakenError(f"its SOP class is not taken ({_named(UID(sop_class_uid))})")
    return (
        Origin(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=syntax,
            calling_ae=calling_ae,
            calling_address=calling_address,
        ),
        offset,
    )


def data_set(path: Path, offset: int) -> Iterator[bytes]:
    """The bytes of a file's data set, as they stand.

    Raises:
        NotTakenError: the file cannot be read to its end.
    """
    with _opened(path) as file:
        file.seek(offset)
        while chunk := file.read(CHUNK):
            yield chunk


def size(path: Path) -> int:
    """The bytes of a file.

    Raises:
        NotTakenError: it is not there any more.
    """
    with _opened(path) as file:
        return os.fstat(file.fileno()).st_size


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise NotTakenError(f"cannot be read: {error.strerror or type(error).__name__}") from error


def _syntax(head: bytes) -> tuple[UID, int]:
    """The transfer syntax, by the file meta or else by the look of the first element; and where the data set begins."""
    offset = 132 if head[128:132] == b"DICM" else 0
    named = b""
    while len(head) >= offset + 8 and struct.unpack_from("<H", head, offset)[0] == 2:
        _, element, vr = struct.unpack_from("<HH2s", head, offset)
        if vr in _LONG_VRS and len(head) >= offset + 12:
            length, start = struct.unpack_from("<L", head, offset + 8)[0], offset + 12
        else:
            length, start = struct.unpack_from("<H", head, offset + 6)[0], offset + 8
        if (2, element) == _TRANSFER_SYNTAX_UID:
            named = head[start : start + length]
        offset = start + length
    if offset >= len(head):
        raise NotTakenError("it is not DICOM")
    if named:
        return UID(named.decode("ascii", "replace").strip(" \0")), offset
    first = struct.unpack_from("<H", head, offset)[0] if len(head) >= offset + 8 else 0xFFFF
    if first > 8:
        raise NotTakenError("it is not DICOM")
    looks_explicit = head[offset + 4 : offset + 6].isalpha() and head[offset + 4 : offset + 6].isupper()
    return (ExplicitVRLittleEndian if looks_explicit else ImplicitVRLittleEndian), offset


def _named(uid: UID) -> str:
    """A UID that DICOM knows by its name; any other may say whose it is."""
    return uid.name if uid.name != uid else "an unknown one"
