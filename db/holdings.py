"""What the store should hold: the files that rows name, and which of them are not there any more."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, func, literal, select, union_all, update

from db.records import Absence, Holding, StoredFile
from db.schema import instance, result, study

_TABLES: dict[Holding, Table] = {Holding.INSTANCE: instance, Holding.RESULT: result}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many files there are, and their bytes."""

    files: int
    size: int


def extent(connection: Connection) -> Extent:
    """What the store should hold now."""
    files = size = 0
    for table in _TABLES.values():
        query = select(func.count(), func.coalesce(func.sum(table.c.size), 0)).where(table.c.absence.is_(None))
        number, total = connection.execute(query).one()
        files, size = files + number, size + int(total)
    return Extent(files=files, size=size)


def counts(connection: Connection, absences: Collection[Absence] = tuple(Absence)) -> dict[str, int]:
    """How many files are not there any more, by why, of these reasons."""
    found: dict[str, int] = {}
    for table in _TABLES.values():
        query = select(table.c.absence, func.count()).where(table.c.absence.is_not(None), table.c.absence.in_(absences))
        for absence, number in connection.execute(query.group_by(table.c.absence)):
            found[absence] = found.get(absence, 0) + number
    return found


def page(connection: Connection, kind: Holding, *, after: int, limit: int, every: int = 1) -> list[StoredFile]:
    """Files in the order of their rows, after this row id: all but those that retention removed.

    With `every` only one row in so many.
    """
    table = _TABLES[kind]
    query = _files(kind).where(table.c.id > after, table.c.absence.is_distinct_from(Absence.REMOVED))
    if every > 1:
        query = query.where(table.c.id % every == 0)
    return [_file(row) for row in connection.execute(query.order_by(table.c.id).limit(limit)).mappings()]


def faulty(connection: Connection, kind: Holding, *, until: int | None, every: int = 1) -> list[StoredFile]:
    """Files that were found damaged or missing, in the order of their rows, up to this row id if it is given."""
    table = _TABLES[kind]
    query = _files(kind).where(table.c.absence.is_not(None), table.c.absence.in_((Absence.DAMAGED, Absence.MISSING)))
    if until is not None:
        query = query.where(table.c.id <= until)
    if every > 1:
        query = query.where(table.c.id % every == 0)
    return [_file(row) for row in connection.execute(query.order_by(table.c.id)).mappings()]


def of_studies(
    connection: Connection, kind: Holding, which: ColumnElement[bool], *, after: int, limit: int
) -> list[StoredFile]:
    """Files that are there and whose studies are such, in the order of their rows, after this row id."""
    table = _TABLES[kind]
    query = _files(kind).join(study, study.c.id == table.c.study_id)
    query = query.where(which, table.c.absence.is_(None), table.c.id > after).order_by(table.c.id).limit(limit)
    return [_file(row) for row in connection.execute(query).mappings()]


def present(connection: Connection) -> Iterator[StoredFile]:
    """Every file that should be there; streamed."""
    for kind, table in _TABLES.items():
        query = _files(kind).where(table.c.absence.is_(None)).order_by(table.c.id)
        for row in connection.execute(query, execution_options={"yield_per": 1000}).mappings():
            yield _file(row)


def paths_under(connection: Connection, folder: str) -> set[str]:
    """The paths in a folder of the store that a row names, whatever became of the file."""
    queries = (select(table.c.path).where(table.c.path.startswith(f"{folder}/")) for table in _TABLES.values())
    return set(connection.execute(union_all(*queries)).scalars())


def mark(connection: Connection, file: StoredFile, absence: Absence | None, now: datetime) -> bool:
    """Note that a file is not there any more, or is again; False if its row has changed since it was read."""
    table = _TABLES[file.kind]
    same = (table.c.id == file.id, table.c.path == file.path, table.c.absence.is_not_distinct_from(file.absence))
    values = {"absence": absence, "absent_at": None if absence is None else now}
    return connection.execute(update(table).where(*same).values(values)).rowcount == 1


def last_removed(connection: Connection, kind: Holding, limit: int) -> list[StoredFile]:
    """What retention removed last."""
    table = _TABLES[kind]
    query = _files(kind).where(table.c.absence == Absence.REMOVED).order_by(table.c.absent_at.desc(), table.c.id.desc())
    return [_file(row) for row in connection.execute(query.limit(limit)).mappings()]


def _files(kind: Holding) -> Select[Any]:
    table = _TABLES[kind]
    syntax = table.c.transfer_syntax_uid if kind is Holding.INSTANCE else literal("").label("transfer_syntax_uid")
    uids = (table.c.sop_class_uid, table.c.sop_instance_uid)
    columns = (table.c.path, table.c.size, table.c.sha256, table.c.absence)
    return select(literal(str(kind)).label("kind"), table.c.id, *uids, syntax, *columns)


def _file(row: RowMapping) -> StoredFile:
    absence = row["absence"] and Absence(row["absence"])
    return StoredFile(**{**row, "kind": Holding(row["kind"]), "absence": absence})
