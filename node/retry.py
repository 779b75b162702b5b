"""Failed and dead jobs run again because a person asks, who is written down."""

from datetime import datetime

from db import audit, awakening
from db.engine import Database

NAMED = 100
"""Jobs that an entry of the audit log names one by one."""


def retry(database: Database, job_id: int | None, *, by: str, now: datetime) -> list[int]:
    """Queue a failed or dead job, or all of them, again. Returns the ids of those that were.

    Of two people at once the second finds none.
    """
    with database.write() as connection:
        queued = awakening.retry(connection, job_id, now)
        if queued:
            subject = f"job {queued[0]}" if len(queued) == 1 else f"{len(queued)} jobs"
            detail = {"jobs": queued[:NAMED]}
            audit.append(connection, actor=by, action="job.retry", subject=subject, now=now, detail=detail)
    return queued
