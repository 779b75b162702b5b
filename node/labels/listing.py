"""The labels in force as lines, one for each finding, with where each is from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from db import labels
from db.engine import Connection
from db.label_records import ReportLabels, StudyLabels
from db.report_records import PUBLISHED
from db.vocabulary import FINDINGS, NORMAL, Assertion

BATCH = 500
"""Reports whose studies are asked for at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLine:
    """One finding of one report, or of one study, and what decided it.

    `by` is mined or gold. A mined one names its mining, a gold one the person; `report_id` is None where a study has
    only what people said.
    """

    report_id: int | None
    accession_number: str
    study_instance_uid: str | None
    finding: str
    assertion: Assertion
    by: str
    mining_id: int | None
    lexicon_version: str | None
    rules_version: str | None
    policy: str | None
    gold_id: int | None
    actor: str | None
    at: datetime | None

    @property
    def origin(self) -> str:
        """Where it is from, for a person."""
        if self.at is not None:
            return f"{self.at.astimezone():%Y-%m-%d %H:%M}"
        if self.mining_id is None:
            return ""
        if self.policy == PUBLISHED.policy:
            return "published with the image"
        return f"lexicon {self.lexicon_version}, rules {self.rules_version}, {self.policy}"


COLUMNS = tuple(field.name for field in fields(LabelLine))


def lines(
    connection: Connection, *, study_instance_uid: str | None, accession_number: str | None
) -> Iterator[LabelLine]:
    """A line for each of the fourteen findings and for Normal: of every report, the newest first, or of one study.

    What is not mined, or could not be, has lines only where a person said something.
    """
    if study_instance_uid is not None:
        for study in labels.of_studies(connection, study_instance_uid=study_instance_uid):
            yield from _of_study(study)
        return
    if accession_number is not None:
        found = labels.of_reports(connection, accession_number=accession_number, newest_first=True)
        yield from of_reports(connection, list(found))
        return
    before = None
    while batch := labels.newest(connection, before=before, limit=BATCH):
        yield from of_reports(connection, batch)
        before = batch[-1].report_id


def of_reports(connection: Connection, found: Sequence[ReportLabels]) -> Iterator[LabelLine]:
    """The lines of these reports, a few hundred at the most, in their order."""
    uids = labels.study_uids(connection, {report.study_ids[0] for report in found if report.study_ids})
    for report in found:
        uid = uids[report.study_ids[0]] if report.study_ids else None
        for finding in (*FINDINGS, NORMAL):
            if report.readable or finding in report.gold:
                yield _line(report, finding, report, report.accession_number, uid)


def chosen(found: Iterator[LabelLine], *, finding: str | None, assertion: Assertion | None) -> Iterator[LabelLine]:
    """Those of a finding and of a state; without a state those that are mentioned, and Normal where it is."""
    for line in found:
        if finding is not None and line.finding != finding:
            continue
        unasked = line.assertion is Assertion.UNMENTIONED or (
            line.finding == NORMAL and finding is None and line.assertion is Assertion.NEGATIVE
        )
        if (unasked and line.gold_id is None) if assertion is None else line.assertion is not assertion:
            continue
        yield line


def cells(line: LabelLine) -> tuple[object, ...]:
    """The line in the order of COLUMNS, as text."""
    values = (getattr(line, name) for name in COLUMNS)
    return tuple(value.isoformat() if isinstance(value, datetime) else value for value in values)


def _of_study(study: StudyLabels) -> Iterator[LabelLine]:
    for finding in (*FINDINGS, NORMAL):
        deciding = _deciding(study, finding)
        if finding not in study.gold and not (deciding and deciding.readable):
            continue
        yield _line(study, finding, deciding, study.accession_number, study.study_instance_uid)


def _deciding(study: StudyLabels, finding: str) -> ReportLabels | None:
    """The first of its reports that was mined to say what the study says."""
    state = study.states.get(finding)
    mined = [each for each in study.reports if each.readable]
    agreeing = [each for each in mined if each.mining and each.mining.states.get(finding) is state]
    return next(iter(agreeing or mined or study.reports), None)


def _line(
    of: ReportLabels | StudyLabels, finding: str, report: ReportLabels | None, number: str, uid: str | None
) -> LabelLine:
    said = of.gold.get(finding)
    mining = None if said or report is None else report.mining
    miner = mining.miner if mining else None
    if finding == NORMAL:
        assertion = Assertion.POSITIVE if of.normal else Assertion.NEGATIVE
    else:
        assertion = of.states.get(finding, Assertion.UNMENTIONED)
    return LabelLine(
        report_id=report.report_id if report else None,
        accession_number=number,
        study_instance_uid=uid,
        finding=finding,
        assertion=assertion,
        by="gold" if said else "mined",
        mining_id=mining.id if mining else None,
        lexicon_version=miner.lexicon_version if miner else None,
        rules_version=miner.rules_version if miner else None,
        policy=miner.policy if miner else None,
        gold_id=said.id if said else None,
        actor=said.actor if said else None,
        at=said.at if said else None,
    )
