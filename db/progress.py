"""How far each study has got, worked out from its state, its running jobs and its deliveries.

Nothing keeps it, so that no copy of it can be stale.
"""

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, select

from db.jobs import ENDED_BADLY
from db.records import JobKind, JobState, StudyState
from db.result_records import DeliveryState, ResultKind
from db.schema import delivery, job, result, study


class Progress(StrEnum):
    """How far a study has got: its state, where it is read, and from then on how far its results have got.

    UNDELIVERED: a destination refused a result, lost it or never committed, or the job that sends it was given up; that
    waits for a person. RETRACTED: all results were taken back. READ: read, and nothing of it is to be sent.
    """

    ARRIVING = "arriving"
    QUEUED = "queued"
    READING = "reading"
    READ = "read"
    SENDING = "sending"
    SENT = "sent"
    COMMITTED = "committed"
    UNDELIVERED = "undelivered"
    RETRACTED = "retracted"
    NOT_READ = "not_read"
    FAILED = "failed"
    KEPT = "kept"


STATES = {
    Progress.KEPT: StudyState.KEPT,
    Progress.ARRIVING: StudyState.ARRIVING,
    Progress.QUEUED: StudyState.QUEUED,
    Progress.READING: StudyState.QUEUED,
    Progress.NOT_READ: StudyState.NOT_READ,
    Progress.FAILED: StudyState.FAILED,
}
"""The state that a study has while it is so far; elsewhere it is READ."""
SETTLED_BY_STATE = frozenset({Progress.KEPT, Progress.ARRIVING, Progress.NOT_READ, Progress.FAILED})
"""Where the state says it all."""
AMISS = (DeliveryState.REFUSED, DeliveryState.LOST, DeliveryState.UNCONFIRMED)
"""A delivery that waits for a person."""


_ANY = result.alias("any_result")


def of_study() -> ColumnElement[str]:
    """The progress as an expression over a row of `study`, each part of it looked up by an index.

    They are aggregates and not EXISTS: of that PostgreSQL may make a table of all results first.
    """
    reading = and_(study.c.state == StudyState.QUEUED, _jobs(JobKind.READ, JobState.RUNNING) > 0)
    worst = _worst_delivery()
    stuck = and_(worst == _RANKS[Progress.SENDING][0], _jobs(JobKind.DELIVER, *ENDED_BADLY) > 0)
    return case(
        (reading, Progress.READING.value),
        (study.c.state != StudyState.READ, study.c.state),
        (_all_retracted() == 1, Progress.RETRACTED.value),
        (stuck, Progress.UNDELIVERED.value),
        else_=case({rank: each.value for each, (rank, _) in _RANKS.items()}, value=worst, else_=Progress.READ.value),
    )


_RANKS: dict[Progress, tuple[int, tuple[DeliveryState, ...]]] = {
    Progress.UNDELIVERED: (4, AMISS),
    Progress.SENDING: (3, (DeliveryState.WAITING,)),
    Progress.SENT: (2, (DeliveryState.SENT, DeliveryState.ASKED)),
    Progress.COMMITTED: (1, (DeliveryState.COMMITTED,)),
}
"""The delivery that got least far says how far the study has got."""


def _jobs(kind: JobKind, *states: JobState) -> ColumnElement[int]:
    """How many jobs of the study are such."""
    query = select(func.count()).where(job.c.subject_id == study.c.id)
    return query.where(job.c.kind == kind, job.c.state.in_(states)).correlate(study).scalar_subquery()


def _worst_delivery() -> ColumnElement[int]:
    """The highest rank among the deliveries of what was built last and not taken back; NULL without any.

    That may be of an earlier revision than the study's: what came late was no image to read.
    """
    rank = case(*((delivery.c.state.in_(states), rank) for rank, states in _RANKS.values()), else_=0)
    query = select(func.max(rank)).join_from(result, delivery, delivery.c.result_id == result.c.id)
    query = query.where(result.c.study_id == study.c.id, result.c.revision == _last_revision())
    query = query.where(result.c.retracted_at.is_(None), result.c.kind != ResultKind.REJECTION)
    return query.correlate(study).scalar_subquery()


def _last_revision() -> ColumnElement[int]:
    """Of the results that were not taken back."""
    query = select(func.max(_ANY.c.revision)).where(_ANY.c.study_id == study.c.id, _ANY.c.retracted_at.is_(None))
    return query.where(_ANY.c.kind != ResultKind.REJECTION).correlate(study).scalar_subquery()


def _all_retracted() -> ColumnElement[int]:
    """1 if there are results and each was taken back."""
    query = select(func.min(case((result.c.retracted_at.is_(None), 0), else_=1)))
    query = query.where(result.c.study_id == study.c.id, result.c.kind != ResultKind.REJECTION)
    return query.correlate(study).scalar_subquery()
