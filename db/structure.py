"""What is wrong with a database's own structure, as far as it can be asked.

SQLite checks its whole file. PostgreSQL is asked for pages whose checksum failed, indexes that are not valid, rules
that were never checked, and rows that refer to rows that are not there; with its extension amcheck, if that is
installed and may be used, for every index against its table.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError, ProgrammingError

from db.engine import DAMAGED, Database
from db.errors import DatabaseDamagedError
from db.schema import metadata

_ASKED = {
    "{} pages of the database failed their checksum: look at its disk, and restore": (
        "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
    ),
    "{} indexes are not valid: REINDEX the database": (
        "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE relnamespace = current_schema()::regnamespace AND NOT (indisvalid AND indisready)"
    ),
    "{} rules were never checked: VALIDATE the constraints": (
        "SELECT count(*) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND NOT convalidated"
    ),
}
_INDEXES = (
    "SELECT pg_class.oid, relname FROM pg_class JOIN pg_am ON pg_am.oid = relam"
    " WHERE amname = 'btree' AND relkind = 'i' AND relnamespace = current_schema()::regnamespace ORDER BY relname"
)


def faults(database: Database) -> list[str]:
    """What is wrong, a sentence each. Reads the whole database."""
    try:
        with database.read() as connection:
            return list(_of_sqlite(connection) if connection.dialect.name == "sqlite" else _of_postgresql(connection))
    except DatabaseDamagedError as error:
        return [str(error)]


def require_whole(connection: Connection) -> None:
    """See that every page of an SQLite database can be read; its indexes are not compared with its tables.

    Raises:
        DatabaseDamagedError: one cannot.
    """
    if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
        raise DatabaseDamagedError(DAMAGED)


def _of_sqlite(connection: Connection) -> Iterator[str]:
    words = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
    if words != ["ok"]:
        yield f"{DAMAGED} ({len(words)} faults)"
    orphans = len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
    if orphans:
        yield _orphaned(orphans)


def _of_postgresql(connection: Connection) -> Iterator[str]:
    for sentence, question in _ASKED.items():
        number = connection.exec_driver_sql(question).scalar()
        if number:
            yield sentence.format(number)
    orphans = sum(_orphans(connection))
    if orphans:
        yield _orphaned(orphans)
    yield from _broken_indexes(connection)


def _orphaned(number: int) -> str:
    return f"{number} rows refer to rows that are not there"


def _orphans(connection: Connection) -> Iterator[int]:
    """How many rows break each foreign key, which an index that is damaged lets through."""
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            there = key.column.table.alias("there")
            joined = table.outerjoin(there, there.c[key.column.name] == key.parent)
            query = select(func.count()).select_from(joined)
            missing = query.where(key.parent.is_not(None), there.c[key.column.name].is_(None))
            yield connection.execute(missing).scalar_one()


def _broken_indexes(connection: Connection) -> Iterator[str]:
    installed = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'amcheck'"
    schema = connection.exec_driver_sql(installed).scalar()
    for oid, name in connection.exec_driver_sql(_INDEXES).all() if schema else ():
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SELECT {schema}.bt_index_check({int(oid)}, true)")
        except ProgrammingError:  # this user may not ask
            return
        except DBAPIError:
            yield f"the index {name} does not fit its table: REINDEX INDEX {name}"
