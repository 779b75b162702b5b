"""Rejections in the audit log: each caller soon, a scanner never more than the log can bear."""

from datetime import datetime, timedelta

import pytest

from db import audit
from db.audit import AuditEntry
from db.engine import Database
from node.reception.rejections import EACH_MINUTE, Rejections
from tests.db.races import race
from tests.db.rows import NOW


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    """Stands still until it is set."""
    return Clock()


@pytest.fixture
def rejections(sqlite_database: Database, clock: Clock) -> Rejections:
    """The rejections of a port."""
    return Rejections(database=sqlite_database, action="association.reject", now=clock)


def entries(rejections: Rejections) -> list[AuditEntry]:
    """The audit log, the oldest first."""
    with rejections.database.read() as connection:
        return audit.newest(connection, 1000)[::-1]


def facts(rejections: Rejections) -> list[tuple[str, str, int]]:
    """Caller, address and count of each entry."""
    return [(each.actor, each.subject, each.detail.get("repeated", 0)) for each in entries(rejections)]


def test_first_rejection_is_written_at_once(rejections: Rejections):
    """Who looks into the log sees a refused caller right after it called."""
    rejections("CT9", "10.0.0.9", "not admitted")

    (entry,) = entries(rejections)
    assert (entry.actor, entry.action, entry.subject) == ("CT9", "association.reject", "10.0.0.9")
    assert entry.detail == {"reason": "not admitted"}


def test_repetitions_of_a_minute_are_one_entry(rejections: Rejections, clock: Clock):
    """A modality that calls every second leaves two entries a minute, one with how often it called."""
    for _ in range(60):
        rejections("CT9", "10.0.0.9", "not admitted")
        clock.time += timedelta(seconds=1)
    rejections("CT9", "10.0.0.9", "not admitted")

    assert facts(rejections) == [("CT9", "10.0.0.9", 0), ("CT9", "10.0.0.9", 59), ("CT9", "10.0.0.9", 0)]


def test_scanner_with_many_titles_costs_a_bounded_number_of_entries(rejections: Rejections, clock: Clock):
    """A thousand invented titles in a minute: the first are written, the others counted."""
    for number in range(1000):
        rejections(f"AE{number}", "10.0.0.9", "not admitted")
    clock.time += timedelta(minutes=1)
    rejections.flush()

    assert len(entries(rejections)) == EACH_MINUTE + 1
    assert facts(rejections)[-1] == ("*", "*", 1000 - EACH_MINUTE)


def test_counts_are_written_without_another_rejection(rejections: Rejections, clock: Clock):
    """When a scan is over, a later look at the log shows all of it."""
    for _ in range(3):
        rejections("CT9", "10.0.0.9", "not admitted")

    rejections.flush()
    early = facts(rejections)
    clock.time += timedelta(minutes=1)
    rejections.flush()
    rejections.flush()

    assert early == [("CT9", "10.0.0.9", 0)]
    assert facts(rejections) == [("CT9", "10.0.0.9", 0), ("CT9", "10.0.0.9", 2)]


def test_counts_are_written_at_the_stop(rejections: Rejections):
    """A node that is stopped does not forget who called in its last minute."""
    rejections.start()
    for _ in range(3):
        rejections("CT9", "10.0.0.9", "not admitted")

    rejections.stop()

    assert facts(rejections) == [("CT9", "10.0.0.9", 0), ("CT9", "10.0.0.9", 2)]


def test_clock_that_was_set_back_begins_a_new_minute(rejections: Rejections, clock: Clock):
    """A corrected clock does not silence the log."""
    rejections("CT9", "10.0.0.9", "not admitted")
    clock.time -= timedelta(days=1)
    rejections("CT9", "10.0.0.9", "not admitted")

    assert len(entries(rejections)) == 2


def test_none_is_lost_when_many_call_at_once(rejections: Rejections, clock: Clock):
    """What eight threads take note of adds up."""
    race(8, lambda _: [rejections("CT9", "10.0.0.9", "not admitted") for _ in range(10)])
    clock.time += timedelta(minutes=1)
    rejections.flush()

    assert [repeated for _, _, repeated in facts(rejections)] == [0, 79]
    with rejections.database.read() as connection:
        assert audit.examine(connection).fault is None
