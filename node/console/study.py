"""The page of one study: the radiograph with its evidence, the report, what happened, and what a person may do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from db import dossier, minings, models
from db.dossier import Dossier
from db.engine import Connection, Database
from db.people_records import Role
from db.records import Job, JobState
from db.report_records import Mining, Report, ReportStatus
from db.result_records import Delivery, DeliveryState, Result, ResultKind
from db.vocabulary import RejectionReason
from node.console.access import Visit
from node.console.evidence import evidence, picture_of
from node.console.frame import Frame
from node.console.highlight import highlight
from node.console.imaging import Pictures
from node.console.subject import UNKNOWN, study_uid
from node.console.viewing import Viewing
from node.console.words import DELIVERY_STATES, PROGRESS, PROGRESS_BADGES, WORRYING
from node.objects.palette import FULL_ALPHA
from node.study import timeline
from node.study.acts import Acts, Outcome, UnknownStudyError, seen

KIND_WORDS = {kind: words[:1].upper() + words[1:] for kind, words in timeline.KINDS.items()}
REASONS = {
    RejectionReason.QUALITY: "Quality: the results are wrong or of no use",
    RejectionReason.PATIENT_SAFETY: "Patient safety: to act on them would do harm, or they are another patient's",
    RejectionReason.RETENTION: "Retention: they may not be kept any longer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A result as it is listed: `fate` says whether another has taken its place, or it was taken back."""

    result: Result
    words: str
    fate: str
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where results go: how far the newest ones got, the job that sends them, and how it was seen."""

    name: str
    counts: tuple[tuple[str, int, bool], ...]
    job: Job | None
    trouble: str
    saw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPage:
    """The page and the forms on it.

    `viewer_url` leads to the site's viewer, with {study_uid} in it; `fixed` if the settings name the model that reads.
    """

    database: Database
    acts: Acts
    frame: Frame
    viewing: Viewing
    pictures: Pictures
    viewer_url: str | None
    fixed: bool

    def show(self, visit: Visit) -> Response:
        """All of a study."""
        self.pictures.ready()
        return self._page(visit, None)

    def read_again(self, visit: Visit) -> Response:
        """Queue it to be read."""
        return self._after(visit, lambda uid, who: self.acts.read_again(uid, who, visit.form.get("saw", "")))

    def send_again(self, visit: Visit) -> Response:
        """Queue its results for a destination."""
        to, saw = visit.form.get("destination", ""), visit.form.get("saw", "")
        return self._after(visit, lambda uid, who: self.acts.send_again(uid, to, who, saw))

    def retract(self, visit: Visit) -> Response:
        """Take its results back."""
        code = visit.form.get("reason", "")
        if code not in list(RejectionReason):
            raise HTTPException(400, "Say why the results are taken back.")
        return self._after(visit, lambda uid, who: self.acts.take_back(uid, RejectionReason(code), who))

    def _after(self, visit: Visit, act: Callable[[str, str], Outcome]) -> Response:
        """Do it in the person's name, and show what has come of it."""
        try:
            outcome = act(study_uid(visit), visit.person.name if visit.person else "")
        except UnknownStudyError as error:
            raise HTTPException(404, UNKNOWN) from error
        return self._page(visit, outcome)

    def _page(self, visit: Visit, outcome: Outcome | None) -> Response:
        asked = visit.request.query_params
        with self.database.read() as connection:
            found = dossier.of_study(connection, study_uid(visit))
            if found is None:
                raise HTTPException(404, UNKNOWN)
            current = models.current(connection)
            report, mining = _report(connection, found, asked.get("report"))
        self.viewing.viewed(visit, "study.view", found.study.study_instance_uid)
        seen_now = evidence(found, asked.get("image"), asked.get("model"))
        return self.frame.page(
            "study.html",
            visit,
            masked=self.viewing.masked(visit, found.study.study_instance_uid),
            outcome=outcome,
            study=found.study,
            state=PROGRESS[found.progress],
            badge=PROGRESS_BADGES.get(found.progress, ""),
            reading=found.reading,
            saw=seen(found.study.revision, found.reading),
            evidence=seen_now,
            picture=picture_of(found.study.study_instance_uid, seen_now.instance.id) if seen_now else "",
            instances=found.instances,
            reports=found.reports,
            report=report,
            mining=mining,
            highlighted=highlight(report.text, mining) if report else None,
            events=timeline.events(found),
            objects=_objects(found),
            destinations=[_destination(found, name) for name in found.destinations],
            standing=len(found.standing),
            retracted=bool(found.results) and not found.standing,
            current=current.version if current else None,
            fixed=self.fixed,
            viewer=self._viewer(found.study.study_instance_uid),
            reasons=REASONS,
            delivery_states=DELIVERY_STATES,
            full_alpha=FULL_ALPHA,
            **_may(visit),
        )

    def _viewer(self, study_instance_uid: str) -> str | None:
        return self.viewer_url.replace("{study_uid}", quote(study_instance_uid)) if self.viewer_url else None


def _may(visit: Visit) -> dict[str, bool]:
    role = visit.person.role if visit.person else Role.VIEWER
    return {"may_judge": role.includes(Role.RADIOLOGIST), "may_run": role.includes(Role.ADMINISTRATOR)}


def _report(connection: Connection, found: Dossier, wanted: str | None) -> tuple[Report | None, Mining | None]:
    """The version that is wanted, or the last that holds and was not cancelled; and the reading of it that holds."""
    holding = [each.id for each in found.reports if each.holds and each.status is not ReportStatus.CANCELLED]
    named = [each.id for each in found.reports if str(each.id) == wanted]
    chosen = next(iter((*named, *holding[-1:], *[each.id for each in found.reports[-1:]])), None)
    if chosen is None:
        return None, None
    return dossier.report_version(connection, found.study.id, chosen), minings.current(connection, [chosen]).get(chosen)


def _objects(found: Dossier) -> list[Object]:
    ways: dict[int, list[Delivery]] = {}
    for delivery in found.deliveries:
        ways.setdefault(delivery.result_id, []).append(delivery)
    return [
        Object(
            result=each,
            words=KIND_WORDS[ResultKind(each.kind)],
            fate=_fate(found, each),
            deliveries=tuple(ways.get(each.id, ())),
        )
        for each in reversed(found.results)
    ]


def _fate(found: Dossier, result: Result) -> str:
    if result.retraction_reason is not None:
        return f"taken back ({result.retraction_reason.replace('_', ' ')})"
    newest = max((each.revision for each in found.standing), default=0)
    if result.revision < newest and result.kind != ResultKind.REJECTION:
        return f"superseded by revision {newest}"
    return "stands"


def _destination(found: Dossier, name: str) -> Destination:
    """The newest results' way there; of what was withheld or taken back there is no job, and its deliveries say so."""
    job = found.sending(name)
    of_revision = {each.id for each in found.standing if job is not None and each.revision == job.revision}
    mine = [each for each in found.deliveries if each.destination == name]
    shown = [each for each in mine if each.result_id in of_revision] or mine
    return Destination(
        name=name,
        counts=tuple(_counts(shown)),
        job=job,
        trouble="" if job is None or job.state is JobState.DONE else job.error or "",
        saw=seen(found.study.revision, job),
    )


def _counts(shown: list[Delivery]) -> Iterator[tuple[str, int, bool]]:
    for state in DeliveryState:
        count = sum(each.state is state for each in shown)
        if count:
            yield DELIVERY_STATES[state], count, state in WORRYING
