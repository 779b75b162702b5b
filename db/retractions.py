"""Taking results back: which, and what becomes of their deliveries.

A study is the step: its results are taken back, what has not been sent is withdrawn, and a job for each destination
that got something is queued in one transaction. What is taken back is not found again, so that whoever begins anew
goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, select, true, update

from db import awakening, jobs
from db.records import JobKind, JobState
from db.result_records import DeliveryState, ResultKind
from db.schema import delivery, job, result, study
from db.vocabulary import RejectionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which results: of a study, by a model version, built from a time on; all that is given has to be so."""

    study_instance_uid: str | None = None
    model_version: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much it is; in all, or at one `destination`: what it got (or may have got), and what still waits."""

    studies: int
    objects: int
    destination: str | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What was taken back of one study: its UID, how many objects, and the destinations that are to be told."""

    study_instance_uid: str
    objects: int
    withdrawn: int
    destinations: tuple[str, ...]


def extent(connection: Connection, wanted: Wanted) -> Extent:
    """How much there is to take back."""
    query = select(func.count(distinct(result.c.study_id)), func.count()).select_from(result).where(_is(wanted))
    studies, objects = connection.execute(query).one()
    return Extent(studies=studies, objects=objects)


def extents(connection: Connection, wanted: Wanted) -> list[Extent]:
    """The same at each destination; what was withheld from it, or refused there, does not count."""
    waits = delivery.c.state == DeliveryState.WAITING
    got = func.sum(case((waits, 0), else_=1))
    query = (
        select(
            delivery.c.destination, func.count(distinct(result.c.study_id)), got, func.sum(case((waits, 1), else_=0))
        )
        .join_from(delivery, result, delivery.c.result_id == result.c.id)
        .where(_is(wanted), delivery.c.state.not_in((DeliveryState.WITHHELD, DeliveryState.REFUSED)))
        .group_by(delivery.c.destination)
        .order_by(delivery.c.destination)
    )
    return [
        Extent(destination=destination, studies=studies, objects=objects, waiting=waiting)
        for destination, studies, objects, waiting in connection.execute(query)
    ]


def study_ids(connection: Connection, wanted: Wanted) -> list[int]:
    """The studies with results to take back, in order."""
    query = select(result.c.study_id).where(_is(wanted)).distinct().order_by(result.c.study_id)
    return list(connection.execute(query).scalars())


def retract(
    connection: Connection, study_id: int, wanted: Wanted, reason: RejectionReason, now: datetime
) -> TakenBack | None:
    """Take the wanted results of a study back, and queue the jobs that tell the destinations.

    Who does so audits it, and then calls `concordance.refresh`, in the same transaction: locks have an order.

    Returns:
        What was taken back, None if nothing is left to take back.
    """
    statement = (
        update(result)
        .where(result.c.study_id == study_id, _is(wanted))
        .values(retracted_at=now, retraction_reason=reason)
        .returning(result.c.id, result.c.revision)
    )
    rows = connection.execute(statement).all()
    if not rows:
        return None
    ids, revisions = [row.id for row in rows], sorted({row.revision for row in rows})
    withdrawn = _withdraw(connection, study_id, ids)
    destinations = _destinations(connection, ids)
    for destination in destinations:
        jobs.add(
            connection,
            kind=JobKind.RETRACT,
            subject_id=study_id,
            revision=revisions[-1],  # a revision's results are taken back together, so never twice
            destination=destination,
            now=now,
        )
        for revision in revisions:
            awakening.reopen(
                connection,
                kind=JobKind.DELIVER,
                subject_id=study_id,
                revision=revision,
                destination=destination,
                now=now,
                states=(JobState.QUEUED, JobState.FAILED, JobState.DEAD),  # it ends with nothing left to send
            )
    uid = connection.execute(select(study.c.study_instance_uid).where(study.c.id == study_id)).scalar_one()
    return TakenBack(study_instance_uid=uid, objects=len(ids), withdrawn=withdrawn, destinations=tuple(destinations))


def _withdraw(connection: Connection, study_id: int, result_ids: list[int]) -> int:
    """What has not been sent is not to be sent any more.

    Of what a job has tried to send nobody knows that it did not arrive: it is taken for sent as it is stored, unless it
    is known how it was sent.
    """
    tried = (
        select(job.c.id)
        .where(
            job.c.kind == JobKind.DELIVER,
            job.c.subject_id == study_id,
            job.c.revision == result.c.revision,
            job.c.destination == delivery.c.destination,
            job.c.attempts > 0,
        )
        .exists()
    )
    query = (
        select(
            delivery.c.id,
            delivery.c.state,
            delivery.c.sop_instance_uid.is_(None) & tried,
            result.c.sop_class_uid,
            result.c.sop_instance_uid,
        )
        .join_from(delivery, result, delivery.c.result_id == result.c.id)
        .where(delivery.c.result_id.in_(result_ids))
    )
    # Looked through here: asked for what waits, SQLite would look through all that waits anywhere, for each study.
    waiting = [row for row in connection.execute(query) if row.state == DeliveryState.WAITING]
    for delivery_id, _, in_doubt, sop_class_uid, sop_instance_uid in waiting:
        as_stored = {"sop_class_uid": sop_class_uid, "sop_instance_uid": sop_instance_uid} if in_doubt else {}
        connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id, delivery.c.state == DeliveryState.WAITING)
            .values(state=DeliveryState.WITHDRAWN, **as_stored)
        )
    return len(waiting)


def _destinations(connection: Connection, result_ids: list[int]) -> list[str]:
    """Where any of these went, or may have gone, or is on its way at this moment."""
    query = (
        select(delivery.c.destination)
        .distinct()
        .where(delivery.c.result_id.in_(result_ids), delivery.c.state != DeliveryState.WITHHELD)
        .order_by(delivery.c.destination)
    )
    return list(connection.execute(query).scalars())


def _is(wanted: Wanted) -> ColumnElement[bool]:
    which = [result.c.retracted_at.is_(None), result.c.kind != ResultKind.REJECTION]
    if wanted.study_instance_uid is not None:
        of_study = select(study.c.id).where(study.c.study_instance_uid == wanted.study_instance_uid)
        which.append(result.c.study_id.in_(of_study))
    if wanted.model_version is not None:
        which.append(result.c.model_version == wanted.model_version)
    if wanted.since is not None:
        which.append(result.c.created_at >= wanted.since)
    return and_(true(), *which)
