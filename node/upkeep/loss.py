"""A loss is accepted: a person says that what is damaged or missing will not come back.

The finding ends with that: verification counts it and passes over it, and a job that failed of it runs again and ends
without it. Row, history and quarantine stay; the same bytes, sent again or put back, end the loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db import audit, losses, results, studies
from db.engine import Connection, Database
from db.records import Absence, Holding, StoredInstance
from db.result_records import Result
from node.errors import NodeError
from node.upkeep import integrity

ACCEPT = "file.lost"


class NothingLostError(NodeError):
    """Of this UID nothing is known to be damaged or missing; the text says what is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What was accepted now: SOP Instance UIDs, and the jobs that run again for it."""

    sop_instance_uids: tuple[str, ...]
    jobs: tuple[int, ...]


def accept(database: Database, sop_instance_uids: Sequence[str], reason: str, *, by: str, now: datetime) -> Accepted:
    """Accept that the files of these objects are lost; all of them, or none.

    What was accepted before stays as it is.

    Raises:
        NothingLostError: one of them is not known, or its file is here, or retention removed it.
    """
    with database.write() as connection:
        found = [row for uid in sop_instance_uids for row in _missed(connection, uid)]
        rows = [row for row in found if losses.accept(connection, integrity.of(row), now)]
        queued = _go_on(connection, rows, now)
        for row in rows:
            file = integrity.of(row)
            audit.append(
                connection,
                actor=by,
                action=ACCEPT,
                subject=file.sop_instance_uid,
                now=now,
                detail={"kind": file.kind, "path": file.path, "found": file.absence, "reason": reason},
            )
    return Accepted(sop_instance_uids=tuple(row.sop_instance_uid for row in rows), jobs=queued)


def _missed(connection: Connection, uid: str) -> list[StoredInstance | Result]:
    """The rows of an object whose file is damaged or missing; none, if that was accepted before."""
    result = results.under(connection, uid)
    instances = studies.with_uids(connection, [uid]).get(uid, [])
    rows: list[StoredInstance | Result] = [*instances, *([result] if result else ())]
    missed = [row for row in rows if row.absence in (Absence.DAMAGED, Absence.MISSING)]
    if missed or any(row.absence is Absence.LOST for row in rows):
        return missed
    if not rows:
        raise NothingLostError(f"the store knows no object {uid}; cxr verify shows what is damaged or missing")
    if all(row.absence is Absence.REMOVED for row in rows):
        raise NothingLostError(f"retention removed the file of {uid}; that is no loss, and verification passes over it")
    raise NothingLostError(f"the file of {uid} is here, as far as is known; cxr verify looks at it again")


def _go_on(connection: Connection, rows: Sequence[StoredInstance | Result], now: datetime) -> tuple[int, ...]:
    kinds: dict[int, set[Holding]] = {}
    for row in rows:
        kinds.setdefault(row.study_id, set()).add(integrity.of(row).kind)
    return tuple(
        job_id for study_id, of in sorted(kinds.items()) for job_id in losses.go_on(connection, of, study_id, now)
    )
