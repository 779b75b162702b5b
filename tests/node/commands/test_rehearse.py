"""`cxr rehearse` begins only where it can end, and runs each command as a person would."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.__main__ import app
from node.commands import rehearse
from node.rehearsal.peers import RehearsalError


def test_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    """What lies there is not written over."""
    (tmp_path / "mine.txt").write_text("kept")

    outcome = CliRunner().invoke(app, ["rehearse", "--out", str(tmp_path)])

    assert "is not empty" in str(outcome.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_missing_extras_are_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for minutes to hear that torch is not installed."""
    monkeypatch.setattr(rehearse, "NEEDED", {"no_such_module": "training", "typer": "plots"})

    outcome = CliRunner().invoke(app, ["rehearse", "--out", str(tmp_path / "new")])

    assert "pip install 'cxr-node[training]'" in str(outcome.exception)
    assert not (tmp_path / "new").exists()


def test_command_that_fails_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is shown before it runs, sees the rehearsal's data and no other node's settings, and its words are shown."""
    monkeypatch.setenv("CXR_DATABASE__URL", "postgresql://elsewhere")

    with pytest.raises(RehearsalError, match="`cxr status` ended with 1"):
        rehearse.acting(tmp_path / "data")(["status"])

    said = capfd.readouterr()
    assert said.out.startswith("\n$ cxr status\n")
    assert f"no node has worked in {tmp_path / 'data'}" in said.err


def test_nobody_at_the_terminal_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a script promotion is confirmed beforehand; a person is asked, unless they said yes before."""
    seen = []
    monkeypatch.setattr("node.rehearsal.cycle.rehearse", lambda choices, *_: seen.append(choices.promotion))
    for terminal, options in ((False, []), (True, []), (True, ["--yes"])):
        monkeypatch.setattr(rehearse, "at_a_terminal", lambda terminal=terminal: terminal)
        CliRunner().invoke(app, ["rehearse", "--out", str(tmp_path / "new"), *options], catch_exceptions=False)

    assert seen == [("--yes",), (), ("--yes",)]
