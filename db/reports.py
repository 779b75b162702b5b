"""HL7 messages as received, and the versions of reports in them.

A message is written once: the same bytes again from the same sender under the same control id change nothing.
A report is never overwritten; each message brings a version, and the versions' own times put them in order,
whatever the order they arrived in.
"""

from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, RowMapping, Select, bindparam, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from db.examination import examination
from db.records import MessageArrival, Report, ReportSection, ReportStatus
from db.schema import message, report
from db.vocabulary import Examination


def record(connection: Connection, arrival: MessageArrival) -> bool:
    """Write a message and its reports.

    Returns:
        True when the message is new, False when it is a duplicate: the same sender (MSH-3, MSH-4), control id
        (MSH-10) and bytes; then nothing is written.
    """
    row = {name: getattr(arrival, name) for name in _MESSAGE}
    message_id = connection.execute(_add_message(connection.dialect.name), row).scalar_one_or_none()
    if message_id is None:
        return False
    common = {"message_id": message_id, "received_at": arrival.received_at}
    rows = [
        asdict(each) | common | {"examination": examination(each.modality, each.procedure)} for each in arrival.reports
    ]
    if rows:
        connection.execute(_ADD_REPORT, rows)
    return True


# Built once: to build them costs a message more than to run them.
_MESSAGE = tuple(column.name for column in message.columns if column.name != "id")
_ADD_REPORT = report.insert().values(
    {column.name: bindparam(column.name) for column in report.columns if column.name != "id"}
)


@cache
def _add_message(dialect: str) -> Executable:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(message)
    statement: Executable = (
        insert.values({name: bindparam(name) for name in _MESSAGE}).on_conflict_do_nothing().returning(message.c.id)
    )
    return statement


def versions(connection: Connection, accession_number: str) -> list[Report]:
    """Every version of the reports under this accession number, the oldest first by its own times."""
    query = _under(accession_number).order_by(*_OWN_ORDER)
    return [_report(row) for row in connection.execute(query).mappings()]


def current(connection: Connection, accession_number: str) -> Report | None:
    """The version of the report that holds now: the latest by its own times."""
    query = _under(accession_number).order_by(*(column.desc() for column in _OWN_ORDER)).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _report(row)


def current_versions() -> Select[Any]:
    """The ids of the versions that hold now: of each report (its source and key) the latest by its own times."""
    latest = func.row_number().over(
        partition_by=(report.c.source, report.c.report_key), order_by=[column.desc() for column in _OWN_ORDER]
    )
    ranked = select(report.c.id, latest.label("age")).subquery()
    return select(ranked.c.id).where(ranked.c.age == 1)


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


_RANK = case(
    {
        ReportStatus.PRELIMINARY: 1,
        ReportStatus.FINAL: 2,
        ReportStatus.CORRECTED: 3,
        ReportStatus.ADDENDUM: 3,
        ReportStatus.CANCELLED: 4,
    },
    value=report.c.status,
    else_=0,
)
"""Between versions of the very same time: a final report follows its preliminary one."""
_OWN_ORDER = (report.c.version_at, report.c.message_at, _RANK, report.c.id)


def _under(accession_number: str) -> Select[Any]:
    return select(report).where(report.c.accession_number == accession_number)


def _report(row: RowMapping) -> Report:
    sections = tuple(ReportSection(**section) for section in row["sections"])
    typed = {"status": ReportStatus(row["status"]), "examination": Examination(row["examination"])}
    return Report(**{**row, **typed, "sections": sections})
