"""What people said of a finding of a study or of a report: gold labels, which outrank mined ones.

A row is never changed; the newest one holds. Gold on any version of a report is of the report: a correction outlives
the version it was made on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from db import audit
from db.schema import gold, report
from db.vocabulary import Assertion

ReportName = tuple[str, str]
"""A report, whatever its versions: its source and its key there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """One finding of one study or of one report (the other id is None), as a person sees it.

    `finding` may be Normal, which is positive or negative. `actor` is who said it, `reason` their words: these may
    name a patient, and stay in the database.
    """

    id: int
    study_id: int | None
    report_id: int | None
    finding: str
    assertion: Assertion
    actor: str
    reason: str
    at: datetime


GoldByFinding = Mapping[str, Gold]
_NOTHING: GoldByFinding = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldLabels:
    """The gold label that holds for each finding, of studies by row id and of reports by name."""

    of_studies: Mapping[int, GoldByFinding]
    of_reports: Mapping[ReportName, GoldByFinding]

    def of(self, names: Sequence[ReportName], study_ids: Sequence[int]) -> GoldByFinding:
        """The newest for each finding, among what was said of these reports and these studies."""
        said = [self.of_reports.get(name, _NOTHING) for name in names] if self.of_reports else []
        said += [self.of_studies.get(study_id, _NOTHING) for study_id in study_ids] if self.of_studies else []
        every = sorted((each for by_finding in said for each in by_finding.values()), key=_age)
        return {each.finding: each for each in every} if every else _NOTHING


def every(connection: Connection) -> GoldLabels:
    """All gold labels that hold; people write them, so that they fit into memory."""
    query = (
        select(gold, report.c.source, report.c.report_key)
        .outerjoin(report, report.c.id == gold.c.report_id)
        .order_by(gold.c.at, gold.c.id)
    )
    of_studies: dict[int, dict[str, Gold]] = {}
    of_reports: dict[ReportName, dict[str, Gold]] = {}
    for row in connection.execute(query).mappings():
        values = {column.name: row[column.name] for column in gold.columns}
        label = Gold(**{**values, "assertion": Assertion(row["assertion"])})
        if label.study_id is not None:
            of_studies.setdefault(label.study_id, {})[label.finding] = label
        else:
            of_reports.setdefault((row["source"], row["report_key"]), {})[label.finding] = label
    return GoldLabels(of_studies=of_studies, of_reports=of_reports)


def correct(
    connection: Connection,
    *,
    study_id: int | None = None,
    report_id: int | None = None,
    finding: str,
    assertion: Assertion,
    before: Assertion,
    actor: str,
    reason: str,
    now: datetime,
) -> int:
    """Write what a person says of a study or of a report, and the audit entry of it.

    The entry names rows and findings; the reason is in the gold row alone, as it may name a patient.

    Returns:
        The row id.
    """
    values = {"study_id": study_id, "report_id": report_id, "finding": finding, "assertion": assertion}
    statement = gold.insert().values(**values, actor=actor, reason=reason, at=now).returning(gold.c.id)
    gold_id: int = connection.execute(statement).scalar_one()
    subject = f"report {report_id}" if study_id is None else f"study {study_id}"
    detail = {"gold": gold_id, "finding": finding, "before": before, "after": assertion}
    audit.append(connection, actor=actor, action="label.correct", subject=subject, now=now, detail=detail)
    return gold_id


def _age(label: Gold) -> tuple[datetime, int]:
    return (label.at, label.id)
