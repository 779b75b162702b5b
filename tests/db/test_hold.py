"""A hold on the stored files, and what it keeps from being removed."""

import threading
from collections.abc import Iterator

import pytest

from db import hold
from db.engine import Database, connect


@pytest.fixture
def elsewhere(database: Database) -> Iterator[Database]:
    """The same database, as another process has it."""
    other = connect(database.engine.url.render_as_string(hide_password=False))
    yield other
    other.close()


def may_remove(database: Database) -> bool:
    """Whether files may be removed just now."""
    with hold.removing(database) as allowed:
        return allowed


def test_nothing_is_removed_while_anybody_has_a_hold(database: Database, elsewhere: Database):
    """Two backups at once are two holds, and both have to end."""
    with hold.held(database):
        with hold.held(elsewhere):
            both = may_remove(database)
        one = may_remove(elsewhere)
    none = may_remove(elsewhere)

    assert (both, one, none) == (False, False, True)


def test_only_one_removes(database: Database, elsewhere: Database):
    """Two hosts with retention do not remove side by side."""
    with hold.removing(database) as first:
        assert (first, may_remove(elsewhere)) == (True, False)


def test_hold_waits_for_a_removal_to_end(database: Database, elsewhere: Database):
    """A backup that begins while some files are removed begins after them."""
    got = threading.Event()

    def back_up() -> None:
        with hold.held(elsewhere):
            got.set()

    thread = threading.Thread(target=back_up)
    with hold.removing(database):
        thread.start()
        early = got.wait(0.1)
    late = got.wait(20)
    thread.join()

    assert (early, late) == (False, True)
