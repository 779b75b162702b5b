"""The labels of an older version's reports are written down beside the node's work."""

from db import standing
from db.engine import Database
from node.labels import ledger
from node.labels.ledger import Ledger
from tests.db.label_rows import P, add_report, mine


def filled(database: Database, number: int) -> None:
    """So many reports, mined before their labels were written down."""
    with database.write() as connection:
        for place in range(number):
            mine(connection, add_report(connection, str(place)), {"Effusion": P})


def counted(database: Database) -> int:
    """How many are written down."""
    with database.read() as connection:
        return standing.counted(connection)[0].total()


def test_what_is_missing_is_written_down_some_at_a_time(sqlite_database: Database, monkeypatch):
    """All of it, over several transactions; once more changes nothing."""
    monkeypatch.setattr(ledger, "AT_ONCE", 2)
    filled(sqlite_database, 5)

    for _ in range(2):
        Ledger(database=sqlite_database).catch_up()

        assert counted(sqlite_database) == 5


def test_it_ends_by_itself_and_with_the_node(sqlite_database: Database):
    """A node that stops at once leaves the rest for its next start."""
    filled(sqlite_database, 1)
    stopped, whole = Ledger(database=sqlite_database), Ledger(database=sqlite_database)
    stopped.stop()
    stopped.start()
    stopped.stop()
    before = counted(sqlite_database)
    whole.start()
    assert whole._thread is not None
    whole._thread.join(20)
    whole.stop()

    assert (before, counted(sqlite_database)) == (0, 1)
