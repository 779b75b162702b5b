"""What programs are told of a study, by `cxr --json` and over HTTP: a line of the list, or all of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from db.dossier import Dossier, ReportVersion, Scores
from db.progress import Progress
from db.records import Job, StoredInstance, Study
from db.result_records import Delivery, Result
from db.worklist import Listed
from node.study import timeline
from node.study.timeline import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLine(Study):
    """A study's own fields, and what the list says of it: `findings` above their operating points, in [0, 1]."""

    progress: Progress
    reason: str | None
    findings: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One finding: probability and operating point in [0, 1]; a box is x, y, width, height in pixels, and threshold."""

    finding: str
    probability: float
    operating_point: float
    boxes: list[list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a model version said of an image; `heard` if results were built from it."""

    instance_id: int
    sop_instance_uid: str
    model_version: str
    heard: bool
    created_at: datetime
    rows: int
    columns: int
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeStudy:
    """All that is known of a study, each part in its order; the texts of its reports are asked for by themselves."""

    study: Study
    instances: tuple[StoredInstance, ...]
    readings: tuple[Reading, ...]
    results: tuple[Result, ...]
    deliveries: tuple[Delivery, ...]
    jobs: tuple[Job, ...]
    reports: tuple[ReportVersion, ...]
    events: tuple[Event, ...]


def line(of: Listed) -> StudyLine:
    """A study of the list."""
    findings = {each.finding: each.probability for each in of.findings}
    return StudyLine(**asdict(of.study), progress=of.progress, reason=of.reason, findings=findings)


def whole(of: Dossier) -> WholeStudy:
    """All of a study."""
    return WholeStudy(
        study=of.study,
        instances=of.instances,
        readings=tuple(_readings(of)),
        results=of.results,
        deliveries=of.deliveries,
        jobs=of.jobs,
        reports=of.reports,
        events=tuple(timeline.events(of)),
    )


def _readings(of: Dossier) -> Iterator[Reading]:
    uids = {each.id: each.sop_instance_uid for each in of.instances}
    return (_reading(each, uids[each.instance_id]) for each in of.scores)


def _reading(said: Scores, sop_instance_uid: str) -> Reading:
    return Reading(
        instance_id=said.instance_id,
        sop_instance_uid=sop_instance_uid,
        model_version=said.model_version,
        heard=said.heard,
        created_at=said.created_at,
        rows=said.rows,
        columns=said.columns,
        scores=tuple(Score(**score) for score in said.scores),
    )
