"""Take in one instance: bytes, then rows, then the answer.

The order is the promise. The data set goes to a `.part` file as it arrives and is on disk before its header is
looked at; then the file gets its name, then the rows are committed, and only then may the sender hear 0x0000.
"""

import hashlib
import logging
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO

from pydicom import Dataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from db import studies
from db.engine import Database
from db.errors import DatabaseError, OutcomeUnknownError
from db.records import Arrival
from node.errors import RefusedError
from node.files import OUT_OF_RESOURCES, InstanceStore, Part
from node.process.implementation import IMPLEMENTATION_CLASS_UID
from node.register import Register

log = logging.getLogger(__name__)

DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""C-STORE statuses (DICOM PS3.4 table B.2-1)."""
TOO_LARGE = "Out of resources: the data set is above the size limit"

RELEASE_FALLBACK_S = 60.0
"""With no quiet period a study settles at the release of its association; this long after it if none is seen."""

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
BEGIN_BYTES = 8192
"""How much of a data set is kept until its header was read; nearly all headers end before."""

UID_SHAPE = re.compile(r"[0-9]+(\.[0-9]+)*")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
ESCAPE = b"\x1b"
"""Begins a change of character set (DICOM PS3.5 6.1.2.5)."""
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    MemoryError,
    OSError,  # pydicom's own has no number: of a sequence without an item
    BytesLengthException,  # pydicom's, of no kind
    struct.error,
)
"""What pydicom raises on a header that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the association and the C-STORE command say of an instance."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae: str
    calling_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Receives instances into the store and the database.

    With `quiet_s` None what it receives is kept and not read; otherwise a study is read once it was quiet for so long.
    """

    store: InstanceStore
    database: Database
    register: Register
    quiet_s: float | None
    max_instance_bytes: int
    now: Callable[[], datetime]

    def receive(
        self, fragments: Iterable[memoryview | bytes], origin: Origin, study_instance_uid: str | None = None
    ) -> str:
        """Store a data set as it arrives, bit for bit; when this returns, bytes and rows are on disk.

        With `study_instance_uid` it must be of that study.

        Returns:
            The Study Instance UID.

        Raises:
            RefusedError: it is not taken; nothing of it is left. Not all fragments may have been used.
            OSError: the disk failed, likewise.
            db.errors.OutcomeUnknownError: its rows may be there or not, so its file stays.
            db.errors.DatabaseError: the database failed before that; nothing of it is left.
        """
        _require_uid(origin.sop_instance_uid, "the command's SOP Instance UID")
        part = self.store.begin()
        try:
            preamble = file_meta(origin)
            part.write(preamble)
            begin = bytearray()
            size, digest = self._write(part, fragments, begin)
            part.sync()
            header = _header(begin, part, len(preamble), origin.transfer_syntax_uid)
            _require_match(header, origin)
            if study_instance_uid is not None and _text(header, STUDY_INSTANCE_UID) != study_instance_uid:
                raise RefusedError(DOES_NOT_MATCH, "it is of another study than was asked for")
            name = part.name()
            arrival = self._arrival(header, origin, name, size, digest)
            self._record(arrival)
            return arrival.study_instance_uid
        finally:
            part.discard()

    def released(self, study_instance_uids: Iterable[str]) -> None:
        """An association ended: with no quiet period, its studies are settled now."""
        if self.quiet_s == 0 and (uids := list(study_instance_uids)):
            with self.database.write() as connection:
                studies.settle_now(connection, uids, self.now())

    def _write(self, part: Part, fragments: Iterable[memoryview | bytes], begin: bytearray) -> tuple[int, str]:
        """Write a data set, and keep its `begin`. Returns its size and digest."""
        size, digest = 0, hashlib.sha256()
        for fragment in fragments:
            size += len(fragment)
            if size > self.max_instance_bytes:
                raise RefusedError(OUT_OF_RESOURCES, TOO_LARGE)
            if len(begin) < BEGIN_BYTES:
                begin += fragment[: BEGIN_BYTES - len(begin)]
            part.write(fragment)
            digest.update(fragment)
        return size, digest.hexdigest()

    def _record(self, arrival: Arrival) -> None:
        """Write the rows; a file that no row names, nor ever will, is taken out of the store again.

        One that a row may name stays, whatever was said of it: see `db.engine.Database`.
        """
        settle_at = None
        if self.quiet_s is not None:
            settle_at = arrival.received_at + timedelta(seconds=self.quiet_s or RELEASE_FALLBACK_S)
        try:
            kept = self.register.record(arrival, settle_at=settle_at)
        except OutcomeUnknownError:
            raise
        except (DatabaseError, OSError):
            self.store.remove(arrival.path)
            raise
        if not kept:
            self.store.remove(arrival.path)
            log.info("duplicate", extra={"fields": {"sop_instance_uid": arrival.sop_instance_uid}})

    def _arrival(self, header: Dataset, origin: Origin, name: str, size: int, digest: str) -> Arrival:
        return Arrival(
            sop_instance_uid=origin.sop_instance_uid,
            sop_class_uid=origin.sop_class_uid,
            transfer_syntax_uid=origin.transfer_syntax_uid,
            study_instance_uid=_text(header, STUDY_INSTANCE_UID),
            series_instance_uid=_text(header, SERIES_INSTANCE_UID),
            patient_id=_text(header, PATIENT_ID),
            patient_name=_text(header, PATIENT_NAME),
            accession_number=_text(header, ACCESSION_NUMBER),
            study_date=_text(header, STUDY_DATE)[:8],
            path=name,
            size=size,
            sha256=digest,
            calling_ae=origin.calling_ae,
            calling_address=origin.calling_address,
            received_at=self.now(),
        )


def file_meta(origin: Origin) -> bytes:
    """Preamble of zeros, prefix and File Meta Information for a data set (DICOM PS3.10 section 7.1).

    Stored files are verified against it, so whoever changes it has to know the older ones too
    (`node.upkeep.integrity`). Hand-cut: pydicom takes longer to write these five elements than the disk to store the
    image.
    """
    elements = b"".join(_file_meta_elements(origin))
    group_length = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(elements))
    return bytes(128) + b"DICM" + group_length + elements


def _file_meta_elements(origin: Origin) -> Iterator[bytes]:
    yield struct.pack("<HH2sHL", 2, 1, b"OB", 0, 2) + b"\0\1"
    for element, uid in (
        (0x0002, origin.sop_class_uid),
        (0x0003, origin.sop_instance_uid),
        (0x0010, origin.transfer_syntax_uid),
        (0x0012, IMPLEMENTATION_CLASS_UID),
    ):
        value = uid.encode("ascii")
        value += b"\0" * (len(value) % 2)
        yield struct.pack("<HH2sH", 2, element, b"UI", len(value)) + value


def _header(begin: bytearray, part: Part, offset: int, transfer_syntax_uid: str) -> Dataset:
    """The header's elements, from the data set's begin if they are all there, which spares a look at the file."""
    syntax = _syntax(transfer_syntax_uid)
    with suppress(*UNREADABLE):
        header, complete = _read_header(BytesIO(begin), syntax)
        if complete:
            return header
    try:
        with part.path.open("rb") as file:
            file.seek(offset)
            return _read_header(file, syntax)[0]
    except UNREADABLE as error:
        if getattr(error, "errno", None) is not None:
            raise  # the disk's
        raise RefusedError(CANNOT_UNDERSTAND, "Cannot understand: the data set is malformed") from error


def _read_header(file: BinaryIO, syntax: UID) -> tuple[Dataset, bool]:
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


def _require_match(header: Dataset, origin: Origin) -> None:
    if _text(header, SOP_INSTANCE_UID) != origin.sop_instance_uid:
        raise RefusedError(DOES_NOT_MATCH, "SOP Instance UIDs of command and data set differ")
    if _text(header, SOP_CLASS_UID) != origin.sop_class_uid:
        raise RefusedError(DOES_NOT_MATCH, "SOP Class UIDs of command and data set differ")
    _require_uid(_text(header, STUDY_INSTANCE_UID), "Study Instance UID")
    _require_uid(_text(header, SERIES_INSTANCE_UID), "Series Instance UID")


def is_uid(text: str) -> bool:
    """Whether it has the shape of a UID (DICOM PS3.5 9.1)."""
    return len(text) <= 64 and UID_SHAPE.fullmatch(text) is not None


def _require_uid(uid: str, name: str) -> None:
    if not is_uid(uid):
        raise RefusedError(DOES_NOT_MATCH, f"{name} is missing or not a UID")


def _text(header: Dataset, tag: int) -> str:
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
