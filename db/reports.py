"""HL7 messages as received, and the versions of reports in them.

A message is written once: the same bytes again from the same sender under the same control id change nothing.
A report is never overwritten; each message brings a version, and the versions' own times put them in order,
whatever the order they arrived in.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    RowMapping,
    Select,
    bindparam,
    case,
    exists,
    func,
    select,
    tuple_,
    type_coerce,
)

from db import linking, upsert
from db.examination import examination
from db.report_records import OLDEST, MessageArrival, Report, ReportArrival, ReportSection, ReportStatus
from db.result_records import DeliveryState, ResultKind
from db.schema import Utc, delivery, link, message, report, result
from db.vocabulary import Examination

CLOCKS = timedelta(days=1)
"""By no more than this do the clocks of two systems differ, zones that were mistaken included."""


def record(connection: Connection, arrival: MessageArrival) -> bool:
    """Write a message and its reports, and link these to the studies that are here (`db.linking`).

    Returns:
        True when the message is new, False when it is a duplicate: the same sender (MSH-3, MSH-4), control id
        (MSH-10) and bytes; then nothing is written.
    """
    return record_all(connection, [arrival])[0]


def record_all(connection: Connection, arrivals: Sequence[MessageArrival]) -> list[bool]:
    """Do as `record` does with several messages; what each costs to link is shared."""
    ids = [_add(connection, arrival) for arrival in arrivals]
    new = [message_id for message_id, arrival in zip(ids, arrivals, strict=True) if message_id and arrival.reports]
    if new:
        linking.link_messages(connection, new, max(arrival.received_at for arrival in arrivals))
    return [message_id is not None for message_id in ids]


def _add(connection: Connection, arrival: MessageArrival) -> int | None:
    """Write a message and its reports; its id, or None if it was there."""
    row = {name: getattr(arrival, name) for name in _MESSAGE}
    message_id: int | None = connection.execute(_add_message(connection.dialect.name), row).scalar_one_or_none()
    if message_id is None or not arrival.reports:
        return message_id
    connection.execute(_ADD_REPORT, [_report_row(message_id, arrival, each) for each in arrival.reports])
    return message_id


def _report_row(message_id: int, arrival: MessageArrival, version: ReportArrival) -> dict[str, Any]:
    """By hand: `asdict` copies deeply, which took a sixth of the time of a message."""
    row = {name: getattr(version, name) for name in _OF_VERSION}
    row["sections"] = [{"suffix": part.suffix, "start": part.start, "end": part.end} for part in version.sections]
    row["examination"] = examination(version.modality, version.procedure)
    return row | {"message_id": message_id, "received_at": arrival.received_at}


# Built once: to build them costs a message more than to run them.
_MESSAGE = tuple(column.name for column in message.columns if column.name != "id")
_OF_VERSION = tuple(field.name for field in fields(ReportArrival))
_ADD_REPORT = report.insert().values(
    {column.name: bindparam(column.name) for column in report.columns if column.name != "id"}
)


@cache
def _add_message(dialect: str) -> Executable:
    insert = upsert.insert(dialect, message)
    statement: Executable = (
        insert.values({name: bindparam(name) for name in _MESSAGE}).on_conflict_do_nothing().returning(message.c.id)
    )
    return statement


def newest(connection: Connection) -> int | None:
    """The id of the version that was stored last, None if there is none."""
    found: int | None = connection.execute(_NEWEST).scalar_one()
    return found


_NEWEST = select(func.max(report.c.id))


def versions(connection: Connection, accession_number: str) -> list[Report]:
    """Every version of the reports under this accession number, the oldest first by its own times."""
    query = _under(accession_number).order_by(*_OWN_ORDER)
    return [report_of(row) for row in connection.execute(query).mappings()]


def current(connection: Connection, accession_number: str) -> Report | None:
    """The version of the report that holds now: the latest by its own times."""
    query = _under(accession_number).order_by(*(column.desc() for column in _OWN_ORDER)).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else report_of(row)


def current_of_each(connection: Connection, accession_number: str) -> list[Report]:
    """The version that holds now of each report under this accession number, the latest last."""
    latest = {(each.source, each.report_key): each for each in versions(connection, accession_number)}
    return sorted(latest.values(), key=lambda each: (each.version_at, each.message_at, each.id))


def find(connection: Connection, report_id: int) -> Report | None:
    """A version of a report by its row id."""
    row = connection.execute(select(report).where(report.c.id == report_id)).mappings().one_or_none()
    return None if row is None else report_of(row)


def versions_of(connection: Connection, of: Report) -> list[Report]:
    """Every version of this report, the one that holds now first."""
    query = select(report).where(report.c.source == of.source, report.c.report_key == of.report_key)
    query = query.order_by(*(column.desc() for column in _OWN_ORDER))
    return [report_of(row) for row in connection.execute(query).mappings()]


def of_study(connection: Connection, study_id: int) -> list[Report]:
    """The reports that are linked to this study, each in the version that holds now; of any examination."""
    query = select(report).join(link, link.c.report_id == report.c.id)
    query = query.where(link.c.study_id == study_id, holds_now()).order_by(*_OWN_ORDER)
    return [report_of(row) for row in connection.execute(query).mappings()]


def after_results(connection: Connection, study_ids: Sequence[int] | None = None) -> set[tuple[int, int]]:
    """Report versions that may repeat the node: of these studies (row ids of report and study) its result was there.

    All studies are looked at, or only some.

    A result counts from when it was built for a destination that it was not withheld from. A report that came later
    was written later, unless its own time is a day or more before: it was brought in from a history
    then, and no clock is that wrong.
    """
    built = select(result.c.study_id, func.min(result.c.created_at).label("at"))
    shown = exists().where(delivery.c.result_id == result.c.id, delivery.c.state != DeliveryState.WITHHELD)
    said = result.c.kind.not_in((ResultKind.NOT_PROCESSED, ResultKind.REJECTION))  # these two say nothing of a finding
    built = built.where(shown, said).group_by(result.c.study_id)
    if study_ids is not None:
        built = built.where(result.c.study_id.in_(study_ids))
    first = built.subquery()
    query = (
        select(report.c.id, link.c.study_id, report.c.version_at, type_coerce(first.c.at, Utc).label("at"))
        .join(link, link.c.report_id == report.c.id)
        .join(first, first.c.study_id == link.c.study_id)
        .where(report.c.received_at > first.c.at)
    )
    return {
        (row.id, row.study_id)
        for row in connection.execute(query)
        if row.version_at == OLDEST or row.version_at > row.at - CLOCKS
    }


def current_versions() -> Select[Any]:
    """The ids of the versions that hold now: of each report (its source and key) the latest by its own times."""
    each = report.alias()  # so that it may stand in a query on `report`
    return select(each.c.id).where(holds_now(each))


def holds_now(of: FromClause = report) -> ColumnElement[bool]:
    """The condition on a row of `report` that no later version of the same report is stored."""
    newer = report.alias()
    same = (newer.c.source == of.c.source, newer.c.report_key == of.c.report_key)
    return ~exists().where(*same, tuple_(*_own_order(newer)) > tuple_(*_own_order(of)))


def count(connection: Connection, accession_number: str | None = None) -> int:
    """How many versions of reports are stored, under one accession number or in all."""
    query = select(func.count()).select_from(report)
    if accession_number is not None:
        query = query.where(report.c.accession_number == accession_number)
    return connection.execute(query).scalar_one()


def counts(connection: Connection) -> dict[str, int]:
    """How many versions of reports there are, by status."""
    query = select(report.c.status, func.count()).group_by(report.c.status)
    return dict(connection.execute(query).all())


def message_count(connection: Connection) -> int:
    """How many messages are stored."""
    return connection.execute(select(func.count()).select_from(message)).scalar_one()


_RANK = {
    ReportStatus.PRELIMINARY: 1,
    ReportStatus.FINAL: 2,
    ReportStatus.CORRECTED: 3,
    ReportStatus.ADDENDUM: 3,
    ReportStatus.CANCELLED: 4,
}
"""Between versions of the very same time: a final report follows its preliminary one."""


def _own_order(of: FromClause) -> tuple[ColumnElement[Any], ...]:
    return of.c.version_at, of.c.message_at, case(_RANK, value=of.c.status, else_=0), of.c.id


_OWN_ORDER = _own_order(report)


def _under(accession_number: str) -> Select[Any]:
    return select(report).where(report.c.accession_number == accession_number)


def report_of(row: RowMapping) -> Report:
    """A row of the table as a record."""
    sections = tuple(ReportSection(**section) for section in row["sections"])
    typed = {"status": ReportStatus(row["status"]), "examination": Examination(row["examination"])}
    return Report(**{**row, **typed, "sections": sections})
