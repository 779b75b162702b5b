"""Jobs: the database decides who works.

A job is claimed by one UPDATE that counts the attempt and sets a lease. The worker renews the lease while it
works and ends the job in the transaction that stores its outcome; both ask for the attempt number they were
given, so a worker whose lease ran out and whose job went to another can neither renew nor end it. An expired
lease puts the job back in the queue, or to the dead after the last attempt. Any process may do that at any time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, and_, case, func, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Jobs of one kind in one state; the oldest of them could run since `oldest`."""

    kind: str
    state: str
    count: int
    oldest: datetime


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
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(job)
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


def add_or_reopen(
    connection: Connection, *, kind: JobKind, subject_id: int, revision: int, destination: str, now: datetime
) -> int | None:
    """Queue a job, or let it run again if it has ended. Returns its id, or None if it runs or waits already."""
    new = add(connection, kind=kind, subject_id=subject_id, revision=revision, destination=destination, now=now)
    if new is not None:
        return new
    reopened = reopen(connection, kind=kind, subject_id=subject_id, revision=revision, destination=destination, now=now)
    return next(iter(reopened), None)


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
    return None if row is None else _job(row)


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


def due(connection: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Ids of queued jobs that may run now, the longest waiting first."""
    query = (
        select(job.c.id)
        .where(UNDONE, job.c.state == JobState.QUEUED, job.c.not_before <= now)
        .order_by(job.c.not_before, job.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


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


def troubles(connection: Connection) -> list[tuple[str, str, int, str]]:
    """Why deliveries wait: destination, error code, how many jobs, and the sentence of one of them."""
    query = (
        select(job.c.destination, job.c.error_code, func.count(), func.max(job.c.error))
        .where(UNDONE, job.c.kind.in_(SENDING), job.c.error_code != CHANGED)
        .group_by(job.c.destination, job.c.error_code)
        .order_by(job.c.destination, job.c.error_code)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


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


def any_delivery_runs(connection: Connection, study_id: int, destination: str) -> bool:
    """Whether results of a study are being sent to a destination."""
    query = select(job.c.id).where(
        job.c.kind == JobKind.DELIVER,
        job.c.subject_id == study_id,
        job.c.destination == destination,
        job.c.state == JobState.RUNNING,
    )
    return connection.execute(query.limit(1)).first() is not None


def wake_for_model(connection: Connection, now: datetime) -> None:
    """Another model is in service: what waits for one need not wait longer."""
    connection.execute(
        update(job)
        .where(UNDONE, job.c.error_code == NO_MODEL, job.c.state == JobState.QUEUED, job.c.not_before > now)
        .values(not_before=now)
    )


def get(connection: Connection, job_id: int) -> Job:
    """The job with this id."""
    return _job(connection.execute(select(job).where(job.c.id == job_id)).mappings().one())


def look(connection: Connection, job_id: int) -> Job | None:
    """The job with this id, if there is one."""
    row = connection.execute(select(job).where(job.c.id == job_id)).mappings().one_or_none()
    return None if row is None else _job(row)


def kinds(connection: Connection, job_ids: Collection[int]) -> dict[int, JobKind]:
    """The kind of each of these jobs."""
    query = select(job.c.id, job.c.kind).where(job.c.id.in_(job_ids)).order_by(job.c.id)
    return {row.id: JobKind(row.kind) for row in connection.execute(query)}


def find(connection: Connection, kind: JobKind, subject_id: int, revision: int) -> Job | None:
    """The job of this kind that is about a subject's revision and goes nowhere, if there is one."""
    query = select(job).where(job.c.kind == kind, job.c.subject_id == subject_id, job.c.revision == revision)
    row = connection.execute(query.where(job.c.destination.is_(None))).mappings().one_or_none()
    return None if row is None else _job(row)


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
    found = [_job(row) for each in queries for row in connection.execute(each).mappings()]
    return sorted(found, key=lambda each: -each.id)[:limit]


def running(connection: Connection) -> list[Job]:
    """What is being worked on, in the order in which it could begin."""
    query = select(job).where(UNDONE, job.c.state == JobState.RUNNING).order_by(job.c.not_before, job.c.id)
    return [_job(row) for row in connection.execute(query).mappings()]


def unfinished_count(connection: Connection, kind: JobKind | None = None) -> int:
    """How many jobs, all or of one kind, are queued or running."""
    query = select(func.count()).select_from(job).where(UNDONE, job.c.state.in_(UNFINISHED))
    if kind is not None:
        query = query.where(job.c.kind == kind)
    return connection.execute(query).scalar_one()


def any_at_hand(connection: Connection, kind: JobKind, now: datetime) -> bool:
    """Whether a job of this kind runs, or may run now."""
    waits = and_(job.c.state == JobState.QUEUED, job.c.not_before <= now)
    query = select(job.c.id).where(UNDONE, job.c.kind == kind, or_(job.c.state == JobState.RUNNING, waits)).limit(1)
    return connection.execute(query).first() is not None


def counts(connection: Connection) -> dict[str, int]:
    """How many jobs there are, by `kind.state`."""
    query = select(job.c.kind, job.c.state, func.count()).group_by(job.c.kind, job.c.state)
    return {f"{kind}.{state}": count for kind, state, count in connection.execute(query)}


def undone(connection: Connection) -> list[Undone]:
    """How many jobs are not done, and since when the oldest could run, by kind and state; the index alone is read."""
    query = select(job.c.kind, job.c.state, func.count(), func.min(job.c.not_before))
    rows = connection.execute(query.where(UNDONE).group_by(job.c.kind, job.c.state))
    return [Undone(kind=kind, state=state, count=count, oldest=oldest) for kind, state, count, oldest in rows]


def _held(connection: Connection, held: Job, values: Mapping[str, Any]) -> None:
    outcome: CursorResult[Any] = connection.execute(
        update(job)
        .where(job.c.id == held.id, job.c.state == JobState.RUNNING, job.c.attempts == held.attempts)
        .values(values)
    )
    if outcome.rowcount != 1:
        raise LeaseLostError(held.id)


def _job(row: Mapping[Any, Any]) -> Job:
    return Job(**{**row, "kind": JobKind(row["kind"]), "state": JobState(row["state"])})
