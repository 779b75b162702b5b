"""What retention may remove: files of studies with which the node is done, and that nobody needs any more.

Done is a study that is quiet and in one of the rule's states, whose jobs are all done, and whose results have all
reached where they were to go. Reports stay: they are small, and taking results back begins with one.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from db import commitments, holdings
from db.records import Holding, JobKind, JobState, StoredFile, StudyState
from db.result_records import DeliveryState, ResultKind
from db.schema import delivery, gold, instance, job, link, pull, result, study, true_box

_OF_STUDY = (JobKind.READ, JobKind.DELIVER, JobKind.SHADOW, JobKind.RETRACT)
"""Kinds of job whose subject is a study."""
_OPEN = (
    DeliveryState.WAITING,
    DeliveryState.ASKED,
    DeliveryState.REFUSED,
    DeliveryState.LOST,
    DeliveryState.UNCONFIRMED,
)
"""States of a delivery that may still need the file, or a person."""
_REPORTS = (ResultKind.SR, ResultKind.NOT_PROCESSED, ResultKind.REJECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which studies are done with: their states, and whether those that a model could learn from stay."""

    states: tuple[StudyState, ...]
    keep_labelled: bool


def removable(
    connection: Connection, kind: Holding, rule: Rule, *, before: datetime, after: int, limit: int
) -> list[StoredFile]:
    """Files from before a time that may be removed, in the order of their rows, after this row id."""
    if kind is Holding.INSTANCE:
        which = and_(instance.c.received_at < before, study.c.last_received_at < before)
        if rule.keep_labelled:
            which &= ~_labelled()
        which &= instance.c.sop_instance_uid.not_in(commitments.open_references(connection))
    else:
        which = and_(result.c.created_at < before, result.c.kind.not_in(_REPORTS))
    return holdings.of_studies(connection, kind, and_(which, _done(rule)), after=after, limit=limit)


def _done(rule: Rule) -> ColumnElement[bool]:
    works = exists().where(job.c.subject_id == study.c.id, job.c.kind.in_(_OF_STUDY), job.c.state != JobState.DONE)
    goes = select(delivery.c.id).join(result, result.c.id == delivery.c.result_id)
    goes = goes.where(result.c.study_id == study.c.id, delivery.c.state.in_(_OPEN)).correlate(study)
    comes = exists().where(pull.c.study_instance_uid == study.c.study_instance_uid)
    quiet = and_(study.c.settle_at.is_(None), study.c.state.in_(rule.states))
    return and_(quiet, ~works, ~goes.exists(), ~comes)


def _labelled() -> ColumnElement[bool]:
    """Whether a model could learn from the image, or was measured on it: a report, a person's label, a box."""
    return or_(
        exists().where(link.c.study_id == study.c.id),
        exists().where(gold.c.study_id == study.c.id),
        exists().where(true_box.c.instance_id == instance.c.id),
    )
