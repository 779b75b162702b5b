"""`cxr destinations`, on a destination that answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.__main__ import app
from node.commands.destinations import TrialError
from node.errors import SettingsError
from tests.nodes import StartNode, destination
from tests.peers.pacs import StorageScp


def run(options: dict[str, Any], tmp_path: Path, *arguments: str) -> Any:
    """A command on settings of a file, with the destinations of these options."""
    config = tmp_path / "node.toml"
    lines = [f'[reading]\nmodel = "{options["reading.model"]}"\nthreads = 1']
    for each in options["destinations"]:
        lines.append("[[destinations]]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in each.items()]
    config.write_text("\n".join(lines))
    where = ["--config", str(config)] + (["--data", str(options["data"])] if "test" in arguments else [])
    return CliRunner().invoke(app, [*arguments, *where], catch_exceptions=True)


def test_list_says_where_results_go(settings_options: Callable[..., dict[str, Any]], pacs: StorageScp, tmp_path: Path):
    """Each destination with its address and what it gets."""
    result = run(settings_options(pacs=pacs), tmp_path, "destinations", "list", "--json")

    (shown,) = json.loads(result.stdout)
    assert (shown["name"], shown["address"]) == ("pacs", f"PACS@127.0.0.1:{pacs.port}")
    assert shown["results"] == ["not_processed", "overlay", "seg", "sr"]


def test_trial_shows_what_became_of_each_object(
    settings_options: Callable[..., dict[str, Any]], pacs: StorageScp, tmp_path: Path
):
    """A synthetic patient's radiograph and results arrive, and the table says in which form."""
    result = run(settings_options(pacs=pacs), tmp_path, "destinations", "test", "pacs", "--json")

    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert [(each["object"], each["answer"]) for each in shown["objects"]] == [
        (kind, "accepted") for kind in ("image", "sr", "seg", "overlay")
    ]
    assert {str(ds.PatientName) for ds in pacs.datasets()} == {"PHANTOM^CHEST"}
    assert {ds.StudyInstanceUID for ds in pacs.datasets()} == {shown["study_instance_uid"]}


def test_trial_of_a_destination_that_refuses(
    settings_options: Callable[..., dict[str, Any]], pacs: StorageScp, tmp_path: Path
):
    """What is refused is in the table, and the command fails."""
    pacs.status = 0xC000

    result = run(settings_options(pacs=pacs), tmp_path, "destinations", "test", "pacs")

    assert isinstance(result.exception, TrialError)
    assert "0xc000" in result.stdout


def test_trial_of_a_destination_without_commitment(
    settings_options: Callable[..., dict[str, Any]], start_node: StartNode, pacs: StorageScp, tmp_path: Path
):
    """Where a destination is to commit and cannot, the table says what to do."""
    start_node(pacs=pacs)
    options = settings_options(destinations=[destination(pacs) | {"commitment": True}])

    result = run(options, tmp_path, "destinations", "test", "pacs", "--wait", "0")

    assert isinstance(result.exception, TrialError)
    assert "does not offer storage commitment" in " ".join(result.stdout.split())


def test_unknown_destination(settings_options: Callable[..., dict[str, Any]], tmp_path: Path):
    """A name that is not in the settings says how to find those that are."""
    result = run(settings_options(), tmp_path, "destinations", "test", "nowhere")

    assert isinstance(result.exception, SettingsError)
    assert "cxr destinations list" in str(result.exception)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are not folded."""
    monkeypatch.setenv("COLUMNS", "400")
