"""The audit log: one chain, in which a changed byte is found; on both databases."""

from datetime import timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import update

from db import audit
from db.engine import Connection, Database
from db.schema import audit as table
from db.schema import audit_head
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

        assert audit.examine(connection).fault is None
    assert [entry.subject for entry in entries] == ["2.25.3", "2.25.2"]
    assert entries[0].detail == {"n": 3, "why": ["ä", None, 0.1]}


def test_empty_log_holds(database: Database):
    """A new node's log is whole."""
    with database.read() as connection:
        assert audit.examine(connection).fault is None


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

        assert audit.examine(connection).broken_id == 2


def test_removed_entry_is_found(database: Database):
    """Who removes an entry from the middle is found out at the next one."""
    with database.write() as connection:
        for number in (1, 2, 3):
            append(connection, number)

        connection.execute(table.delete().where(table.c.id == 2))

        assert audit.examine(connection).broken_id == 3


def test_swapped_entries_are_found(database: Database):
    """Who puts two entries in each other's place is found out at the first of them."""
    with database.write() as connection:
        for number in (1, 2, 3, 4):
            append(connection, number)

        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(update(table).where(table.c.id == old).values(id=new))

        assert audit.examine(connection).broken_id == 2


def test_log_without_its_end_is_found(database: Database):
    """Who removes the last entries is found out, at once and after the log has grown again."""
    with database.write() as connection:
        for number in (1, 2, 3):
            append(connection, number)

        connection.execute(table.delete().where(table.c.id >= 2))

        assert audit.examine(connection).fault == "entries after 1 are not there"
        append(connection, 4)
        assert audit.examine(connection).broken_id == audit.newest(connection, 1)[0].id


@pytest.mark.parametrize("left", ["some", "none"])
def test_log_without_its_end_and_its_head_is_found(database: Database, left: str):
    """Who removes the record of the last entry as well is found out."""
    with database.write() as connection:
        for number in (1, 2, 3):
            append(connection, number)
        noted = audit.examine(connection)

        connection.execute(audit_head.delete())
        connection.execute(table.delete().where(table.c.id >= (2 if left == "some" else 1)))

        assert audit.examine(connection, (noted.last_id, noted.digest)).fault is not None
        append(connection, 4)
        assert audit.examine(connection, (noted.last_id, noted.digest)).fault is not None


def test_chain_that_was_made_anew_is_found_by_a_noted_digest(database: Database):
    """Who writes the whole log again is found out by who has noted a digest."""
    with database.write() as connection:
        append(connection, 1)
        noted = audit.examine(connection)
        append(connection, 2)
        assert audit.examine(connection, (noted.last_id, noted.digest)).fault is None

        connection.execute(table.delete())
        connection.execute(audit_head.delete())
        digest = audit._digest("", NOW, {"actor": "x", "action": "y", "subject": "z", "detail": {}})
        entry = {"id": 1, "at": NOW, "actor": "x", "action": "y", "subject": "z", "detail": {}, "digest": digest}
        connection.execute(table.insert().values(entry))
        connection.execute(audit_head.insert().values(id=1, last_id=1, digest=digest))

        assert audit.examine(connection).fault is None
        assert audit.examine(connection, (noted.last_id, noted.digest)).broken_id == 1


def test_entry_from_another_time_zone_holds(database: Database):
    """An untouched entry is not called broken because it was written in another zone."""
    with database.write() as connection:
        append(connection, 1, now=later(1).astimezone(timezone(timedelta(hours=5, minutes=30))))

        assert audit.examine(connection).fault is None


def test_entries_written_at_once_make_one_chain(database: Database):
    """Eight threads that log at the same time leave one whole chain."""

    def write(number: int) -> None:
        for _ in range(5):
            with database.write() as connection:
                append(connection, number)

    race(8, write)

    with database.read() as connection:
        assert audit.examine(connection).fault is None
        assert len(audit.newest(connection, 100)) == 40


def test_history_of_a_subject(database: Database):
    """What was done to one thing is told in order, without what was done to others or otherwise."""
    with database.write() as connection:
        for action in ("model.register", "study.view", "model.promote"):
            append(connection, 1, action=action)
        append(connection, 2, action="model.register")

        found = audit.of_subject(connection, "2.25.1", "model.")

    assert [entry.action for entry in found] == ["model.register", "model.promote"]
