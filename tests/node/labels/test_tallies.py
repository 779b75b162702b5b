"""Counts over everything: made when asked in a small store, kept in a large one, with the time they were made."""

import threading
from datetime import datetime, timedelta

import pytest

from db import census, tally
from db.engine import Database
from node.labels import tallies
from node.labels.tallies import EIGHT, FOURTEEN, Keeper, Tally
from node.sections.running import MiningSettings
from tests.db.events import brought, happen
from tests.db.label_rows import fill
from tests.db.rows import NOW, later


def keeper(database: Database, of: Tally[object], at: datetime = NOW) -> None:
    """Let what is old be counted again at this time."""
    Keeper(database=database, tallies=lambda: [of], now=lambda: at).run(threading.Event())


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with one report counts as large."""
    monkeypatch.setattr(tallies, "LARGE", 1)


def test_a_small_store_is_counted_when_asked(sqlite_database: Database):
    """Nothing is kept, and the count has no time."""
    happen(sqlite_database, brought())
    keeper(sqlite_database, tallies.LINKS)

    with sqlite_database.read() as connection:
        found = tallies.look(connection, tallies.LINKS)

    assert (found.value, found.counted_at) == ({"no_study": 1}, None)


@pytest.mark.usefixtures("large")
def test_a_large_store_is_counted_every_few_minutes(sqlite_database: Database):
    """What came since is counted when the count has become old, and it says of when it is."""
    happen(sqlite_database, brought())
    keeper(sqlite_database, tallies.LINKS)
    happen(sqlite_database, brought("R2"))
    keeper(sqlite_database, tallies.LINKS, later(tallies.KEPT_S - 1))
    with sqlite_database.read() as connection:
        before = tallies.look(connection, tallies.LINKS)

    keeper(sqlite_database, tallies.LINKS, later(tallies.KEPT_S + 1))

    with sqlite_database.read() as connection:
        after = tallies.look(connection, tallies.LINKS)
    assert (before.value, before.counted_at) == ({"no_study": 1}, NOW)
    assert (after.value, after.counted_at) == ({"no_study": 2}, NOW + timedelta(seconds=tallies.KEPT_S + 1))


@pytest.mark.usefixtures("large")
def test_without_a_kept_count_it_is_made(sqlite_database: Database):
    """A command on a store that no node works in waits, and is right."""
    happen(sqlite_database, brought())

    with sqlite_database.read() as connection:
        assert tallies.look(connection, tallies.LINKS).counted_at is None


@pytest.mark.usefixtures("large")
def test_kept_tables_are_the_tables(sqlite_database: Database):
    """Every record of them is read back as it was counted."""
    with sqlite_database.write() as connection:
        fill(connection)
    keeper(sqlite_database, tallies.LABELS)

    with sqlite_database.read() as connection:
        found = tallies.look(connection, tallies.LABELS)
        read = census.whole(connection)

    assert found.value == {8: tally.summed(read, EIGHT), 14: tally.summed(read, FOURTEEN)}
    assert found.counted_at == NOW


def test_every_count_has_a_name_of_its_own():
    """One would be read as another."""
    names = [each.name for each in tallies.every(MiningSettings())]

    assert len(set(names)) == len(names) == 3
