"""A person's correction: what it is of, whether it can stand, and the rows of it."""

from dataclasses import dataclass
from datetime import datetime

from db import corrections, labels, reports, studies
from db.engine import Connection
from db.label_records import ReportLabels, StudyLabels
from db.vocabulary import FINDINGS, NORMAL, Assertion
from node.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What was said of a study or report before, and what is said now; `of` has no patient's data."""

    of: str
    finding: str
    before: Assertion
    after: Assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One study or one report, and the labels that it has; a study without reports and gold has none."""

    study_id: int | None
    report_id: int | None
    found: ReportLabels | StudyLabels | None

    @property
    def name(self) -> str:
        """What it is called in an answer; no patient's data."""
        return f"study {self.study_id}" if self.report_id is None else f"report {self.report_id}"

    def state(self, finding: str) -> Assertion:
        """What it says of a finding, or of Normal, now."""
        if self.found is None:
            return Assertion.UNMENTIONED
        if finding == NORMAL:
            return Assertion.POSITIVE if self.found.normal else Assertion.NEGATIVE
        return self.found.states.get(finding, Assertion.UNMENTIONED)

    def says(self, finding: str, assertion: Assertion, *, by: str) -> bool:
        """Whether this person's word on it is in force already, so that to say it again changes nothing."""
        said = self.found.gold.get(finding) if self.found else None
        return said is not None and (said.assertion, said.actor) == (assertion, by)

    def corrected(self, finding: str, assertion: Assertion) -> Corrected:
        """What a correction changes of it."""
        return Corrected(of=self.name, finding=finding, before=self.state(finding), after=assertion)

    def basis(self, finding: str) -> str:
        """Which row says so: what a person who corrects it has seen, and another may have changed meanwhile."""
        said = self.found.gold.get(finding) if self.found else None
        if said is not None:
            return f"gold {said.id}"
        mined = self.found.mining if isinstance(self.found, ReportLabels) else None
        return f"mining {mined.id}" if mined else "nothing"

    def source(self, finding: str) -> str:
        """Who said so."""
        said = self.found.gold.get(finding) if self.found else None
        if said is not None:
            return f"said by {said.actor} on {said.at.astimezone():%Y-%m-%d}"
        mined = isinstance(self.found, StudyLabels) and any(each.mining for each in self.found.reports)
        mined = mined or (isinstance(self.found, ReportLabels) and self.found.mining is not None)
        return "as mined" if mined else "not mined"


def finding_named(name: str) -> str:
    """The finding, or Normal, in whatever letters a person writes it.

    Raises:
        SettingsError: there is none of this name; the text has those there are.
    """
    names = (*FINDINGS, NORMAL)
    spelled = {each.lower(): each for each in names}
    try:
        return spelled[name.strip().lower().replace(" ", "_")]
    except KeyError:
        raise SettingsError(f"there is no finding {name!r}; there are {', '.join(names)}") from None


def of_study(connection: Connection, study_instance_uid: str) -> list[Target]:
    """The study with this UID.

    Raises:
        SettingsError: it has not arrived.
    """
    study = studies.find(connection, study_instance_uid)
    if study is None:
        raise SettingsError("no study with this Study Instance UID has arrived; `cxr studies` lists those that have")
    found = next(labels.of_studies(connection, study_instance_uid=study_instance_uid), None)
    return [Target(study_id=study.id, report_id=None, found=found)]


def of_accession(connection: Connection, accession_number: str) -> list[Target]:
    """The reports under this accession number or, where none has arrived, its studies.

    Raises:
        SettingsError: there is nothing under it, nothing that counts, or what is of several patients or senders.
    """
    if not accession_number.strip():
        raise SettingsError("an accession number cannot be empty; name the study with --study")
    found = list(labels.of_reports(connection, accession_number=accession_number))
    versions = reports.versions(connection, accession_number)
    if versions and not found:
        raise SettingsError(
            "the report under this accession number is cancelled, is of another examination or has moved to another "
            "number, so that its labels are not used; name the study with --study"
        )
    ids = {each.report_id for each in found}
    if len({(each.source, each.patient_id) for each in versions if each.id in ids}) > 1:
        raise SettingsError("reports of several patients or senders have this accession number; name one with --study")
    if found:
        return [Target(study_id=None, report_id=each.report_id, found=each) for each in found]
    return _studies_under(connection, accession_number)


def _studies_under(connection: Connection, accession_number: str) -> list[Target]:
    under = studies.under(connection, accession_number)
    if not under:
        raise SettingsError(
            "no report and no study has arrived under this accession number; `cxr studies` lists the studies"
        )
    if len({each.patient_id for each in under}) > 1:
        raise SettingsError("studies of several patients have this accession number; name one with --study")
    return [target for each in under for target in of_study(connection, each.study_instance_uid)]


def of_report(connection: Connection, report_id: int) -> list[Target]:
    """The report that has this version, by the version that holds now.

    Raises:
        SettingsError: there is none, or its labels are not used.
    """
    report = reports.find(connection, report_id)
    if report is None:
        raise SettingsError("there is no such report")
    holding = reports.versions_of(connection, report)[0].id
    found = next(iter(labels.of_versions(connection, [holding])), None)
    if found is None:
        raise SettingsError("the report is cancelled or of another examination, so that its labels are not used")
    return [Target(study_id=None, report_id=holding, found=found)]


def require_unchanged(target: Target, finding: str, seen: str) -> None:
    """Refuse to answer what somebody else said meanwhile, unseen.

    Raises:
        SettingsError: another row says what is true of the finding than the one that was seen.
    """
    if target.basis(finding) != seen:
        state = target.state(finding)
        raise SettingsError(f"{finding} was changed meanwhile: it is {state} ({target.source(finding)}); look again")


def require_possible(targets: list[Target], finding: str, assertion: Assertion) -> None:
    """Refuse what contradicts itself: Normal is there or not, and not together with a finding.

    Raises:
        SettingsError: it does.
    """
    if finding != NORMAL:
        return
    if assertion not in (Assertion.POSITIVE, Assertion.NEGATIVE):
        raise SettingsError("Normal is positive or negative, nothing between")
    if assertion is Assertion.NEGATIVE:
        return
    for target in targets:
        states = target.found.states if target.found else {}
        against = [f"{name} {state}" for name, state in states.items() if state is not Assertion.NEGATIVE]
        if against:
            raise SettingsError(f"{target.name} has {', '.join(sorted(against))}: correct that before it can be Normal")


def write(
    connection: Connection,
    targets: list[Target],
    *,
    finding: str,
    assertion: Assertion,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """Write the gold rows and their audit entries."""
    for target in targets:
        corrections.correct(
            connection,
            study_id=target.study_id,
            report_id=target.report_id,
            finding=finding,
            assertion=assertion,
            before=target.state(finding),
            actor=actor,
            reason=reason,
            now=now,
        )
