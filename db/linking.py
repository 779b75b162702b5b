"""Reports are linked to studies: by Study Instance UID or by accession number, whichever of the two arrives first.

One statement makes the links, for three scopes: the reports of messages (with the messages), studies that have
settled (with their jobs), and everything (what two transactions at once did not see of each other). A link is made
from what both rows say, so making it again changes nothing.

* The UID is the stronger name. A report is linked by its accession number as well, to every study under it, but not
  if the study of the UID that it names is here and is another accession number's or another patient's: then one of the
  two names is a mistake, and an accession number is typed where a UID is copied. Should that study come later, the
  links that its absence allowed are taken back: the outcome does not depend on who comes first.
* An accession number is compared as it is written: to forgive anything there would be to link another order.
* Where both sides name a patient, it must be the same one. Case, blanks around the id and leading zeros do not count:
  systems pad ids, and the accession number has already matched. Nothing else is forgiven, nor is a name compared.
* What is linked to nothing has a row in `unlinked`, so that a list of it need not look at everything. A row too many
  does no harm, since whoever asks looks at the links as well; so it is written whenever a link is taken back.
* Every version is linked by its own names: a correction may move a report to another study.
* What examination a report is of does not matter here: the link says whose order it answers. Labels ask for both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Executable,
    FromClause,
    Select,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from db import upsert
from db.report_records import LinkedBy
from db.schema import Utc, link, report, study, unlinked

AT_ONCE = 500
"""How many rows one statement names."""

Scope = Literal["messages", "studies", "everything"]


def link_messages(connection: Connection, message_ids: Sequence[int], now: datetime) -> None:
    """Link the reports of these new messages to the studies that are here."""
    if message_ids:
        connection.execute(_link(connection.dialect.name, "messages"), {"message_ids": message_ids, "now": now}).close()
        connection.execute(_NOTE_UNLINKED, {"message_ids": message_ids})


def link_studies(connection: Connection, study_ids: Sequence[int], now: datetime) -> None:
    """Link these studies to the reports that wait for them."""
    if study_ids:
        _relink(connection, "studies", {"study_ids": study_ids}, now)


def link_everything(connection: Connection, now: datetime) -> list[int]:
    """Link every report and study that belong together. Returns the studies for which that changed anything."""
    return _relink(connection, "everything", {}, now)


def _relink(connection: Connection, scope: Scope, which: Mapping[str, Any], now: datetime) -> list[int]:
    """Take back what is mistaken and link what is missing. Returns the studies for which that changed anything."""
    lost = connection.execute(_take_back(scope), which).all()
    if lost:
        rows = [{"report_id": each} for each in sorted({row.report_id for row in lost})]
        connection.execute(_unlinked(connection.dialect.name), rows)
    linked = connection.execute(_link(connection.dialect.name, scope), {**which, "now": now}).all()
    found = sorted({row.report_id for row in linked})
    for start in range(0, len(found), AT_ONCE):
        connection.execute(delete(unlinked).where(unlinked.c.report_id.in_(found[start : start + AT_ONCE])))
    return sorted({row.study_id for row in (*lost, *linked)})


def anything_to_link(connection: Connection) -> bool:
    """Whether `link_everything` would change anything; asked first, it need not keep other writers waiting."""
    missing = ~exists().where(link.c.report_id == report.c.id, link.c.study_id == study.c.id)
    mistaken = select(link.c.report_id).where(_is_mistaken("everything"))
    pairs = [of("everything").where(missing) for of in (_pairs_by_uid, _pairs_by_accession)]
    return any(connection.execute(query.limit(1)).first() for query in (*pairs, mistaken))


def named_by_uid() -> ColumnElement[bool]:
    """The condition on a `report` and a `study` that the report names the study by its UID."""
    return report.c.study_instance_uid == study.c.study_instance_uid


def named_by_accession() -> ColumnElement[bool]:
    """The condition on a `report` and a `study` that the report names the study by its accession number only."""
    no_uid = or_(report.c.study_instance_uid.is_(None), report.c.study_instance_uid != study.c.study_instance_uid)
    return (report.c.accession_number == study.c.accession_number) & (report.c.accession_number != "") & no_uid


def same_patient(other: FromClause = study) -> ColumnElement[bool]:
    """The condition on a `report` and a study that they are not two patients'."""
    ours, theirs = _plain(report.c.patient_id), _plain(other.c.patient_id)
    return or_(ours == theirs, func.trim(report.c.patient_id) == "", func.trim(other.c.patient_id) == "")


def uid_agrees() -> ColumnElement[bool]:
    """The condition on a `report` that the study of its UID does not speak against its accession number."""
    named = study.alias("named")
    return ~exists().where(named.c.study_instance_uid == report.c.study_instance_uid, _speaks_against(named))


def _speaks_against(named: FromClause) -> ColumnElement[bool]:
    other_number = (named.c.accession_number != report.c.accession_number) & (named.c.accession_number != "")
    return or_(other_number, ~same_patient(named))


def _plain(patient_id: ColumnElement[str]) -> ColumnElement[str]:
    return func.ltrim(func.upper(func.trim(patient_id)), "0")


@cache
def _link(dialect: str, scope: Scope) -> Executable:
    now = bindparam("now", type_=Utc())
    every: CompoundSelect[Any] = union_all(
        _pairs_by_uid(scope).add_columns(literal(LinkedBy.STUDY_INSTANCE_UID), now),
        _pairs_by_accession(scope).add_columns(literal(LinkedBy.ACCESSION_NUMBER), now),
    )
    insert = upsert.insert(dialect, link)
    names = [column.name for column in link.columns]
    statement: Executable = (
        insert.from_select(names, every).on_conflict_do_nothing().returning(link.c.report_id, link.c.study_id)
    )
    return statement


@cache
def _unlinked(dialect: str) -> Executable:
    insert = upsert.insert(dialect, unlinked)
    statement: Executable = insert.values(report_id=bindparam("report_id")).on_conflict_do_nothing()
    return statement


_NOTE_UNLINKED = unlinked.insert().from_select(
    ["report_id"],
    select(report.c.id).where(
        report.c.message_id.in_(bindparam("message_ids", expanding=True)),
        ~exists().where(link.c.report_id == report.c.id),
    ),
)


def _pairs_by_uid(scope: Scope) -> Select[Any]:
    return select(report.c.id, study.c.id).where(named_by_uid(), same_patient(), _within(scope))


def _pairs_by_accession(scope: Scope) -> Select[Any]:
    return select(report.c.id, study.c.id).where(named_by_accession(), same_patient(), uid_agrees(), _within(scope))


@cache
def _take_back(scope: Scope) -> Executable:
    return delete(link).where(_is_mistaken(scope)).returning(link.c.report_id, link.c.study_id)


def _is_mistaken(scope: Scope) -> ColumnElement[bool]:
    """The condition on a `link` by an accession number that the study of the report's UID speaks against it."""
    mistaken = select(report.c.id).where(named_by_uid(), _speaks_against(study), _within(scope))
    return (link.c.by == LinkedBy.ACCESSION_NUMBER) & link.c.report_id.in_(mistaken)


def _within(scope: Scope) -> ColumnElement[bool]:
    if scope == "messages":
        return report.c.message_id.in_(bindparam("message_ids", expanding=True))
    if scope == "studies":
        return study.c.id.in_(bindparam("study_ids", expanding=True))
    return true()
