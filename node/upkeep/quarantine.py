"""Files that are not what they were are set aside, and their rows say so.

The row is written first, with an entry in the audit log; then the file is moved. What falls between the two is found by
the next `cxr verify`.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from db import audit, holdings
from db.engine import Database
from db.records import Absence, StoredFile
from db.vocabulary import Reason
from inference.errors import NotReadable
from node.files import InstanceStore
from node.upkeep import integrity
from node.upkeep.integrity import ComparedFile

log = logging.getLogger(__name__)


def inspect(database: Database, store: InstanceStore, file: StoredFile, now: datetime) -> Absence | None:
    """What is the matter with a file, which then is set aside; None if it is whole.

    One that was missed and is whole again, because somebody put it back, is used again.
    """
    if file.absence is Absence.REMOVED:
        return file.absence
    found = examine(store, file)
    enforce(database, store, file, found, now)
    return found


@contextmanager
def opened(database: Database, store: InstanceStore, file: StoredFile, now: datetime, path: Path) -> Iterator[BinaryIO]:
    """A file, where it lies, to read an image from; it is inspected by the same look at its bytes.

    Raises:
        NotReadable: it is not whole, and is set aside; when it is closed, whatever the reader has thought of its bytes.
    """
    if file.absence is Absence.REMOVED:
        raise unreadable(file.absence)
    try:
        compared = ComparedFile(path.open("rb", buffering=0), file)
    except FileNotFoundError as error:
        found = file.absence or Absence.MISSING
        enforce(database, store, file, found, now)
        raise unreadable(found) from error
    with io.BufferedReader(compared, integrity.AT_ONCE) as stream:
        try:
            yield stream
        finally:
            fault = compared.fault()
            enforce(database, store, file, fault, now)
            if fault is not None:
                raise unreadable(fault)


def unreadable(absence: Absence) -> NotReadable:
    """What there is to say of an image whose file is not there."""
    reason = {Absence.REMOVED: Reason.REMOVED, Absence.LOST: Reason.LOST}.get(absence, Reason.DAMAGED)
    return NotReadable(reason, reason.sentence)


def examine(store: InstanceStore, file: StoredFile) -> Absence | None:
    """What is the matter with a file; what is in the quarantine is still damaged, though not in its place."""
    found = integrity.fault(store.path(file.path), file)
    return file.absence if found is Absence.MISSING and file.absence else found


def enforce(database: Database, store: InstanceStore, file: StoredFile, found: Absence | None, now: datetime) -> bool:
    """Let row and store say what was found; False if the row has changed since it was read."""
    if found is not file.absence and not _noted(database, file, found, now):
        return False
    if found is Absence.DAMAGED:
        store.set_aside(file.path)
    return True


def _noted(database: Database, file: StoredFile, found: Absence | None, now: datetime) -> bool:
    """Write what was found into the row and the audit log."""
    with database.write() as connection:
        changed = holdings.mark(connection, file, found, now)
        if changed:
            audit.append(
                connection,
                actor="node",
                action=f"file.{found or 'returned'}",
                subject=file.sop_instance_uid,
                now=now,
                detail={"kind": file.kind, "path": file.path},
            )
    if changed:
        fields = {"kind": file.kind, "row": file.id, "found": found or "whole again"}
        log.log(logging.INFO if found is None else logging.ERROR, "stored file changed", extra={"fields": fields})
    return changed
