"""Take in one instance: bytes, then rows, then the answer.

The order is the promise. The data set goes to a `.part` file as it arrives and is on disk before its header is
looked at; then the file gets its name, then the rows are committed, and only then may the sender hear 0x0000.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom import Dataset

from db import studies
from db.engine import Database
from db.errors import DatabaseError, OutcomeUnknownError
from db.records import Arrival
from node import header
from node.errors import DOES_NOT_MATCH, OUT_OF_RESOURCES, RefusedError
from node.file_meta import Origin, file_meta
from node.files import InstanceStore, Part
from node.register import Register

log = logging.getLogger(__name__)

TOO_LARGE = "Out of resources: the data set is above the size limit"

BEGIN_BYTES = 8192
"""How much of a data set is kept until its header was read; nearly all headers end before."""

RELEASE_FALLBACK_S = 60.0
"""With no quiet period a study settles at the release of its association; this long after it if none is seen."""


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
            ds = header.read(begin, part.path, len(preamble), origin.transfer_syntax_uid)
            _require_match(ds, origin)
            if study_instance_uid is not None and header.text(ds, header.STUDY_INSTANCE_UID) != study_instance_uid:
                raise RefusedError(DOES_NOT_MATCH, "it is of another study than was asked for")
            name = part.name()
            arrival = self._arrival(ds, origin, name, size, digest)
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

    def _arrival(self, ds: Dataset, origin: Origin, name: str, size: int, digest: str) -> Arrival:
        return Arrival(
            sop_instance_uid=origin.sop_instance_uid,
            sop_class_uid=origin.sop_class_uid,
            transfer_syntax_uid=origin.transfer_syntax_uid,
            study_instance_uid=header.text(ds, header.STUDY_INSTANCE_UID),
            series_instance_uid=header.text(ds, header.SERIES_INSTANCE_UID),
            patient_id=header.text(ds, header.PATIENT_ID),
            patient_name=header.text(ds, header.PATIENT_NAME),
            accession_number=header.text(ds, header.ACCESSION_NUMBER),
            study_date=header.text(ds, header.STUDY_DATE)[:8],
            path=name,
            size=size,
            sha256=digest,
            calling_ae=origin.calling_ae,
            calling_address=origin.calling_address,
            received_at=self.now(),
        )


def _require_match(ds: Dataset, origin: Origin) -> None:
    if header.text(ds, header.SOP_INSTANCE_UID) != origin.sop_instance_uid:
        raise RefusedError(DOES_NOT_MATCH, "SOP Instance UIDs of command and data set differ")
    if header.text(ds, header.SOP_CLASS_UID) != origin.sop_class_uid:
        raise RefusedError(DOES_NOT_MATCH, "SOP Class UIDs of command and data set differ")
    _require_uid(header.text(ds, header.STUDY_INSTANCE_UID), "Study Instance UID")
    _require_uid(header.text(ds, header.SERIES_INSTANCE_UID), "Series Instance UID")


def _require_uid(uid: str, name: str) -> None:
    if not header.is_uid(uid):
        raise RefusedError(DOES_NOT_MATCH, f"{name} is missing or not a UID")
