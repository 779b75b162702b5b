"""How far the audit log has been sent, and by whom; on both databases."""

from datetime import timedelta

from db import audit, audit_sending
from db.audit_sending import HELD, Unsent
from db.engine import Connection, Database
from tests.db.rows import NOW


def log(connection: Connection, number: int) -> None:
    """So many entries."""
    for each in range(number):
        audit.append(connection, actor="a", action="study.view", subject=f"2.25.{each}", now=NOW)


def test_what_was_logged_before_is_not_waited_for(database: Database):
    """From the beginning on everything is, once it has begun."""
    with database.write() as connection:
        log(connection, 2)
        before = audit_sending.unsent(connection)
        audit_sending.begin(connection, NOW)
        log(connection, 3)
        audit_sending.begin(connection, NOW)

        assert before == Unsent(entries=0, oldest=None, fault=None)
        assert audit_sending.unsent(connection) == Unsent(entries=3, oldest=NOW, fault=None)
        assert audit_sending.claim(connection, "one", NOW) == 2
        assert [each.id for each in audit.after(connection, 2, 2)] == [3, 4]


def test_one_process_sends_at_a_time(database: Database):
    """Another takes over when the first lets go, or has been silent; who was silent moves nothing on any more."""
    with database.write() as connection:
        audit_sending.begin(connection, NOW)
        log(connection, 1)

        assert audit_sending.claim(connection, "one", NOW) == 0
        assert audit_sending.claim(connection, "two", NOW + HELD / 2) is None
        assert audit_sending.claim(connection, "two", NOW + HELD) == 0
        assert not audit_sending.advance(connection, "one", 1, NOW + HELD)
        audit_sending.release(connection, "one", NOW + HELD)
        assert audit_sending.claim(connection, "one", NOW + HELD) is None
        audit_sending.release(connection, "two", NOW + HELD)
        assert audit_sending.claim(connection, "one", NOW + HELD) == 0


def test_a_clock_that_was_set_back_holds_nobody_up(database: Database):
    """A claim that lies further ahead than it can be is none."""
    with database.write() as connection:
        audit_sending.begin(connection, NOW)
        audit_sending.claim(connection, "one", NOW + timedelta(days=1))

        assert audit_sending.claim(connection, "two", NOW) == 0
