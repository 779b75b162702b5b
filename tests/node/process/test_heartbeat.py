"""Processes say that they are alive."""

from datetime import timedelta

from db import processes
from db.engine import Database, connect
from db.processes import KEPT, Process
from node.process.heartbeat import Heartbeat
from tests.db.rows import NOW
from tests.peers.processes import wait_until


def alive(database: Database) -> list[Process]:
    """Those that are known."""
    with database.read() as connection:
        return processes.every(connection)


def test_a_process_is_there_from_its_start_to_its_stop(sqlite_database: Database) -> None:
    """With what it does and where it runs."""
    heartbeat = Heartbeat(sqlite_database, ["scp", "hl7"], lambda: NOW)
    heartbeat.start()
    wait_until(lambda: bool(alive(sqlite_database)), timeout_s=20, what="it said nothing")
    (one,) = alive(sqlite_database)
    heartbeat.stop()

    assert (one.roles, one.beat_at) == ("hl7 scp", NOW)
    assert alive(sqlite_database) == []


def test_one_that_was_killed_is_swept_after_a_day(migrated_url: str) -> None:
    """By any other."""
    database = connect(migrated_url)
    for key, after in (("1", timedelta(0)), ("2", KEPT), ("3", KEPT + timedelta(seconds=1))):
        other = Process(key=key, roles="work", host="h", pid=1, version="1", started_at=NOW, beat_at=NOW + after)
        with database.write() as connection:
            processes.beat(connection, other)

    assert [each.key for each in alive(database)] == ["2", "3"]
    database.close()
