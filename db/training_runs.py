"""Training runs: what somebody wanted trained, and what became of it.

A run has one job. Whether it waits, runs or has ended is what the job says; the run keeps what a job has no room for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, select, update

from db import awakening, jobs, upsert
from db.errors import TakenError
from db.learning_records import RunState, TrainingRun
from db.records import JobKind, JobState
from db.schema import job, model, snapshot, training_run

STOPPED = "stopped"
"""The error code of the job of a run that somebody stopped."""
REVISION = 0
"""Of a run's only job."""


def add(
    connection: Connection,
    *,
    version: str,
    snapshot_sha256: str | None,
    wanted: Sequence[str],
    method: str,
    arguments: Sequence[str],
    by: str,
    now: datetime,
) -> tuple[int, int]:
    """Enter a run and queue its job. Returns the ids of both.

    Raises:
        TakenError: a model or a run has this version; roll the transaction back.
    """
    if connection.execute(select(model.c.id).where(model.c.version == version)).first() is not None:
        raise TakenError(version)
    insert = upsert.insert(connection.dialect.name, training_run)
    found = select(snapshot.c.id).where(snapshot.c.sha256 == snapshot_sha256).scalar_subquery()
    statement = insert.values(
        version=version,
        snapshot_id=found if snapshot_sha256 else None,
        wanted=list(wanted),
        method=method,
        arguments=list(arguments),
        told={},
        started_by=by,
        started_at=now,
    )
    statement = statement.on_conflict_do_nothing(index_elements=[training_run.c.version])
    run_id = connection.execute(statement.returning(training_run.c.id)).scalar_one_or_none()
    if run_id is None:
        raise TakenError(version)
    job_id = jobs.add(connection, kind=JobKind.TRAIN, subject_id=run_id, revision=REVISION, now=now)
    assert job_id is not None  # noqa: S101 - a new run has no job yet
    return run_id, job_id


def ask_to_stop(connection: Connection, run_id: int, *, by: str, now: datetime) -> bool:
    """Let a run end: at once if it waits, else as soon as whoever trains it looks. Returns whether it is to end now."""
    mine = (job.c.kind == JobKind.TRAIN, job.c.subject_id == run_id)
    unfinished = select(job.c.id).where(*mine, job.c.state.in_(jobs.UNFINISHED)).exists()
    asked = update(training_run).where(training_run.c.id == run_id, training_run.c.stopped_by.is_(None), unfinished)
    if connection.execute(asked.values(stopped_by=by).returning(training_run.c.id)).first() is None:
        return False
    waits = update(job).where(*mine, job.c.state == JobState.QUEUED)
    connection.execute(waits.values(state=JobState.DONE, ended_at=now, error_code=STOPPED, error=None))
    return True


def go_on(connection: Connection, run_id: int, now: datetime) -> list[int]:
    """Let a run that was stopped or failed go on. Returns the id of its job if it does."""
    found = find(connection, run_id)
    if found is None or found.state not in {RunState.STOPPED, RunState.FAILED}:
        return []
    connection.execute(update(training_run).where(training_run.c.id == run_id).values(stopped_by=None))
    ended = (JobState.DONE, JobState.FAILED, JobState.DEAD)
    return awakening.reopen(
        connection,
        kind=JobKind.TRAIN,
        subject_id=run_id,
        revision=REVISION,
        destination=None,
        now=now,
        states=ended,
    )


def tell(connection: Connection, run_id: int, told: Mapping[str, Any]) -> None:
    """Keep the last that its journal said."""
    connection.execute(update(training_run).where(training_run.c.id == run_id).values(told=dict(told)))


def give_snapshot(connection: Connection, run_id: int, sha256: str) -> None:
    """From now on it learns from this snapshot."""
    found = select(snapshot.c.id).where(snapshot.c.sha256 == sha256).scalar_subquery()
    connection.execute(update(training_run).where(training_run.c.id == run_id).values(snapshot_id=found))


def find(connection: Connection, run_id: int) -> TrainingRun | None:
    """A run, if there is one of this number."""
    row = connection.execute(_runs().where(training_run.c.id == run_id)).mappings().one_or_none()
    return None if row is None else _run(row)


def of_version(connection: Connection, version: str) -> TrainingRun | None:
    """The run that makes, or made, the model of this version."""
    row = connection.execute(_runs().where(training_run.c.version == version)).mappings().one_or_none()
    return None if row is None else _run(row)


def newest(connection: Connection, limit: int, before: int | None = None) -> list[TrainingRun]:
    """Runs, the last started first; only those started before the one of an id."""
    query = _runs().order_by(training_run.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(training_run.c.id < before)
    return [_run(row) for row in connection.execute(query).mappings()]


def _runs() -> Select[Any]:
    its_job = and_(job.c.kind == JobKind.TRAIN, job.c.subject_id == training_run.c.id)
    columns = [each for each in training_run.c if each.name != "snapshot_id"]
    return (
        select(
            *columns,
            snapshot.c.sha256.label("snapshot"),
            job.c.state,
            job.c.error_code,
            job.c.error.label("reason"),
            job.c.ended_at,
            model.c.id.is_not(None).label("registered"),
        )
        .outerjoin(job, its_job)  # it has one; but SQLite begins with the jobs if it may
        .outerjoin(snapshot, snapshot.c.id == training_run.c.snapshot_id)
        .outerjoin(model, model.c.version == training_run.c.version)
    )


def _run(row: RowMapping) -> TrainingRun:
    values = dict(row)
    values["state"] = _state(JobState(values["state"]), values.pop("error_code"), values["stopped_by"])
    if values["state"] not in {RunState.WAITING, RunState.FAILED}:
        values["reason"] = None
    for name in ("wanted", "arguments"):
        values[name] = tuple(values[name])
    return TrainingRun(**values)


def _state(of_job: JobState, code: str | None, stopped_by: str | None) -> RunState:
    match of_job:
        case JobState.QUEUED | JobState.RUNNING if stopped_by is not None:
            return RunState.STOPPING
        case JobState.QUEUED:
            return RunState.WAITING
        case JobState.RUNNING:
            return RunState.RUNNING
        case JobState.DONE:
            return RunState.STOPPED if code == STOPPED else RunState.DONE
        case _:
            return RunState.FAILED
