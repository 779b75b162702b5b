"""What people said of a finding of a study or of a report: gold labels, which outrank mined ones.

The newest row holds; what was said in it is never changed (`db.corrections` writes it, and takes it back). Gold on any
version of a report is of the report: a correction outlives the version it was made on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, or_, select

from db.schema import gold, link, report
from db.vocabulary import Assertion

ReportName = tuple[str, str]
"""A report, whatever its versions: its source and its key there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """One finding of one study or of one report (the other id is None), as a person sees it.

    `finding` may be Normal, which is positive or negative. `actor` is who said it, `reason` their words: these may
    name a patient, and stay in the database. What was taken back, and by whom, holds no more.
    """

    id: int
    study_id: int | None
    report_id: int | None
    finding: str
    assertion: Assertion
    actor: str
    reason: str
    at: datetime
    taken_back_at: datetime | None = None
    taken_back_by: str | None = None


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

    def all(self) -> Iterator[GoldByFinding]:
        """What was said of each study and of each report."""
        yield from self.of_studies.values()
        yield from self.of_reports.values()


_EVERY = (
    select(gold, report.c.source, report.c.report_key)
    .outerjoin(report, report.c.id == gold.c.report_id)
    .order_by(gold.c.at, gold.c.id)
)
_IN_FORCE = _EVERY.where(gold.c.taken_back_at.is_(None))


def every(connection: Connection) -> GoldLabels:
    """All gold labels that hold; people write them, so that they fit into memory."""
    return _held(connection, _IN_FORCE)


def of_reports(connection: Connection, report_ids: Sequence[int]) -> GoldLabels:
    """Those that hold of these reports, by any of their versions, and of the studies that the reports are linked to."""
    return _held(connection, _IN_FORCE.where(_about(report_ids)))


def history(connection: Connection, report_id: int) -> list[Gold]:
    """All that people ever said of a report, on any of its versions, and of its studies; the newest first."""
    rows = connection.execute(_EVERY.where(_about([report_id]))).mappings()
    return [_gold(row) for row in rows][::-1]


def _about(report_ids: Sequence[int]) -> ColumnElement[bool]:
    version = report.alias("version")
    same = (version.c.source == report.c.source) & (version.c.report_key == report.c.report_key)
    versions = select(version.c.id).join(report, same).where(report.c.id.in_(report_ids))
    studies = select(link.c.study_id).where(link.c.report_id.in_(report_ids))
    return or_(gold.c.report_id.in_(versions), gold.c.study_id.in_(studies))


def _held(connection: Connection, query: Select[Any]) -> GoldLabels:
    of_studies: dict[int, dict[str, Gold]] = {}
    of_reports: dict[ReportName, dict[str, Gold]] = {}
    for row in connection.execute(query).mappings():
        label = _gold(row)
        if label.study_id is not None:
            of_studies.setdefault(label.study_id, {})[label.finding] = label
        else:
            of_reports.setdefault((row["source"], row["report_key"]), {})[label.finding] = label
    return GoldLabels(of_studies=of_studies, of_reports=of_reports)


def _gold(row: RowMapping) -> Gold:
    values = {column.name: row[column.name] for column in gold.columns}
    return Gold(**{**values, "assertion": Assertion(row["assertion"])})


def _age(label: Gold) -> tuple[datetime, int]:
    return (label.at, label.id)
