"""`cxr trainings`: a person starts a training, looks at it, stops it and lets it go on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from db import jobs, snapshots
from db.engine import Database
from db.records import JobKind, JobState
from node.__main__ import app
from node.errors import SettingsError
from tests.db.rows import NOW

SHA = "ab" * 32


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """Of a data folder, with a snapshot in it."""
    with sqlite_database.write() as connection:
        snapshots.register(
            connection, sha256=SHA, folder="set", created_at=NOW, findings=("Mass",), images={}, about={}
        )
    return sqlite_database


@pytest.fixture
def cxr(database: Database, tmp_path: Path) -> Callable[..., Result]:
    """Run a command of this node."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["trainings", *arguments], env={"CXR_DATA": str(tmp_path)})

    return run


def test_a_training_from_start_to_stop_and_on(cxr: Callable[..., Result]) -> None:
    """What is given after -- goes to `cxr train` as it is."""
    started = cxr("start", "--snapshot", "abab", "--method", "upper", "--model-version", "spring", "--", "--seed", "7")
    listed = json.loads(cxr("list", "--json").stdout)
    stopped = cxr("stop", "spring", "--by", "anna")
    again = cxr("stop", "spring")
    going = cxr("go-on", "spring")

    assert "spring waits for its turn" in started.stdout
    (run,) = listed
    assert (run["arguments"], run["snapshot"]) == (["--tune", "upper", "--copies", "6", "--seed", "7"], SHA)
    assert "spring ends now" in stopped.stdout
    assert "has ended, or was stopped before" in again.stdout
    assert "spring goes on" in going.stdout
    assert "spring" in cxr("list").stdout


def test_a_training_as_it_goes(cxr: Callable[..., Result], database: Database, tmp_path: Path) -> None:
    """Its validation after each epoch, and why it failed."""
    cxr("start", "--snapshot", SHA, "--specificity", "0.95", "--model-version", "spring")
    folder = tmp_path / "trainings" / "spring"
    folder.mkdir(parents=True)
    epoch = {"event": "epoch", "epoch": 0, "validation_auc": 0.61, "validation_stratified_auc": 0.72}
    (folder / "metrics.jsonl").write_text(f"{json.dumps(epoch)}\n")
    with database.write() as connection:
        job = jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOW.replace(year=9000), lease_s=60)
        assert job is not None
        jobs.end(connection, job, state=JobState.FAILED, now=NOW, error="The disk is full.")

    shown = cxr("show", "spring").stdout
    found = json.loads(cxr("show", "spring", "--json").stdout)

    assert "spring: failed. The disk is full." in shown
    assert "--specificity 0.95" in shown
    assert "0.610" in shown
    assert "0.720" in shown
    assert (found["state"], found["curves"]["fair"]) == ("failed", [[1.0, 0.72]])


def test_a_training_of_a_new_snapshot(cxr: Callable[..., Result]) -> None:
    """Of the paper's eight findings, less those that are too rare here."""
    run = json.loads(cxr("start", "--without", "Mass", "--without", "Nodule", "--json").stdout)

    assert run["snapshot"] is None
    assert len(run["wanted"]) == 6
    assert run["version"].endswith("-regions")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("start", "--snapshot", "ff"), "no snapshot has a hash"),
        (("start", "--without", "Gout"), "is not among the findings"),
        (("start", "--method", "magic"), "there is no method"),
        (("show", "spring"), "there is no training"),
        (("stop", "spring"), "there is no training"),
    ],
)
def test_what_cannot_be_is_said(cxr: Callable[..., Result], arguments: tuple[str, ...], sentence: str) -> None:
    """In a sentence."""
    outcome = cxr(*arguments)

    assert isinstance(outcome.exception, SettingsError)
    assert sentence in str(outcome.exception)


def test_nothing_was_started_yet(cxr: Callable[..., Result]) -> None:
    """It says how to start one."""
    assert "cxr trainings start" in cxr("list").stdout
