"""The backlog: what runs and what waits, how much of it, since when and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from db.jobs import CHANGED, SENDING, UNDONE, UNFINISHED, as_job
from db.records import Job, JobKind, JobState
from db.schema import job


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Jobs of one kind in one state; the oldest of them could run since `oldest`."""

    kind: str
    state: str
    count: int
    oldest: datetime


def counts(connection: Connection) -> dict[str, int]:
    """How many jobs there are, by `kind.state`."""
    query = select(job.c.kind, job.c.state, func.count()).group_by(job.c.kind, job.c.state)
    return {f"{kind}.{state}": count for kind, state, count in connection.execute(query)}


def newest(connection: Connection) -> int | None:
    """The id of the job that was queued last, None if there is none."""
    return connection.execute(select(func.max(job.c.id))).scalar()


def undone(connection: Connection) -> list[Undone]:
    """How many jobs are not done, and since when the oldest could run, by kind and state; the index alone is read."""
    query = select(job.c.kind, job.c.state, func.count(), func.min(job.c.not_before))
    rows = connection.execute(query.where(UNDONE).group_by(job.c.kind, job.c.state))
    return [Undone(kind=kind, state=state, count=count, oldest=oldest) for kind, state, count, oldest in rows]


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


def running(connection: Connection) -> list[Job]:
    """What is being worked on, in the order in which it could begin."""
    query = select(job).where(UNDONE, job.c.state == JobState.RUNNING).order_by(job.c.not_before, job.c.id)
    return [as_job(row) for row in connection.execute(query).mappings()]


def troubles(connection: Connection) -> list[tuple[str, str, int, str]]:
    """Why deliveries wait: destination, error code, how many jobs, and the sentence of one of them."""
    query = (
        select(job.c.destination, job.c.error_code, func.count(), func.max(job.c.error))
        .where(UNDONE, job.c.kind.in_(SENDING), job.c.error_code != CHANGED)
        .group_by(job.c.destination, job.c.error_code)
        .order_by(job.c.destination, job.c.error_code)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def any_delivery_runs(connection: Connection, study_id: int, destination: str) -> bool:
    """Whether results of a study are being sent to a destination."""
    query = select(job.c.id).where(
        job.c.kind == JobKind.DELIVER,
        job.c.subject_id == study_id,
        job.c.destination == destination,
        job.c.state == JobState.RUNNING,
    )
    return connection.execute(query.limit(1)).first() is not None
