"""Predictions and the result objects built from them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, or_, select, true

from db import upsert
from db.records import Absence, ScorePair, StoredPrediction
from db.result_records import REPORT_KINDS, Result, ResultKind
from db.schema import instance, prediction, result, study

_AT_ONCE = 500
"""How many ids one statement names."""


def add_prediction(connection: Connection, made: StoredPrediction, now: datetime) -> None:
    """Keep what a model version said of an instance; what it said first stands."""
    connection.execute(
        upsert.insert(connection.dialect.name, prediction)
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


def seen_by(connection: Connection, study_id: int, model_version: str, before: datetime | None = None) -> list[int]:
    """The instances of a study that a model version has read (before a time), in order of arrival."""
    query = select(prediction.c.instance_id).join(instance, instance.c.id == prediction.c.instance_id)
    query = query.where(instance.c.study_id == study_id, prediction.c.model_version == model_version)
    if before is not None:
        query = query.where(prediction.c.created_at < before)
    return list(connection.execute(query.order_by(prediction.c.instance_id)).scalars())


def readers(connection: Connection, study_id: int) -> dict[int, set[str]]:
    """The versions of the models that have read each of a study's instances, by instance id."""
    query = select(prediction.c.instance_id, prediction.c.model_version)
    query = query.join(instance, instance.c.id == prediction.c.instance_id).where(instance.c.study_id == study_id)
    found: dict[int, set[str]] = {}
    for instance_id, model_version in connection.execute(query):
        found.setdefault(instance_id, set()).add(model_version)
    return found


def pairs(connection: Connection, first: str, second: str, since: datetime | None = None) -> Iterator[ScorePair]:
    """What two model versions said of each instance that both have read; streamed.

    Only of studies that began to arrive from `since` on, which an index finds.
    """
    one, other = prediction.alias("one"), prediction.alias("other")
    query = (
        select(one.c.instance_id, instance.c.study_id, one.c.scores.label("first"), other.c.scores.label("second"))
        .join(other, other.c.instance_id == one.c.instance_id)
        .join(instance, instance.c.id == one.c.instance_id)
        .where(one.c.model_version == first, other.c.model_version == second)
        .order_by(one.c.instance_id)
    )
    if since is not None:
        query = query.join(study, study.c.id == instance.c.study_id).where(study.c.first_received_at >= since)
    for row in connection.execute(query, execution_options={"yield_per": 1000}).mappings():
        yield ScorePair(**row)


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


def previous(connection: Connection, study_id: int, revision: int, kinds: Collection[str]) -> Result | None:
    """The latest result of these kinds from before `revision`, taken back or not: what was said of a study last."""
    return _previous(connection, study_id, revision, kinds, true())


def predecessor(
    connection: Connection, study_id: int, revision: int, kinds: Collection[str], at: datetime | None = None
) -> Result | None:
    """The same, but none that was taken back (by the time `at`): what a new Structured Report names as predecessor."""
    return _previous(connection, study_id, revision, kinds, _stands(at))


def _previous(
    connection: Connection, study_id: int, revision: int, kinds: Collection[str], which: ColumnElement[bool]
) -> Result | None:
    query = (
        select(result)
        .where(result.c.study_id == study_id, result.c.revision < revision, result.c.kind.in_(list(kinds)), which)
        .order_by(result.c.revision.desc(), result.c.id.desc())
        .limit(1)
    )
    return next(iter(_results(connection.execute(query).mappings())), None)


def superseded(connection: Connection, result_ids: Collection[int]) -> dict[int, int]:
    """Those of these results that do not hold any more, by id, and the revision that took their place.

    A result holds until it is taken back, or a later revision of its study has one of its kind that holds. A note that
    a study was not read and a report take each other's place, in the same revision too.
    """
    last = result.alias()
    reports = result.c.kind.in_(REPORT_KINDS) & last.c.kind.in_(REPORT_KINDS)
    after = or_(
        last.c.revision > result.c.revision,
        (last.c.revision == result.c.revision)
        & (result.c.kind == ResultKind.NOT_PROCESSED)
        & (last.c.kind == ResultKind.SR),
    )
    query = (
        select(result.c.id, func.max(last.c.revision))
        .join(last, last.c.study_id == result.c.study_id)
        .where(or_(last.c.kind == result.c.kind, reports), after, last.c.retracted_at.is_(None))
        .where(result.c.retracted_at.is_(None), result.c.kind != ResultKind.REJECTION)
        .group_by(result.c.id)
    )
    found: dict[int, int] = {}
    ids = sorted(result_ids)
    for start in range(0, len(ids), _AT_ONCE):
        some = result.c.id.in_(ids[start : start + _AT_ONCE])
        found.update((id_, revision) for id_, revision in connection.execute(query.where(some)))
    return found


def note(connection: Connection, study_id: int, revision: int, kind: str, at: datetime | None = None) -> Result | None:
    """The result of a kind of which a revision has at most one, unless it was taken back (by the time `at`)."""
    query = select(result).where(result.c.study_id == study_id, result.c.revision == revision, result.c.kind == kind)
    return next(iter(_results(connection.execute(query.where(_stands(at))).mappings())), None)


def under(connection: Connection, sop_instance_uid: str) -> Result | None:
    """The result object of this SOP Instance UID, if it was built."""
    query = select(result).where(result.c.sop_instance_uid == sop_instance_uid)
    return next(iter(_results(connection.execute(query).mappings())), None)


def of_study(connection: Connection, study_id: int) -> list[Result]:
    """All result objects of a study, in the order in which they were built."""
    query = select(result).where(result.c.study_id == study_id).order_by(result.c.id)
    return _results(connection.execute(query).mappings())


def every(connection: Connection) -> list[Result]:
    """All result objects, in the order in which they were built."""
    return _results(connection.execute(select(result).order_by(result.c.id)).mappings())


def newest(connection: Connection, limit: int) -> list[Result]:
    """The result objects that were built last, in the order in which they were built."""
    query = select(result).order_by(result.c.id.desc()).limit(limit)
    return _results(connection.execute(query).mappings())[::-1]


def uids(connection: Connection) -> list[str]:
    """The SOP Instance UIDs of all result objects, in the order in which they were built."""
    return list(connection.execute(select(result.c.sop_instance_uid).order_by(result.c.id)).scalars())


def _stands(at: datetime | None) -> ColumnElement[bool]:
    stands = result.c.retracted_at.is_(None)
    return stands if at is None else or_(stands, result.c.retracted_at > at)


def result_of(row: Mapping[Any, Any]) -> Result:
    """A row of the table as a record."""
    return Result(**{**row, "absence": row["absence"] and Absence(row["absence"])})


def _results(rows: Iterable[RowMapping]) -> list[Result]:
    return [result_of(row) for row in rows]
