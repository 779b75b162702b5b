"""A row in every table of whatever schema a database has: what it holds is made up, what it refers to is there."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    func,
    select,
)

from tests.db.rows import NOW

ONE_OF_TWO = {("gold", "report_id")}
"""Columns that a rule wants empty where another one of the row is filled."""


def fill(connection: Connection) -> set[str]:
    """Add a row to each table. Returns the tables' names."""
    tables = _tables(connection)
    for table in tables.sorted_tables:
        connection.execute(table.insert().values({c.name: _value(c, connection) for c in table.columns}))
    return set(tables.tables)


def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    tables = _tables(connection).tables
    return {name: connection.execute(select(func.count()).select_from(tables[name])).scalar_one() for name in tables}


def _tables(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def _value(column: Column[Any], connection: Connection) -> object:
    if (column.table.name, column.name) in ONE_OF_TWO:
        return None
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer | Float):
        return 1
    if isinstance(column.type, DateTime):
        return _time(connection)
    if isinstance(column.type, Date):
        return NOW.date()
    if isinstance(column.type, JSON):
        return {}
    return b"x" if isinstance(column.type, LargeBinary) else "x"


def _time(connection: Connection) -> datetime:
    return NOW.replace(tzinfo=None) if connection.dialect.name == "sqlite" else NOW
