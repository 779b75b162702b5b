"""What the intake of messages adds to its transaction: the wish that their reports be mined."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from db import jobs
from db.engine import Database, connect
from db.records import JobKind, JobState
from node.hl7.intake import Intake, Received
from tests.node.hl7.mllp import oru

NOW = datetime(2026, 3, 14, tzinfo=UTC)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An empty database with the schema, of either kind."""
    opened = connect(migrated_url)
    yield opened
    opened.close()


def receive(database: Database, *messages: bytes) -> None:
    """Take in messages that arrive together."""
    intake = Intake(database=database, accession_from=("OBR-3",), now=lambda: NOW)
    intake.receive([Received(content=each, peer_address="127.0.0.1") for each in messages])


def waiting(database: Database) -> list[tuple[JobKind, JobState, int]]:
    """Every job: its kind, its state and the report that it is about."""
    with database.read() as connection:
        return [(each.kind, each.state, each.subject_id) for each in jobs.newest(connection, 9)]


def test_reports_that_are_committed_are_to_be_mined(database: Database):
    """One job for all that came together, and for what comes while it waits."""
    receive(database, oru("M1", accession="A1"), oru("M2", accession="A2"))
    receive(database, oru("M3", accession="A3"))

    assert waiting(database) == [(JobKind.MINE, JobState.QUEUED, 3)]


def test_what_brings_no_new_report_brings_no_job(database: Database):
    """A message that is no report, and one that was sent again after its report was mined."""
    receive(database, b"MSH|^~\\&|RIS|HOSPITAL|||20260301||ADT^A01|M1|P|2.5\r")
    assert waiting(database) == []
    receive(database, oru("M2"))
    with database.write() as connection:
        job = jobs.claim(connection, kinds=[JobKind.MINE], owner="x", now=NOW.replace(hour=1), lease_s=60)
        assert job is not None
        jobs.end(connection, job, state=JobState.DONE, now=NOW)

    receive(database, oru("M2"))

    assert waiting(database) == [(JobKind.MINE, JobState.DONE, 1)]
