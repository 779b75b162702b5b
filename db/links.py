"""What reports are linked to, and why others are not: asked of the rows each time, so it is never out of date."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, case, exists, func, null, or_, select

from db import linking, reports
from db.report_records import ReportLink, ReportStatus
from db.schema import link, report, study, unlinked
from db.vocabulary import Examination, Unlinked


def listed(
    connection: Connection, *, unlinked_only: bool = False, before: int | None = None, limit: int = 100
) -> list[ReportLink]:
    """The version that holds now of each report, with its studies or why it has none; the last received first.

    Args:
        unlinked_only: only those that have none.
        before: only those received before the version of this row id.
        limit: how many at the most.
    """
    number = unlinked.c.report_id if unlinked_only else report.c.id
    newest = _of_unlinked(number) if unlinked_only else select(number).where(reports.holds_now())
    if before is not None:
        newest = newest.where(number < before)
    ids = list(connection.execute(newest.order_by(number.desc()).limit(limit)).scalars())
    # Why is asked of these alone: PostgreSQL would make a table of all studies to ask it of who knows how many.
    query = select(*_SHOWN, _why_unlinked().label("unlinked")).where(report.c.id.in_(ids)).order_by(report.c.id.desc())
    uids = _study_uids(connection, ids)
    return [_report_link(row, uids.get(row["report_id"], ())) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    """How many reports there are that are "linked", and how many that are not, by the reason's code."""
    linked = select(func.count()).select_from(report).where(reports.holds_now(), _linked())
    why = _of_unlinked(_why_unlinked().label("why")).subquery()
    query = select(why.c.why, func.count()).group_by(why.c.why)
    found = {"linked": connection.execute(linked).scalar_one(), **dict(connection.execute(query).all())}
    return {code: number for code, number in found.items() if number}


def waiting(connection: Connection) -> list[tuple[str, str]]:
    """What the reports that wait for images name them by, each once: Study UID and accession number, or one of them.

    The last received first. Reports of other examinations do not wait, nor those whose study is here and another
    patient's.
    """
    named = (func.coalesce(report.c.study_instance_uid, "").label("uid"), report.c.accession_number)
    query = _of_unlinked(*named, func.max(report.c.id)).where(_why_unlinked() == Unlinked.NO_STUDY)
    rows = connection.execute(query.group_by(*named).order_by(func.max(report.c.id).desc()))
    return [(row.uid, row.accession_number) for row in rows]


_SHOWN = (
    report.c.id.label("report_id"),
    *(report.c[name] for name in ("source", "report_key", "accession_number", "status", "version_at")),
    *(report.c[name] for name in ("modality", "procedure", "examination")),
)


def _of_unlinked(*columns: ColumnElement[Any]) -> Select[Any]:
    """These of the current version of each report that is not linked."""
    query = select(*columns).select_from(unlinked).join(report, report.c.id == unlinked.c.report_id)
    return query.where(reports.holds_now(), ~_linked())


def _linked() -> ColumnElement[bool]:
    return exists().where(link.c.report_id == report.c.id)


def _why_unlinked() -> ColumnElement[Any]:
    """The code of why the current row of `report` is not linked; NULL if it is."""
    by_uid, by_accession = linking.named_by_uid(), linking.named_by_accession()
    of_same_patient = linking.same_patient()
    soon = or_(
        exists().where(by_uid, of_same_patient), exists().where(by_accession, of_same_patient) & linking.uid_agrees()
    )
    numbered = report.c.accession_number != ""
    # First the plain question, which PostgreSQL answers for all reports from one table of hashes.
    here = or_(exists().where(by_uid), numbered & exists().where(study.c.accession_number == report.c.accession_number))
    return case(
        (_linked(), null()),
        (here, case((soon, Unlinked.ARRIVING), else_=Unlinked.OTHER_PATIENT)),
        (report.c.examination == Examination.OTHER, Unlinked.OTHER_EXAMINATION),
        (~numbered & report.c.study_instance_uid.is_(None), Unlinked.NO_IDENTIFIER),
        else_=Unlinked.NO_STUDY,
    )


def _study_uids(connection: Connection, report_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    query = select(link.c.report_id, study.c.study_instance_uid).join(study, study.c.id == link.c.study_id)
    found: dict[int, tuple[str, ...]] = {}
    for report_id, uid in connection.execute(query.where(link.c.report_id.in_(report_ids)).order_by(study.c.id)):
        found[report_id] = (*found.get(report_id, ()), uid)
    return found


def _report_link(row: RowMapping, uids: tuple[str, ...]) -> ReportLink:
    unlinked = None if row["unlinked"] is None else Unlinked(row["unlinked"])
    typed = {"status": ReportStatus(row["status"]), "examination": Examination(row["examination"])}
    return ReportLink(**{**row, **typed, "unlinked": unlinked}, study_instance_uids=uids)
