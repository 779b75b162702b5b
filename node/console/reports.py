"""One report: its text with what mining read there, its labels in force, and a person's word against them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from db import corrections, gold, labels, minings, reports, studies
from db.engine import Connection, Database
from db.gold import Gold
from db.label_records import ReportLabels
from db.people_records import Role
from db.records import Study
from db.report_records import MinedMention, Mining, Report
from db.vocabulary import FINDINGS, NORMAL, Assertion
from node.console.access import Visit
from node.console.form import row_number
from node.console.frame import Frame
from node.console.highlight import highlight
from node.console.viewing import Viewing
from node.console.words import sentence
from node.errors import SettingsError
from node.labels import correction
from node.labels.correction import Target

MOST_REASON = 500
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelInForce:
    """One finding of the report: its state, and the mention or the person that it is from.

    `basis` names the row that says so; a correction brings it back, so that what was said meanwhile is not lost.
    """

    finding: str
    assertion: Assertion
    basis: str
    said: Gold | None
    mention: MinedMention | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameless:
    """A report without a study, by what names its patient; a report's header has no name."""

    patient_id: str
    accession_number: str
    patient_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that the page shows of a report version; `found` is None where its labels are not used."""

    report: Report
    versions: tuple[Report, ...]
    studies: tuple[Study, ...]
    mining: Mining | None
    found: ReportLabels | None
    history: tuple[Gold, ...]

    @property
    def holds(self) -> bool:
        """Whether it is the version that holds now."""
        return self.versions[0].id == self.report.id

    @property
    def labels(self) -> tuple[LabelInForce, ...]:
        """What is in force, for each finding and Normal; nothing of a version that another has replaced."""
        if self.found is None or not self.holds:
            return ()
        return tuple(self._label(self.found, name) for name in (*FINDINGS, NORMAL))

    @property
    def named(self) -> Study | Nameless:
        """What names its patient."""
        if self.studies:
            return self.studies[0]
        return Nameless(patient_id=self.report.patient_id, accession_number=self.report.accession_number)

    def _label(self, found: ReportLabels, name: str) -> LabelInForce:
        target = Target(study_id=None, report_id=self.report.id, found=found)
        said = found.gold.get(name)
        place = self.mining.labels.get(name) if self.mining and said is None else None
        mention = self.mining.mentions[place] if self.mining and place is not None else None
        return LabelInForce(
            finding=name, assertion=target.state(name), basis=target.basis(name), said=said, mention=mention
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The page of a report, and what people do there."""

    database: Database
    frame: Frame
    viewing: Viewing
    now: Callable[[], datetime]

    def show(self, visit: Visit) -> Response:
        """The report.

        Raises:
            HTTPException: there is none of this number.
        """
        return self._page(visit, _number(visit))

    def correct(self, visit: Visit) -> Response:
        """Write what a radiologist says of a finding."""
        report_id, form = _number(visit), visit.form
        try:
            name = correction.finding_named(form.get("finding", ""))
            assertion = _assertion(form.get("assertion", ""))
            reason = form.get("reason", "").replace("\0", "").strip()[:MOST_REASON]
            with self.database.write() as connection:
                corrections.hold(connection)
                targets = correction.of_report(connection, report_id)
                if not targets[0].says(name, assertion, by=_actor(visit)):  # else it is an impatient click
                    correction.require_unchanged(targets[0], name, form.get("seen", ""))
                    correction.require_possible(targets, name, assertion)
                    correction.write(
                        connection,
                        targets,
                        finding=name,
                        assertion=assertion,
                        actor=_actor(visit),
                        reason=reason,
                        now=self.now(),
                    )
        except SettingsError as error:
            return self._page(visit, report_id, problem=sentence(error))
        return _to(report_id)

    def take_back(self, visit: Visit) -> Response:
        """Let a person's label of this report hold no more; once done it stays done."""
        report_id, gold_id = _number(visit), row_number(visit.form.get("gold", ""))
        with self.database.write() as connection:
            corrections.hold(connection)
            if gold_id is not None and gold_id in {each.id for each in gold.history(connection, report_id)}:
                corrections.take_back(connection, gold_id, actor=_actor(visit), now=self.now())
        return _to(report_id)

    def _page(self, visit: Visit, report_id: int, problem: str = "") -> Response:
        with self.database.read() as connection:
            stored = stored_report(connection, report_id)
        if stored is None:
            raise HTTPException(404, "The node has no such report.")
        self.viewing.viewed(visit, "report.view", f"report {report_id}")
        first = stored.studies[0] if stored.studies else None
        return self.frame.page(
            "report_page.html",
            visit,
            409 if problem else 200,
            stored=stored,
            named=stored.named,
            highlighted=highlight(stored.report.text, stored.mining),
            corrects=visit.person is not None and visit.person.role.includes(Role.RADIOLOGIST),
            states=tuple(Assertion),
            problem=problem,
            masked=self.viewing.masked(visit, first.study_instance_uid) if first else self.viewing.masking,
        )


def stored_report(connection: Connection, report_id: int) -> Stored | None:
    """A version of a report with all that hangs on it, None if there is none of this number."""
    report = reports.find(connection, report_id)
    if report is None:
        return None
    return Stored(
        report=report,
        versions=tuple(reports.versions_of(connection, report)),
        studies=tuple(studies.of_report(connection, report_id)),
        mining=minings.current(connection, [report_id]).get(report_id),
        found=next(iter(labels.of_versions(connection, [report_id])), None),
        history=tuple(gold.history(connection, report_id)),
    )


def _number(visit: Visit) -> int:
    """The number in the address.

    Raises:
        HTTPException: it is none.
    """
    number = row_number(str(visit.request.path_params["report_id"]))
    if number is None:
        raise HTTPException(404, "The node has no such report.")
    return number


def _assertion(name: str) -> Assertion:
    if name not in tuple(Assertion):
        raise SettingsError(f"say {', '.join(Assertion)}")
    return Assertion(name)


def _actor(visit: Visit) -> str:
    return visit.person.name if visit.person else ""


def _to(report_id: int) -> Response:
    return RedirectResponse(f"/reports/{report_id}#labels", status_code=303)
