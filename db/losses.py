"""Files that a person accepts as lost, and the jobs that have failed of them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from db import awakening, holdings
from db.records import Absence, Holding, JobKind, JobState, StoredFile
from db.schema import instance, job
from db.vocabulary import Reason

_OF: dict[Holding, tuple[JobKind, ...]] = {
    Holding.INSTANCE: (JobKind.READ,),
    Holding.RESULT: (JobKind.DELIVER, JobKind.RETRACT),
}
"""The kinds of job that need a file, and fail with the code `damaged` without it."""


def accept(connection: Connection, file: StoredFile, now: datetime) -> bool:
    """Let a row say that its file is lost; False if it has changed since it was read."""
    if not holdings.mark(connection, file, Absence.LOST, now):
        return False
    if file.kind is Holding.INSTANCE:
        mine = update(instance).where(instance.c.id == file.id, instance.c.reason == Reason.DAMAGED)
        connection.execute(mine.values(reason=Reason.LOST, reason_detail=Reason.LOST.sentence))
    return True


def go_on(connection: Connection, kinds: Collection[Holding], study_id: int, now: datetime) -> list[int]:
    """Queue the study's jobs again that have failed for want of such files, for them to end. Returns their ids."""
    query = select(job.c.id).where(
        job.c.subject_id == study_id,
        job.c.kind.in_([needing for kind in kinds for needing in _OF[kind]]),
        job.c.state == JobState.FAILED,
        job.c.error_code == Reason.DAMAGED,
    )
    failed = connection.execute(query).scalars().all()
    return [job_id for each in failed for job_id in awakening.retry(connection, each, now)]
