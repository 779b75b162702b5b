"""The header of an arriving data set: the few elements that its rows are made of, and no more.

What a peer sent is malformed until it was read: what cannot be read is empty text, or no header at all.
"""

import re
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from inference.header import UNREADABLE
from node.errors import CANNOT_UNDERSTAND, RefusedError

SPECIFIC_CHARACTER_SET = 0x00080005
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
STUDY_DATE = 0x00080020
ACCESSION_NUMBER = 0x00080050
PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
HEADER_TAGS = [
    SPECIFIC_CHARACTER_SET,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_DATE,
    ACCESSION_NUMBER,
    PATIENT_NAME,
    PATIENT_ID,
    STUDY_INSTANCE_UID,
    SERIES_INSTANCE_UID,
]
LAST_HEADER_TAG = HEADER_TAGS[-1]

UID_SHAPE = re.compile(r"[0-9]+(\.[0-9]+)*")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
ESCAPE = b"\x1b"
"""Begins a change of character set (DICOM PS3.5 6.1.2.5)."""


def read(begin: bytearray, path: Path, offset: int, transfer_syntax_uid: str) -> Dataset:
    """The header's elements, from the data set's begin if they are all there, which spares a look at the file.

    Args:
        begin: of the data set.
        path: of the file that has all of it.
        offset: where it begins there, in bytes.
        transfer_syntax_uid: how it is encoded.

    Raises:
        RefusedError: it is malformed.
        OSError: the disk failed.
    """
    syntax = _syntax(transfer_syntax_uid)
    with suppress(*UNREADABLE):
        header, complete = _elements(BytesIO(begin), syntax)
        if complete:
            return header
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return _elements(file, syntax)[0]
    except UNREADABLE as error:
        if getattr(error, "errno", None) is not None:
            raise  # the disk's
        raise RefusedError(CANNOT_UNDERSTAND, "Cannot understand: the data set is malformed") from error


def _elements(file: BinaryIO, syntax: UID) -> tuple[Dataset, bool]:
    """The header's elements, and whether an element behind them was seen."""
    complete = False

    def behind(tag: int, _vr: str | None, _length: int) -> bool:
        nonlocal complete
        complete = tag > LAST_HEADER_TAG
        return complete

    header = read_dataset(
        file,
        is_implicit_VR=syntax.is_implicit_VR,
        is_little_endian=syntax.is_little_endian,
        stop_when=behind,
        specific_tags=HEADER_TAGS,
    )
    return header, complete


@lru_cache(maxsize=64)
def _syntax(transfer_syntax_uid: str) -> UID:
    """An accepted transfer syntax, of which there are few: pydicom checks each UID's shape when it is made."""
    return UID(transfer_syntax_uid)


def is_uid(word: str) -> bool:
    """Whether it has the shape of a UID (DICOM PS3.5 9.1)."""
    return len(word) <= 64 and UID_SHAPE.fullmatch(word) is not None


def text(header: Dataset, tag: int) -> str:
    """The element's text without what no database column and no page should hold; empty if unreadable.

    Plain ASCII needs no character set and is taken as it stands: it is nearly always that, and pydicom's
    conversion of eight elements costs more than the rest of the header.
    """
    try:
        raw = header.get_item(tag)
        value = None if raw is None else raw.value
        if isinstance(value, bytes) and value.isascii() and ESCAPE not in value:
            value = value.decode("ascii")
        elif raw is not None:
            value = header[tag].value
    except UNREADABLE:
        return ""
    if isinstance(value, Sequence):
        return ""  # a sequence in place of text has none, and to print one is to read all of it
    return "" if value is None else CONTROL_CHARACTERS.sub(" ", str(value)).strip()
