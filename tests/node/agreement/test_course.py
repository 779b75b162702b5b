"""Weeks put together, and a band that is left."""

from datetime import UTC, date, datetime, timedelta

from db import schema
from db.agreement import Group
from db.engine import Connection, Database
from node.agreement.band import Band
from node.agreement.course import courses

NOW = datetime(2026, 3, 14, 9, tzinfo=UTC)
MONDAY = date(2026, 3, 9)
GOOD = ((True, True, 40), (True, False, 5), (False, True, 5), (False, False, 50))
BAD = ((True, True, 10), (True, False, 35), (False, True, 35), (False, False, 20))


def count(connection: Connection, weeks_ago: int, said: tuple[tuple[bool, bool, int], ...], **values: str) -> None:
    """Readings of a week."""
    usual = {"finding": "Effusion", "model_version": "m1", "sender": "CR1", "view": "PA"} | values
    week = MONDAY - timedelta(weeks=weeks_ago)
    rows = [{**usual, "week": week, "present": p, "reported": r, "number": n} for p, r, n in said]
    connection.execute(schema.concordance_count.insert(), rows)


def test_agreement_that_falls_leaves_its_band(sqlite_database: Database) -> None:
    """Ten good weeks, and a bad one."""
    with sqlite_database.write() as connection:
        for weeks_ago in range(4, 14):
            count(connection, weeks_ago, GOOD)
        steady = courses(connection, Group(), Band(), NOW)
        count(connection, 0, BAD)
        fallen = courses(connection, Group(), Band(), NOW)
        wide = courses(connection, Group(), Band(width=2), NOW)

    assert [each.finding for each in fallen if each.left] == ["Effusion"]
    assert not any(each.left for each in (*steady, *wide))
    (effusion,) = (each for each in fallen if each.finding == "Effusion")
    assert (effusion.recent.readings, effusion.earlier.readings, effusion.whole.readings) == (100, 1000, 1100)
    assert list(effusion.weeks) == [MONDAY - timedelta(weeks=number) for number in (*range(13, 3, -1), 0)]


def test_weeks_before_the_earlier_ones_are_past(sqlite_database: Database) -> None:
    """Of thirty-one weeks, thirty."""
    with sqlite_database.write() as connection:
        for weeks_ago in range(31):
            count(connection, weeks_ago, GOOD)
        (found,) = courses(connection, Group(finding="Effusion"), Band(), NOW)

    assert (len(found.weeks), found.whole.readings) == (30, 3000)


def test_a_group_is_counted_alone(sqlite_database: Database) -> None:
    """By who sent it, view or model."""
    with sqlite_database.write() as connection:
        count(connection, 0, GOOD)
        count(connection, 0, BAD, sender="CR2")
        (of_one,) = courses(connection, Group(finding="Effusion", sender="CR2"), Band(), NOW)

    assert of_one.recent.both == 10
