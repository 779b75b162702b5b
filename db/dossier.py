"""One study as a whole: its images and what models said of them, its results and their ways, its reports, its story."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, select

from db import deliveries, progress, studies
from db.audit import AuditEntry
from db.progress import Progress
from db.records import Job, JobKind, JobState, StoredInstance, Study
from db.report_records import Report, ReportStatus
from db.reports import holds_now, report_of
from db.result_records import Delivery, DeliveryState, Result, ResultKind
from db.results import result_of
from db.schema import audit, instance, job, link, prediction, report, result, study
from db.vocabulary import Examination

RETRACT, READ_AGAIN, SEND_AGAIN = "results.retract", "study.read_again", "study.send_again"
"""What people do to a study, as the audit log names it."""

_OF_STUDY = (JobKind.READ, JobKind.DELIVER, JobKind.RETRACT, JobKind.SHADOW)
"""The kinds of job whose subject is a study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a model version said of an image and when, as `StoredPrediction.scores`; its maps are left where they are.

    `heard` tells the versions of which results were built from those that read unheard.
    """

    instance_id: int
    model_version: str
    rows: int
    columns: int
    scores: list[dict[str, Any]]
    created_at: datetime
    heard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVersion:
    """A version of a report of the study, without its text; `holds` if no later one is stored."""

    id: int
    source: str
    report_key: str
    status: ReportStatus
    examination: Examination
    version_at: datetime
    received_at: datetime
    characters: int
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that there is of a study, each part in the order in which it came about; reports by their own times."""

    study: Study
    progress: Progress
    instances: tuple[StoredInstance, ...]
    scores: tuple[Scores, ...]
    results: tuple[Result, ...]
    deliveries: tuple[Delivery, ...]
    jobs: tuple[Job, ...]
    reports: tuple[ReportVersion, ...]
    acts: tuple[AuditEntry, ...]

    @property
    def reading(self) -> Job | None:
        """The job that reads its present revision, if there is one yet."""
        mine = (each for each in self.jobs if each.kind is JobKind.READ and each.revision == self.study.revision)
        return next(mine, None)

    @property
    def standing(self) -> tuple[Result, ...]:
        """Its results that were not taken back; the notes that take others back are none of them."""
        found = (each for each in self.results if each.retracted_at is None and each.kind != ResultKind.REJECTION)
        return tuple(found)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where its results went, or were to go, in the order of their names."""
        return tuple(sorted({each.destination for each in self.deliveries}))

    def sending(self, destination: str) -> Job | None:
        """The job that sends the last of the results that stand and that the destination is to have."""
        revisions = {each.id: each.revision for each in self.standing}
        last = max(
            (revisions.get(each.result_id, 0) for each in self.deliveries if _goes(each, destination)), default=0
        )
        mine = (
            each
            for each in self.jobs
            if each.kind is JobKind.DELIVER and each.destination == destination and each.revision == last
        )
        return next(mine, None)


def of_study(connection: Connection, study_instance_uid: str) -> Dossier | None:
    """All of the study with this UID, None if the node does not know it."""
    found = studies.find(connection, study_instance_uid)
    if found is None:
        return None
    return Dossier(
        study=found,
        progress=_progress(connection, found.id),
        instances=tuple(studies.instances(connection, found.id)),
        scores=tuple(_scores(connection, found.id)),
        results=tuple(_results(connection, found.id)),
        deliveries=tuple(deliveries.of_study(connection, found.id)),
        jobs=tuple(_jobs(connection, found.id)),
        reports=tuple(_reports(connection, found.id)),
        acts=tuple(_acts(connection, study_instance_uid)),
    )


def _progress(connection: Connection, study_id: int) -> Progress:
    """How far it has got, as the worklist has it."""
    return Progress(connection.execute(select(progress.of_study()).where(study.c.id == study_id)).scalar_one())


def image(connection: Connection, study_instance_uid: str, instance_id: int) -> StoredInstance | None:
    """The instance of this number, if it is of this study."""
    found = studies.find(connection, study_instance_uid)
    mine = [] if found is None else studies.instances(connection, found.id)
    return next((each for each in mine if each.id == instance_id), None)


def result_under(connection: Connection, study_instance_uid: str, result_id: int) -> Result | None:
    """The result of this number, if it is of this study."""
    found = studies.find(connection, study_instance_uid)
    mine = [] if found is None else _results(connection, found.id)
    return next((each for each in mine if each.id == result_id), None)


def report_version(connection: Connection, study_id: int, report_id: int) -> Report | None:
    """The version of this number with its text, if it is linked to this study."""
    query = select(report).join(link, link.c.report_id == report.c.id)
    query = query.where(link.c.study_id == study_id, report.c.id == report_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else report_of(row)


def _goes(delivery: Delivery, destination: str) -> bool:
    kept_back = (DeliveryState.WITHHELD, DeliveryState.WITHDRAWN)
    return delivery.destination == destination and delivery.state not in kept_back


def _scores(connection: Connection, study_id: int) -> list[Scores]:
    heard = exists().where(result.c.study_id == study_id, result.c.model_version == prediction.c.model_version)
    names = ("instance_id", "model_version", "rows", "columns", "scores", "created_at")
    query = (
        select(*(prediction.c[name] for name in names), heard.label("heard"))
        .join(instance, instance.c.id == prediction.c.instance_id)
        .where(instance.c.study_id == study_id)
        .order_by(prediction.c.instance_id, prediction.c.created_at, prediction.c.id)
    )
    return [Scores(**{**row, "heard": bool(row["heard"])}) for row in connection.execute(query).mappings()]


def _results(connection: Connection, study_id: int) -> list[Result]:
    query = select(result).where(result.c.study_id == study_id).order_by(result.c.id)
    return [result_of(row) for row in connection.execute(query).mappings()]


def _jobs(connection: Connection, study_id: int) -> list[Job]:
    query = select(job).where(job.c.subject_id == study_id, job.c.kind.in_(_OF_STUDY)).order_by(job.c.id)
    return [_job(row) for row in connection.execute(query).mappings()]


def _job(row: Mapping[Any, Any]) -> Job:
    return Job(**{**row, "kind": JobKind(row["kind"]), "state": JobState(row["state"])})


def _reports(connection: Connection, study_id: int) -> list[ReportVersion]:
    return [
        ReportVersion(
            **{
                **row,
                "status": ReportStatus(row["status"]),
                "examination": Examination(row["examination"]),
                "holds": bool(row["holds"]),
            }
        )
        for row in connection.execute(_versions(study_id)).mappings()
    ]


def _versions(study_id: int) -> Select[Any]:
    names = ("id", "source", "report_key", "status", "examination", "version_at", "received_at")
    return (
        select(
            *(report.c[name] for name in names),
            func.length(report.c.text).label("characters"),
            case((holds_now(), 1), else_=0).label("holds"),
        )
        .join(link, link.c.report_id == report.c.id)
        .where(link.c.study_id == study_id)
        .order_by(report.c.version_at, report.c.message_at, report.c.id)
    )


def _acts(connection: Connection, study_instance_uid: str) -> list[AuditEntry]:
    """By an index of subjects and actions: each look at the study is an entry too, and those are many."""
    acts = (RETRACT, READ_AGAIN, SEND_AGAIN)
    query = select(audit).where(audit.c.subject == study_instance_uid, audit.c.action.in_(acts))
    return [AuditEntry(**row) for row in connection.execute(query.order_by(audit.c.id)).mappings()]
