"""Looking for reports: by accession number, patient, time, finding and its state, and words of the text.

The reports are those that hold now, the latest first by their own times, and a page begins behind the last report of
the page before: the thousandth page takes as long as the first. Words are looked for in the texts themselves, of as
many reports at a time as nobody waits for; an index over all words would be written with every report that comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, exists, or_, select

from db import standing as standings
from db.report_records import ReportStatus
from db.reports import holds_now
from db.schema import report, standing, standing_label
from db.standing import Standing, is_labelled
from db.vocabulary import Assertion

LOOKED_THROUGH = 2000
"""Texts in which words are looked for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a report must be; what is None, or empty, is not asked for.

    `finding` (Normal is one, and always positive) and `assertion` go together. The time is the report's own, from
    `since` to before `until`. Each of the `words` stands somewhere in the text, as a part of a word too.
    """

    accession_number: str | None = None
    patient_id: str | None = None
    finding: str | None = None
    assertion: Assertion = Assertion.POSITIVE
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ends: the own time and row id of the last report that was looked at."""

    version_at: datetime
    report_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReport:
    """A report in a list; `standing` is None while it has no labels."""

    report_id: int
    accession_number: str
    patient_id: str
    procedure: str
    status: ReportStatus
    version_at: datetime
    standing: Standing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """Some reports, and where to go on; None at the end. `looked_through` counts the texts that were read for words."""

    reports: tuple[FoundReport, ...]
    further: Place | None
    looked_through: int | None = None


def find(connection: Connection, wanted: Wanted, *, after: Place | None = None, limit: int) -> FoundPage:
    """A page of the reports that are wanted, from behind `after` on."""
    if wanted.words:
        return _find_words(connection, wanted, after, limit)
    rows = connection.execute(_shown(candidates(wanted, after).limit(limit + 1).subquery())).all()
    shown = tuple(map(_report, rows[:limit]))
    return FoundPage(reports=shown, further=_place(shown[-1]) if len(rows) > limit else None)


def candidates(wanted: Wanted, after: Place | None) -> Select[Any]:
    """Own time and row id of all that is wanted but for the words; of few reports by their names, else by the label."""
    by_name = wanted.accession_number is not None or wanted.patient_id is not None
    by_label = wanted.finding is not None and not by_name
    at, id_ = (
        (standing_label.c.version_at, standing_label.c.report_id) if by_label else (report.c.version_at, report.c.id)
    )
    query = select(at.label("version_at"), id_.label("id")).where(holds_now(), *_within(wanted, at))
    if by_label:
        query = query.join_from(standing_label, report, report.c.id == standing_label.c.report_id)
        query = query.where(is_labelled(wanted.finding or "", wanted.assertion))
    elif wanted.finding is not None:
        query = query.where(exists().where(is_labelled(wanted.finding, wanted.assertion), *_same_report()))
    if after is not None:
        query = query.where(at <= after.version_at, or_(at < after.version_at, id_ < after.report_id))
    return query.order_by(at.desc(), id_.desc())


def _within(wanted: Wanted, at: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
    found = []
    if wanted.accession_number is not None:
        found.append(report.c.accession_number == wanted.accession_number)
    if wanted.patient_id is not None:
        found.append(report.c.patient_id == wanted.patient_id)
    if wanted.since is not None:
        found.append(at >= wanted.since)
    if wanted.until is not None:
        found.append(at < wanted.until)
    return found


def _same_report() -> Sequence[ColumnElement[bool]]:
    return standing_label.c.version_at == report.c.version_at, standing_label.c.report_id == report.c.id


def _find_words(connection: Connection, wanted: Wanted, after: Place | None, limit: int) -> FoundPage:
    looked = candidates(wanted, after).limit(LOOKED_THROUGH).subquery()
    ends = select(looked).order_by(looked.c.version_at, looked.c.id)
    texts = connection.execute(ends).all()
    has_words = and_(*(report.c.text.icontains(word, autoescape=True) for word in wanted.words))
    rows = connection.execute(_shown(looked).where(has_words).limit(limit + 1)).all()
    shown = tuple(map(_report, rows[:limit]))
    further = None
    if len(rows) > limit:
        further = _place(shown[-1])
    elif len(texts) == LOOKED_THROUGH:
        further = Place(version_at=texts[0].version_at, report_id=texts[0].id)
    return FoundPage(reports=shown, further=further, looked_through=len(texts))


def _shown(found: FromClause) -> Select[Any]:
    columns = [report.c[name] for name in ("id", "accession_number", "patient_id", "procedure", "status", "version_at")]
    query = select(*columns, standing.c.states).join_from(found, report, report.c.id == found.c.id)
    query = query.outerjoin(standing, standing.c.report_id == report.c.id)
    return query.order_by(found.c.version_at.desc(), found.c.id.desc())


def _report(row: Row[Any]) -> FoundReport:
    return FoundReport(
        report_id=row.id,
        accession_number=row.accession_number,
        patient_id=row.patient_id,
        procedure=row.procedure,
        status=ReportStatus(row.status),
        version_at=row.version_at,
        standing=None if row.states is None else standings.unpacked(row.states),
    )


def _place(last: FoundReport) -> Place:
    return Place(version_at=last.version_at, report_id=last.report_id)
