"""What the node notes for itself under a name: a count that took long, how far a verification came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from db import upsert
from db.schema import note


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was noted, and when. `value` is what JSON can hold."""

    value: Any
    noted_at: datetime


def write(connection: Connection, name: str, value: Any, now: datetime) -> None:
    """Note something, in the place of what was noted under the name before."""
    insert = upsert.insert(connection.dialect.name, note)
    values = {"noted_at": now, "value": value}
    statement = insert.values(name=name, **values).on_conflict_do_update(index_elements=[note.c.name], set_=values)
    connection.execute(statement)


def read(connection: Connection, name: str) -> Note | None:
    """What was noted last under the name."""
    row = connection.execute(select(note.c.value, note.c.noted_at).where(note.c.name == name)).one_or_none()
    return None if row is None else Note(value=row.value, noted_at=row.noted_at)


def forget(connection: Connection, name: str) -> None:
    """Note nothing under the name any more."""
    connection.execute(delete(note).where(note.c.name == name))
