"""What the miner made of reports: readings with their mentions and labels, and the jobs that ask for them."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from db import jobs
from db.records import JobKind, JobState
from db.schema import job, report


def queue(connection: Connection, report_id: int, now: datetime) -> int | None:
    """Ask for every report version up to this one to be mined, in the transaction that stores it.

    A mining job that still waits is widened instead: however many reports arrive, one job waits. Its row is then
    locked to the end of the transaction, so that nobody takes the job before the reports can be seen.

    Returns:
        The id of the job, to be announced after the commit; None if the same was asked for at the same moment.
    """
    waiting = select(job.c.id).where(_waits()).order_by(job.c.id).limit(1).scalar_subquery()
    widened: int | None = connection.execute(
        update(job)
        .where(job.c.id == waiting, _waits())
        .values(subject_id=case((job.c.subject_id < report_id, report_id), else_=job.c.subject_id))
        .returning(job.c.id)
    ).scalar_one_or_none()
    if widened is not None:
        return widened
    before = select(func.count()).where(job.c.kind == JobKind.MINE, job.c.subject_id == report_id)
    revision = connection.execute(before).scalar_one()
    return jobs.add(connection, kind=JobKind.MINE, subject_id=report_id, revision=revision, now=now)


def newest_report(connection: Connection) -> int | None:
    """The id of the report version that was stored last, None if there is none."""
    newest: int | None = connection.execute(select(func.max(report.c.id))).scalar_one()
    return newest


def _waits() -> ColumnElement[bool]:
    return (job.c.kind == JobKind.MINE) & (job.c.state == JobState.QUEUED)
