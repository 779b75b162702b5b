"""Times in rows that lie further ahead than any can: the clock was set back since they were written.

What waits for a time would wait for the whole step. So whoever reconciles brings such times back to the longest wait
there is, which a clock that only ran could not exceed. A step forward needs nothing: what waits is due early, a lease
that ends early gives its job to another worker, and the first one's outcome is dropped.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from db.jobs import AWAITING, UNDONE
from db.records import JobState
from db.schema import job, study


@dataclass(frozen=True, slots=True, kw_only=True)
class Longest:
    """The longest waits, in seconds: of a study for quiet, of a lease, of a job for its next try."""

    quiet_s: float = 60.0
    lease_s: float = 60.0
    retry_s: float = 600.0


def any_ahead(connection: Connection, now: datetime, longest: Longest) -> bool:
    """Whether there is such a time: a look that holds up nobody who writes.

    The latest time at which a study settles is asked for: asked whether there is one after another, PostgreSQL reads
    every study once it plans for any time at all, which it does from the tenth tick on.
    """
    latest = connection.execute(select(func.max(study.c.settle_at)).where(study.c.settle_at.is_not(None))).scalar()
    if latest is not None and latest > now + _longer(longest.quiet_s):
        return True
    _, held, waiting = _ahead(now, longest)
    return bool(connection.execute(select(exists(select(job.c.id).where(or_(held, waiting))))).scalar())


def bring_back(connection: Connection, now: datetime, longest: Longest) -> None:
    """Bring these times back."""
    unsettled, held, waiting = _ahead(now, longest)
    connection.execute(update(study).where(unsettled).values(settle_at=now + timedelta(seconds=longest.quiet_s)))
    connection.execute(update(job).where(held).values(lease_until=now + timedelta(seconds=longest.lease_s)))
    connection.execute(update(job).where(waiting).values(not_before=now))


def _ahead(now: datetime, longest: Longest) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """Studies that settle, leases that end and jobs that are due too late; a second more is another host's clock.

    A delivery that waits for a commitment waits as long as its destination may take, and the answer wakes it.
    """
    quiet, lease, retry = (now + _longer(each) for each in (longest.quiet_s, longest.lease_s, longest.retry_s))
    hopes = and_(job.c.error_code.is_not(None), job.c.error_code == AWAITING)
    return (
        study.c.settle_at > quiet,
        and_(UNDONE, job.c.state == JobState.RUNNING, job.c.lease_until > lease),
        and_(UNDONE, job.c.state == JobState.QUEUED, job.c.not_before > retry, ~hopes),
    )


def _longer(seconds: float) -> timedelta:
    return timedelta(seconds=seconds + 1)
