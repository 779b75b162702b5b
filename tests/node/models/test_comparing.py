"""A comparison as a job: stopped and gone on with, and what it says when it cannot be had."""

from pathlib import Path

import pytest

from db import awakening, comparisons, jobs
from db.engine import Database
from db.learning_records import StoredComparison
from db.records import JobKind, JobState
from node.models import comparing
from node.models.comparing import Comparing
from tests import candidates
from tests.db.rows import NOW
from tests.working import worker_of


@pytest.fixture
def data(tmp_path: Path, sqlite_database: Database) -> Path:
    """A data folder with two models, twelve test patients, and somebody who asked for a comparison."""
    folder = tmp_path / "data"
    sha256 = candidates.register(sqlite_database, folder, tmp_path / "made", NOW)
    with sqlite_database.write() as connection:
        comparisons.ask(connection, candidate="good", current="bad", snapshot_sha256=sha256, by="anna", now=NOW)
    return folder


def run(database: Database, handler: Comparing) -> StoredComparison:
    """Let a worker run the job; how the comparison is then."""
    assert worker_of(database, JobKind.COMPARE, handler, lambda: NOW).run_one([JobKind.COMPARE])
    with database.read() as connection:
        (found,) = comparisons.of_candidate(connection, "good", 5)
    return found


def test_a_node_that_stops_goes_on_with_it(sqlite_database: Database, data: Path, monkeypatch: pytest.MonkeyPatch):
    """What was read is kept, and the attempt does not count."""
    monkeypatch.setattr(comparing, "EVERY_S", 0.0)
    first = candidates.comparing(sqlite_database, data)
    first.stop()

    stopped = run(sqlite_database, first)
    with sqlite_database.write() as connection:
        (job,) = jobs.newest(connection, 1)
        awakening.wake_one(connection, job.id, NOW)
    done = run(sqlite_database, candidates.comparing(sqlite_database, data))

    assert (job.state, job.error_code, job.attempts - job.postponed) == (JobState.QUEUED, "node_stopped", 0)
    assert (stopped.ended, stopped.outcome) == (False, None)
    assert (done.ended, done.done, done.total) == (True, 11, 12)
    assert done.outcome is not None
    assert done.outcome["objections"] == []
    assert done.outcome["compared"]["difference"]["value"] == 1
    assert done.outcome["curves"]["good"]["Mass"][-1] == [1, 1]


def test_an_image_that_is_gone_is_named(sqlite_database: Database, data: Path):
    """A person reads which, and what to do."""
    (data / "snapshots" / "images" / "0003.png").unlink()

    failed = run(sqlite_database, candidates.comparing(sqlite_database, data))

    assert failed.ended
    assert "0003.png cannot be read" in str(failed.reason)


def test_a_model_whose_files_are_damaged_is_named(sqlite_database: Database, data: Path):
    """Nothing is compared with what is not the model that was registered."""
    (data / "models" / "good" / "model.onnx").write_bytes(b"spoilt")

    failed = run(sqlite_database, candidates.comparing(sqlite_database, data))

    assert "SHA-256 differs" in str(failed.reason)
