"""The processes of the node, wherever they run: each says now and then that it is alive.

A process that ends takes its row with it; the row of one that was killed grows old and is swept by another.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from db import upsert
from db.schema import process

KEPT = timedelta(days=1)
"""How long the row of one that was killed is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process; `roles` are what it does, `pid` is its number on its host."""

    key: str
    roles: str
    host: str
    pid: int
    version: str
    started_at: datetime
    beat_at: datetime

    @property
    def owner(self) -> str:
        """What the owner of each of its jobs begins with."""
        return f"{self.host}:{self.pid}:"


def beat(connection: Connection, one: Process) -> None:
    """It is alive."""
    insert = upsert.insert(connection.dialect.name, process)
    again: dict[str, Any] = {"beat_at": one.beat_at}
    connection.execute(insert.values(asdict(one)).on_conflict_do_update(index_elements=["key"], set_=again))
    connection.execute(delete(process).where(process.c.beat_at < one.beat_at - KEPT))


def end(connection: Connection, key: str) -> None:
    """It has ended."""
    connection.execute(delete(process).where(process.c.key == key))


def every(connection: Connection) -> list[Process]:
    """Those that are alive, or were, by host and start."""
    query = select(process).order_by(process.c.host, process.c.started_at, process.c.key)
    return [Process(**row) for row in connection.execute(query).mappings()]
