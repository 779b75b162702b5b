"""Jobs: the database decides who works.

A job is claimed by one UPDATE that counts the attempt and sets a lease. The worker renews the lease while it
works and ends the job in the transaction that stores its outcome; both ask for the attempt number they were
given, so a worker whose lease ran out and whose job went to another can neither renew nor end it. An expired
lease puts the job back in the queue, or to the dead after the last attempt. Any process may do that at any time.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, case, literal_column, select, update

from db import upsert
from db.errors import LeaseLostError
from db.records import Job, JobKind, JobState
from db.schema import job

MAX_ATTEMPTS = 3
"""Claims before a job is dead. A claim that ended in `postpone` does not count."""

CHANGED = "changed"
"""The error code of a job that was made to run again; no person asked for what was given up."""

NO_MODEL = "no_model"
"""The error code of a job that waits for a model that can serve."""

AWAITING, UNCONFIRMED = "awaiting_commitment", "unconfirmed"
"""The error codes of a delivery that was sent and not yet committed, and of one nobody answered for."""

UNFINISHED = (JobState.QUEUED, JobState.RUNNING)

ENDED_BADLY = (JobState.FAILED, JobState.DEAD)
"""The states in which a job waits for a person."""

UNDONE = job.c.state != literal_column("'done'")
"""Said of every job that is sought among those not done: in these words both databases know the index of these few."""

SENDING = (JobKind.DELIVER, JobKind.RETRACT)
"""The kinds of job that send objects to a destination."""


def add(
    connection: Connection,
    *,
    kind: JobKind,
    subject_id: int,
    now: datetime,
    revision: int = 0,
    destination: str | None = None,
    not_before: datetime | None = None,
) -> int | None:
    """Queue a job, once: its key is made of what it is about. Returns its id, or None if it was there before.

    It may run from `not_before` on; without that, now.
    """
    key = f"{kind}:{subject_id}:{revision}" + (f":{destination}" if destination else "")
    statement = (
        upsert.insert(connection.dialect.name, job)
        .values(
            kind=kind,
            key=key,
            subject_id=subject_id,
            revision=revision,
            destination=destination,
            state=JobState.QUEUED,
            attempts=0,
            postponed=0,
            not_before=not_before or now,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[job.c.key])
        .returning(job.c.id)
    )
    return connection.execute(statement).scalar_one_or_none()


def claim(
    connection: Connection,
    *,
    kinds: Collection[JobKind],
    owner: str,
    now: datetime,
    lease_s: float,
    to: str | None = None,
    not_to: Collection[str] = (),
) -> Job | None:
    """Take the longest-waiting due job of these kinds, if there is one.

    `to` takes those to one destination alone, `not_to` leaves out those to some.
    """
    due = _due(kinds, now, to, not_to).order_by(job.c.not_before, job.c.id).limit(1)
    due = due.with_for_update(skip_locked=True)
    statement = (
        update(job)
        .where(job.c.id == due.scalar_subquery(), job.c.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING,
            owner=owner,
            lease_until=now + timedelta(seconds=lease_s),
            attempts=job.c.attempts + 1,
        )
        .returning(job)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else as_job(row)


def any_due(
    connection: Connection,
    kinds: Collection[JobKind],
    now: datetime,
    to: str | None = None,
    not_to: Collection[str] = (),
) -> bool:
    """Whether `claim` would find a job: a look that holds up nobody who writes."""
    return connection.execute(_due(kinds, now, to, not_to).limit(1)).first() is not None


def _due(kinds: Collection[JobKind], now: datetime, to: str | None, not_to: Collection[str]) -> Select[Any]:
    which = select(job.c.id).where(UNDONE, job.c.state == JobState.QUEUED)
    which = which.where(job.c.kind.in_(kinds), job.c.not_before <= now)
    if to is not None:
        which = which.where(job.c.destination == to)
    return which.where(job.c.destination.not_in(not_to)) if not_to else which


def renew(connection: Connection, held: Job, now: datetime, lease_s: float) -> None:
    """Lengthen the lease of a job this worker holds.

    Raises:
        LeaseLostError: another worker has it.
    """
    _held(connection, held, {"lease_until": now + timedelta(seconds=lease_s)})


def require_held(connection: Connection, held: Job) -> None:
    """Refuse to go on with a job that this worker does not hold any more.

    Raises:
        LeaseLostError: another worker has it.
    """
    which = (job.c.id == held.id, job.c.state == JobState.RUNNING, job.c.attempts == held.attempts)
    if connection.execute(select(job.c.id).where(*which)).first() is None:
        raise LeaseLostError(held.id)


def end(
    connection: Connection,
    held: Job,
    *,
    state: JobState,
    now: datetime,
    error_code: str | None = None,
    error: str | None = None,
) -> None:
    """End a job this worker holds, in the transaction that stores what it made.

    Raises:
        LeaseLostError: another worker has it; the transaction is to be rolled back.
    """
    _held(
        connection,
        held,
        {"state": state, "ended_at": now, "lease_until": None, "error_code": error_code, "error": error},
    )


def retry_later(
    connection: Connection, held: Job, *, now: datetime, delay_s: float, error_code: str, error: str
) -> JobState:
    """An attempt went wrong: back to the queue after `delay_s`, or dead if it was the last one."""
    last = held.attempts - held.postponed >= MAX_ATTEMPTS
    state = JobState.DEAD if last else JobState.QUEUED
    if state is JobState.DEAD:
        end(connection, held, state=state, now=now, error_code=error_code, error=error)
    else:
        values = {"not_before": now + timedelta(seconds=delay_s), "error_code": error_code, "error": error}
        _held(connection, held, {"state": state, "lease_until": None, "owner": None} | values)
    return state


def postpone(connection: Connection, held: Job, *, now: datetime, delay_s: float, error_code: str, error: str) -> None:
    """Back to the queue through no fault of the job (the destination is down): the attempt does not count."""
    _held(
        connection,
        held,
        {
            "state": JobState.QUEUED,
            "lease_until": None,
            "owner": None,
            "postponed": job.c.postponed + 1,
            "not_before": now + timedelta(seconds=delay_s),
            "error_code": error_code,
            "error": error,
        },
    )


def any_expired(connection: Connection, now: datetime) -> bool:
    """True if a lease has run out."""
    query = select(job.c.id).where(UNDONE, job.c.state == JobState.RUNNING, job.c.lease_until < now).limit(1)
    return connection.execute(query).first() is not None


def expire(connection: Connection, now: datetime) -> list[int]:
    """Take back the jobs whose lease ran out. Returns the ids of those that died of it."""
    last = job.c.attempts - job.c.postponed >= MAX_ATTEMPTS
    statement = (
        update(job)
        .where(UNDONE, job.c.state == JobState.RUNNING, job.c.lease_until < now)
        .values(
            state=case((last, JobState.DEAD), else_=JobState.QUEUED),
            ended_at=case((last, now), else_=None),
            lease_until=None,
            owner=None,
            error_code="worker_lost",
            error="The worker stopped while it ran this job.",
        )
        .returning(job.c.id, job.c.state)
    )
    return [row.id for row in connection.execute(statement) if row.state == JobState.DEAD]


def due(connection: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Ids of queued jobs that may run now, the longest waiting first."""
    query = (
        select(job.c.id)
        .where(UNDONE, job.c.state == JobState.QUEUED, job.c.not_before <= now)
        .order_by(job.c.not_before, job.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def get(connection: Connection, job_id: int) -> Job:
    """The job with this id."""
    return as_job(connection.execute(select(job).where(job.c.id == job_id)).mappings().one())


def look(connection: Connection, job_id: int) -> Job | None:
    """The job with this id, if there is one."""
    row = connection.execute(select(job).where(job.c.id == job_id)).mappings().one_or_none()
    return None if row is None else as_job(row)


def kinds(connection: Connection, job_ids: Collection[int]) -> dict[int, JobKind]:
    """The kind of each of these jobs."""
    query = select(job.c.id, job.c.kind).where(job.c.id.in_(job_ids)).order_by(job.c.id)
    return {row.id: JobKind(row.kind) for row in connection.execute(query)}


def find(connection: Connection, kind: JobKind, subject_id: int, revision: int) -> Job | None:
    """The job of this kind that is about a subject's revision and goes nowhere, if there is one."""
    query = select(job).where(job.c.kind == kind, job.c.subject_id == subject_id, job.c.revision == revision)
    row = connection.execute(query.where(job.c.destination.is_(None))).mappings().one_or_none()
    return None if row is None else as_job(row)


def newest(
    connection: Connection, limit: int, states: Collection[JobState] = (), before: int | None = None
) -> list[Job]:
    """Jobs, the newest first; only those in `states` if any are given, and made before the one of an id.

    State by state, since few of a million jobs may be in one: each is then found by its index.
    """
    query = select(job).order_by(job.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(job.c.id < before)
    queries = [query.where(job.c.state == state) for state in states] or [query]
    found = [as_job(row) for each in queries for row in connection.execute(each).mappings()]
    return sorted(found, key=lambda each: -each.id)[:limit]


def _held(connection: Connection, held: Job, values: Mapping[str, Any]) -> None:
    outcome: CursorResult[Any] = connection.execute(
        update(job)
        .where(job.c.id == held.id, job.c.state == JobState.RUNNING, job.c.attempts == held.attempts)
        .values(values)
    )
    if outcome.rowcount != 1:
        raise LeaseLostError(held.id)


def as_job(row: Mapping[Any, Any]) -> Job:
    """The record of a row."""
    return Job(**{**row, "kind": JobKind(row["kind"]), "state": JobState(row["state"])})
