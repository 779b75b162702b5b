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
    inspect,
    select,
    table,
)

from tests.db.rows import NOW

ONE_OF_TWO = {("gold", "report_id")}
"""Columns that a rule wants empty where another one of the row is filled."""


def fill(connection: Connection) -> set[str]:
    """Add a row to each table. Returns the tables' names."""
    found = MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    for each in found.sorted_tables:
        connection.execute(each.insert().values({c.name: _value(c, connection) for c in each.columns}))
    return set(found.tables)


def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    return {name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names}


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
