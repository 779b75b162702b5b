"""Candidates beside the model that reads: what was asked for, and what came of it.

A comparison has one job. Scores are kept elsewhere; here are the numbers that a person decides by.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, select, update

from db import awakening, jobs, upsert
from db.learning_records import StoredComparison
from db.records import JobKind, JobState
from db.schema import comparison, job, snapshot

REVISION = 0
"""Of a comparison's only job."""


def ask(
    connection: Connection, *, candidate: str, current: str, snapshot_sha256: str, by: str, now: datetime
) -> list[int]:
    """Have two models compared on a snapshot; asked again, it is the same comparison, and one that failed runs again.

    Returns:
        The id of its job, if that is to run now.
    """
    insert = upsert.insert(connection.dialect.name, comparison)
    snapshot_id = connection.execute(select(snapshot.c.id).where(snapshot.c.sha256 == snapshot_sha256)).scalar_one()
    statement = insert.values(
        candidate=candidate, current=current, snapshot_id=snapshot_id, asked_by=by, asked_at=now, done=0, total=0
    )
    same = [comparison.c.candidate, comparison.c.current, comparison.c.snapshot_id]
    new = connection.execute(statement.on_conflict_do_nothing(index_elements=same).returning(comparison.c.id)).scalar()
    if new is not None:
        queued = jobs.add(connection, kind=JobKind.COMPARE, subject_id=new, revision=REVISION, now=now)
        return [] if queued is None else [queued]
    which = (comparison.c.candidate == candidate, comparison.c.current == current)
    known = select(comparison.c.id).where(*which, comparison.c.snapshot_id == snapshot_id)
    return awakening.reopen(
        connection,
        kind=JobKind.COMPARE,
        subject_id=connection.execute(known).scalar_one(),
        revision=REVISION,
        destination=None,
        now=now,
        states=(JobState.FAILED, JobState.DEAD),
    )


def advance(connection: Connection, comparison_id: int, done: int, total: int) -> None:
    """So many images are read, of so many."""
    connection.execute(update(comparison).where(comparison.c.id == comparison_id).values(done=done, total=total))


def conclude(connection: Connection, comparison_id: int, outcome: Mapping[str, Any]) -> None:
    """Keep its numbers."""
    connection.execute(update(comparison).where(comparison.c.id == comparison_id).values(outcome=dict(outcome)))


def find(connection: Connection, comparison_id: int) -> StoredComparison | None:
    """A comparison, if there is one of this number."""
    row = connection.execute(_comparisons().where(comparison.c.id == comparison_id)).mappings().one_or_none()
    return None if row is None else _comparison(row)


def of_candidate(connection: Connection, candidate: str, limit: int) -> list[StoredComparison]:
    """The comparisons of a model with those that read, the last asked for first."""
    query = _comparisons().where(comparison.c.candidate == candidate).order_by(comparison.c.id.desc()).limit(limit)
    return [_comparison(row) for row in connection.execute(query).mappings()]


def _comparisons() -> Select[Any]:
    its_job = and_(job.c.kind == JobKind.COMPARE, job.c.subject_id == comparison.c.id)
    columns = [each for each in comparison.c if each.name != "snapshot_id"]
    return (
        select(*columns, snapshot.c.sha256.label("snapshot"), job.c.state, job.c.error.label("reason"))
        .join(snapshot, snapshot.c.id == comparison.c.snapshot_id)
        .join(job, its_job)
    )


def _comparison(row: RowMapping) -> StoredComparison:
    values = dict(row)
    ended = values.pop("state") not in jobs.UNFINISHED
    return StoredComparison(**values, ended=ended)
