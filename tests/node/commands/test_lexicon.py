"""`cxr lexicon`: the trials that people began on the console, listed, looked at and stopped."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from db import audit, lexicon_trials
from db.engine import Database
from node.__main__ import app
from node.errors import SettingsError
from node.process.clock import utc_now
from tests.db.rows import NOW

FILE = "rules/negation.toml"
COUNT = {"finding": "Effusion", "old": "positive", "new": "negative", "reports": 1}
CHANGE = {"report_id": 7, "finding": "Effusion", "old": "positive", "new": "negative", "rule_id": "no"}
OUTCOME = {"compared": 2000, "changed": 1, "counts": [COUNT], "changes": [CHANGE]}


@pytest.fixture
def data(sqlite_database: Database, tmp_path: Path) -> Path:
    """A data folder with a trial that has ended, one that broke off, and one under way."""
    with sqlite_database.write() as connection:
        for number, now in enumerate((NOW, NOW, utc_now()), 1):
            begun = lexicon_trials.begin(connection, file=FILE, content="a = 1", total=2000, actor="anna", now=now)
            assert begun is not None
            assert begun.id == number
            lexicon_trials.go_on(connection, number, 64, now)
            if number == 1:
                lexicon_trials.end(connection, number, now, outcome=OUTCOME)
    return tmp_path


def cxr(data: Path, *arguments: str) -> Result:
    """Run the command on this node."""
    return CliRunner().invoke(app, ["lexicon", *arguments], env={"CXR_DATA": str(data)})


def test_trials_are_listed_with_what_came_of_them(data: Path) -> None:
    """The newest first; JSON is what the HTTP API says."""
    table = cxr(data, "list").stdout
    (newest, *_) = json.loads(cxr(data, "list", "--limit", "1", "--json").stdout)

    said = ("64 of 2,000 reports are mined", "it was broken off", "1 of 2,000 reports would change")
    assert sorted(said, key=table.index) == list(said)
    assert (newest["runs"], newest["trial"]["id"], newest["trial"]["done"]) == (True, 3, 64)


def test_a_trial_shows_what_would_change(data: Path) -> None:
    """By finding and report by report; the file is in the JSON."""
    shown = cxr(data, "show", "1").stdout
    told = json.loads(cxr(data, "show", "1", "--json").stdout)

    assert "rules/negation.toml, tried by anna: 1 of 2,000 reports would change." in shown
    assert shown.count("positive -> negative") == 2
    assert (told["runs"], told["trial"]["content"], told["trial"]["outcome"]) == (False, "a = 1", OUTCOME)


def test_a_trial_is_stopped_once(data: Path, sqlite_database: Database) -> None:
    """In somebody's name; the second time it had ended."""
    first, second = cxr(data, "stop", "3", "--by", "ben"), cxr(data, "stop", "3", "--json")

    assert first.stdout == "Trial 3 ends now.\n"
    assert json.loads(second.stdout) == {"trial": 3, "stopped": False}
    assert "ben stopped it." in cxr(data, "show", "3").stdout
    with sqlite_database.read() as connection:
        (entry,) = audit.newest(connection, 1)
    assert (entry.actor, entry.action, entry.subject) == ("ben", "lexicon.stop", "trial 3")


@pytest.mark.parametrize("command", ["show", "stop"])
def test_a_trial_that_never_was_is_said(data: Path, command: str) -> None:
    """With where to look."""
    answer = cxr(data, command, "9")

    assert isinstance(answer.exception, SettingsError)
    assert str(answer.exception) == "there was no trial 9; `cxr lexicon list` shows which there were"
