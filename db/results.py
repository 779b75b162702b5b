"""Predictions and the result objects built from them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects import postgresql, sqlite

from db.records import Result, StoredPrediction
from db.schema import prediction, result


def add_prediction(connection: Connection, made: StoredPrediction, now: datetime) -> None:
    """Keep what a model version said of an instance; what it said first stands."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(prediction)
        .values(
            instance_id=made.instance_id,
            model_version=made.model_version,
            rows=made.rows,
            columns=made.columns,
            scores=made.scores,
            cam=made.cam,
            cam_shape=list(made.cam_shape),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[prediction.c.instance_id, prediction.c.model_version])
    )


def prediction_of(connection: Connection, instance_id: int, model_version: str) -> StoredPrediction | None:
    """What this model version said of this instance, if it has read it."""
    query = select(prediction).where(
        prediction.c.instance_id == instance_id, prediction.c.model_version == model_version
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return StoredPrediction(
        instance_id=row["instance_id"],
        model_version=row["model_version"],
        rows=row["rows"],
        columns=row["columns"],
        scores=row["scores"],
        cam=row["cam"],
        cam_shape=tuple(row["cam_shape"]),
    )


def add_result(
    connection: Connection,
    *,
    job_id: int,
    study_id: int,
    revision: int,
    kind: str,
    model_version: str,
    sop_class_uid: str,
    sop_instance_uid: str,
    series_instance_uid: str,
    path: str,
    size: int,
    sha256: str,
    created_at: datetime,
) -> int:
    """Write the row of a result object whose bytes are in the store. Returns its id."""
    values: dict[str, Any] = {
        "job_id": job_id,
        "study_id": study_id,
        "revision": revision,
        "kind": kind,
        "model_version": model_version,
        "sop_class_uid": sop_class_uid,
        "sop_instance_uid": sop_instance_uid,
        "series_instance_uid": series_instance_uid,
        "path": path,
        "size": size,
        "sha256": sha256,
        "created_at": created_at,
    }
    row_id: int = connection.execute(result.insert().values(values).returning(result.c.id)).scalar_one()
    return row_id


def of_revision(connection: Connection, study_id: int, revision: int) -> list[Result]:
    """The result objects of a study's revision, as they were built."""
    query = select(result).where(result.c.study_id == study_id, result.c.revision == revision)
    return _results(connection.execute(query.order_by(result.c.id)).mappings())


def previous(connection: Connection, study_id: int, revision: int, kind: str) -> Result | None:
    """The latest result of a kind from before `revision`: the predecessor of a new Structured Report."""
    query = (
        select(result)
        .where(result.c.study_id == study_id, result.c.revision < revision, result.c.kind == kind)
        .order_by(result.c.revision.desc(), result.c.id.desc())
        .limit(1)
    )
    return next(iter(_results(connection.execute(query).mappings())), None)


def every(connection: Connection) -> list[Result]:
    """All result objects, in the order in which they were built."""
    return _results(connection.execute(select(result).order_by(result.c.id)).mappings())


def _results(rows: Iterable[RowMapping]) -> list[Result]:
    return [Result(**row) for row in rows]
