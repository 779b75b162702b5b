"""The audit log: one chain, in which a changed byte is found; on both databases."""

from datetime import timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import update

from db import audit
from db.engine import Connection, Database
from db.schema import audit as table
from tests.db.races import race
from tests.db.rows import NOW, later


def append(connection: Connection, number: int, **values: Any) -> None:
    """An entry; other values take the place of the usual ones."""
    usual: dict[str, Any] = {"actor": "admin", "action": "study.view", "subject": f"2.25.{number}", "now": NOW}
    audit.append(connection, **usual | {"detail": {"n": number, "why": ["ä", None, 0.1]}} | values)


def test_untouched_log_holds(database: Database):
    """What was logged is listed, the newest first, and the chain holds."""
    with database.write() as connection:
        for number in (1, 2, 3):
            append(connection, number)

        entries = audit.newest(connection, 2)

        assert audit.first_broken(connection) is None
    assert [entry.subject for entry in entries] == ["2.25.3", "2.25.2"]
    assert entries[0].detail == {"n": 3, "why": ["ä", None, 0.1]}


def test_empty_log_holds(database: Database):
    """A new node's log is whole."""
    with database.read() as connection:
        assert audit.first_broken(connection) is None


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "Admin"},
        {"action": "study.View"},
        {"subject": "2.25.3"},
        {"detail": {"n": 2, "why": ["ä", None, 0.2]}},
        {"at": NOW + timedelta(microseconds=1)},
        {"digest": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_changed_byte_is_found(database: Database, change: dict[str, Any]):
    """Who changes one byte of an entry is found out, with the entry's number."""
    with database.write() as connection:
        for number in (1, 2, 3):
            append(connection, number)

        connection.execute(update(table).where(table.c.id == 2).values(change))

        assert audit.first_broken(connection) == 2


def test_removed_entry_is_found(database: Database):
    """Who removes an entry from the middle is found out at the next one."""
    with database.write() as connection:
        for number in (1, 2, 3):
            append(connection, number)

        connection.execute(table.delete().where(table.c.id == 2))

        assert audit.first_broken(connection) == 3


def test_entry_from_another_time_zone_holds(database: Database):
    """An untouched entry is not called broken because it was written in another zone."""
    with database.write() as connection:
        append(connection, 1, now=later(1).astimezone(timezone(timedelta(hours=5, minutes=30))))

        assert audit.first_broken(connection) is None


def test_entries_written_at_once_make_one_chain(database: Database):
    """Eight threads that log at the same time leave one whole chain."""

    def write(number: int) -> None:
        for _ in range(5):
            with database.write() as connection:
                append(connection, number)

    race(8, write)

    with database.read() as connection:
        assert audit.first_broken(connection) is None
        assert len(audit.newest(connection, 100)) == 40


def test_history_of_a_subject(database: Database):
    """What was done to one thing is told in order, without what was done to others or otherwise."""
    with database.write() as connection:
        for action in ("model.register", "study.view", "model.promote"):
            append(connection, 1, action=action)
        append(connection, 2, action="model.register")

        found = audit.of_subject(connection, "2.25.1", "model.")

    assert [entry.action for entry in found] == ["model.register", "model.promote"]
