"""A table of counts: a row for each key says how often it is there, and only what changes is added to it.

Who keeps one adds in the transaction that changes what is counted, and in nobody else's turn (`db.engine.queue_for`).
"""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Table

from db import upsert

Key = TypeVar("Key", bound=tuple[Hashable, ...])

NUMBER = "number"


def add(connection: Connection, counts: Table, change: Mapping[Key, int]) -> None:
    """Add to each key how many more there are now, or fewer; the keys are the other columns, in their order."""
    keys = [column.name for column in counts.columns if column.name != NUMBER]
    rows: list[dict[str, Any]] = [
        {**dict(zip(keys, key, strict=True)), NUMBER: number} for key, number in change.items() if number
    ]
    if not rows:
        return
    insert = upsert.insert(connection.dialect.name, counts)
    together = {NUMBER: counts.c[NUMBER] + insert.excluded[NUMBER]}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=together), rows)
