"""`cxr status` in a store of which everything is not counted while somebody waits."""

import json
import threading
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db import jobs, migration
from db.engine import connect
from db.records import JobState
from node.__main__ import app
from node.labels import tallies
from node.labels.tallies import Keeper
from node.sections.running import MiningSettings
from tests.db.rows import NOW, add_job, add_study, claimed


def test_what_is_done_is_kept_and_what_is_under_way_is_counted_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A large site's counts are of some minutes ago and say so; the queue is never."""
    monkeypatch.setattr(tallies, "LARGE", 1)
    database = connect(f"sqlite:///{tmp_path / 'cxr.db'}")
    migration.upgrade(database)
    with database.write() as connection:
        add_job(connection, add_study(connection))
        jobs.end(connection, claimed(connection), state=JobState.DONE, now=NOW)
    every = tallies.every(MiningSettings())
    Keeper(database=database, tallies=lambda: every, now=lambda: NOW).run(threading.Event())
    with database.write() as connection:
        add_job(connection, 1, revision=2)
    database.close()

    outcome = CliRunner().invoke(app, ["status", "--json", "--data", str(tmp_path)])

    found = json.loads(outcome.stdout)
    assert found["jobs"] == {"read.done": 1, "read.queued": 1}
    assert datetime.fromisoformat(found["counted_at"]) == NOW
