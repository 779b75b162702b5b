"""The jobs that ask for reports to be mined: one waits at a time, and means every version up to a report."""

from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Connection, Executable, Integer, and_, bindparam, case, func, or_, select, update

from db import jobs, reports
from db.records import JobKind, JobState
from db.schema import Utc, job, report

SETTLE_S = 1.0
"""Seconds without a new report until a mining job may begin, so that what arrives together is mined together, and
mining does not take the processor from a burst of messages."""
LONGEST_WAIT_S = 30.0
"""Seconds after which a mining job waits no longer, however much still arrives."""


def queue(connection: Connection, report_id: int | None, now: datetime, *, at_once: bool = False) -> int | None:
    """Ask for every report version up to this one, or to the newest, to be mined, in the transaction that stores it.

    A mining job that still waits is widened instead: however many reports arrive, one job waits. Its row is then
    locked to the end of the transaction, so that nobody takes the job before the reports can be seen.

    Args:
        connection: a writing transaction.
        report_id: the newest report version to be mined; None for the newest that is stored.
        now: the time.
        at_once: whether it need not wait for more, nor for a miner that was missing.

    Returns:
        The id of the job; None if the same was asked for at the same moment.
    """
    soon = now if at_once else now + timedelta(seconds=SETTLE_S)
    values = {"up_to": report_id, "soon": soon, "long_ago": now - timedelta(seconds=LONGEST_WAIT_S)}
    widened: int | None = connection.execute(_widen(at_once=at_once), values).scalar_one_or_none()
    if widened is not None:
        return widened
    report_id = report_id or reports.newest(connection) or 0
    before = select(func.count()).where(job.c.kind == JobKind.MINE, job.c.subject_id == report_id)
    revision = connection.execute(before).scalar_one()
    return jobs.add(connection, kind=JobKind.MINE, subject_id=report_id, revision=revision, now=now, not_before=soon)


@cache
def _widen(*, at_once: bool) -> Executable:
    """Built once: to build it takes longer than all else that a message does."""
    waiting = select(job.c.id).where(_waits()).order_by(job.c.id).limit(1).scalar_subquery()
    newest = select(func.max(report.c.id)).scalar_subquery()
    up_to = func.coalesce(bindparam("up_to", type_=Integer), newest)
    soon, long_ago = bindparam("soon", type_=Utc), bindparam("long_ago", type_=Utc)
    stays = or_(job.c.not_before > soon, job.c.created_at < long_ago)
    statement: Executable = (
        update(job)
        .where(job.c.id == waiting, _waits())
        .values(
            subject_id=case((job.c.subject_id < up_to, up_to), else_=job.c.subject_id),
            not_before=soon if at_once else case((stays, job.c.not_before), else_=soon),
        )
        .returning(job.c.id)
    )
    return statement


def _waits() -> ColumnElement[bool]:
    return and_(jobs.UNDONE, job.c.kind == JobKind.MINE, job.c.state == JobState.QUEUED)
