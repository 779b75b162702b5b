"""Jobs that need not wait longer, or run again: a person asks, a destination answers, what they are about has changed.

No attempt is held against a job that runs again. They are counted on all the same: a worker that lost the job cannot
end it.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, or_, update

from db import jobs
from db.jobs import AWAITING, CHANGED, ENDED_BADLY, NO_MODEL, SENDING, UNCONFIRMED, UNDONE, UNFINISHED
from db.records import JobKind, JobState
from db.schema import job


def add_or_reopen(
    connection: Connection, *, kind: JobKind, subject_id: int, revision: int, destination: str, now: datetime
) -> int | None:
    """Queue a job, or let it run again if it has ended. Returns its id, or None if it runs or waits already."""
    new = jobs.add(connection, kind=kind, subject_id=subject_id, revision=revision, destination=destination, now=now)
    if new is not None:
        return new
    reopened = reopen(connection, kind=kind, subject_id=subject_id, revision=revision, destination=destination, now=now)
    return next(iter(reopened), None)


def retry(connection: Connection, job_id: int | None, now: datetime) -> list[int]:
    """A person asks again for a failed or dead job, or for all of them. Returns the ids put back."""
    statement = (
        update(job)
        .where(UNDONE, job.c.state.in_(ENDED_BADLY))
        .values(
            state=JobState.QUEUED,
            postponed=job.c.attempts,  # a fencing token never goes back, so all earlier claims are forgiven
            not_before=now,
            ended_at=None,
            error_code=None,
            error=None,
        )
        .returning(job.c.id)
    )
    if job_id is not None:
        statement = statement.where(job.c.id == job_id)
    return list(connection.execute(statement).scalars())


def reopen(
    connection: Connection,
    *,
    kind: JobKind,
    subject_id: int,
    revision: int,
    destination: str | None,
    now: datetime,
    states: Collection[JobState] = (JobState.QUEUED, JobState.DONE, JobState.FAILED, JobState.DEAD),
) -> list[int]:
    """What this job is about has changed: it runs again now, if it is in one of these states. Returns its id then."""
    statement = (
        update(job)
        .where(
            job.c.kind == kind,
            job.c.subject_id == subject_id,
            job.c.revision == revision,
            job.c.destination == destination,
            job.c.state.in_(states),
        )
        .values(
            state=JobState.QUEUED,
            postponed=job.c.attempts,
            not_before=now,
            ended_at=None,
            error_code=CHANGED,
            error=None,
        )
        .returning(job.c.id)
    )
    return list(connection.execute(statement).scalars())


def wake(connection: Connection, destination: str, now: datetime) -> None:
    """The destination answers again: what waits for it, and not for its commitment, need not wait longer."""
    waits = (
        UNDONE,
        job.c.kind.in_(SENDING),
        job.c.destination == destination,
        job.c.state == JobState.QUEUED,
        job.c.not_before > now,
    )
    other = or_(job.c.error_code.is_(None), job.c.error_code != AWAITING)
    connection.execute(update(job).where(*waits, other).values(not_before=now))


def wake_answered(connection: Connection, subject_id: int, revision: int, destination: str, now: datetime) -> None:
    """The destination answered whether it commits to a delivery: its job goes on, though nobody hoped for it any more.

    A job that runs is touched too: where both commit at once one waits for the other, and no answer is overlooked.
    """
    mine = (
        job.c.kind.in_(SENDING),
        job.c.subject_id == subject_id,
        job.c.revision == revision,
        job.c.destination == destination,
    )
    connection.execute(update(job).where(*mine, job.c.state.in_(UNFINISHED)).values(not_before=now))
    given_up = update(job).where(*mine, job.c.state == JobState.FAILED, job.c.error_code == UNCONFIRMED)
    connection.execute(
        given_up.values(
            state=JobState.QUEUED, postponed=job.c.attempts, not_before=now, ended_at=None, error_code=AWAITING
        )
    )


def wake_one(connection: Connection, job_id: int, now: datetime) -> None:
    """This job need not wait longer."""
    connection.execute(update(job).where(job.c.id == job_id, job.c.state == JobState.QUEUED).values(not_before=now))


def wake_for_model(connection: Connection, now: datetime) -> None:
    """Another model is in service: what waits for one need not wait longer."""
    connection.execute(
        update(job)
        .where(UNDONE, job.c.error_code == NO_MODEL, job.c.state == JobState.QUEUED, job.c.not_before > now)
        .values(not_before=now)
    )
