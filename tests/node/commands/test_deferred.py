"""Commands that are loaded when they are run, and nothing that they do not need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from node.__main__ import app
from node.commands import models, reports, results
from node.commands.contents import SECTIONS
from node.commands.deferred import Deferred
from node.commands.models import models_app
from node.commands.reports import reports_app
from node.commands.results import results_app
from node.process.implementation import SOFTWARE_VERSION

ROOT = Path(__file__).parent.parent.parent.parent
HEAVY = {
    *("alembic", "cv2", "fastapi", "highdicom", "numpy", "onnxruntime", "pydicom", "pynetdicom", "scipy", "spacy"),
    *("sqlalchemy", "starlette", "torch"),
}
RUN = """
import atexit, sys
atexit.register(lambda: print("loaded", *sys.modules))
from node.__main__ import main
main()
"""


def run(*arguments: object, **environment: str) -> str:
    """What a new process prints for the command line."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True).stdout


def loaded(*arguments: object) -> set[str]:
    """The heavy libraries that a command loads."""
    return HEAVY.intersection(run(*arguments).rpartition("loaded ")[2].split())


def test_help_loads_no_library_of_a_command():
    """`cxr --help` answers at once: it needs nothing of what the commands need."""
    assert loaded("--help") == set()


def test_version_is_told_by_a_command_and_by_an_option():
    """People try either."""
    assert run("--version").splitlines()[0] == run("version").splitlines()[0] == SOFTWARE_VERSION


def test_settings_are_shown_without_a_database():
    """`cxr config show` loads no database."""
    assert loaded("config", "show") == set()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a node that has its schema and its model."""
    folder = tmp_path_factory.mktemp("data")
    run("models", "list", "--data", folder)
    return folder


@pytest.mark.parametrize("command", ["status", "studies list", "jobs", "labels list", "models list"])
def test_looking_into_the_database_loads_nothing_else(command: str, data: Path):
    """A command that asks the database a question loads neither the model nor DICOM, nor what changes a schema."""
    assert loaded(*command.split(), "--data", data) == {"sqlalchemy"}


@pytest.mark.parametrize(
    ("of", "name"),
    [(app, name) for commands in SECTIONS.values() for name in commands]
    + [(reports_app, name) for name in reports.COMMANDS]
    + [(models_app, name) for name in models.COMMANDS]
    + [(results_app, name) for name in results.COMMANDS],
)
def test_line_in_the_list_begins_the_help_of_the_command(of: typer.Typer, name: str):
    """The list says of a command what its own help says first."""
    deferred = typer.main.get_group(of).commands[name]
    assert isinstance(deferred, Deferred)

    assert " ".join((deferred.loaded().help or "").split()).startswith(deferred.help or "nothing")


def test_help_lists_each_command_whole_in_its_section():
    """A list of forty commands is read by its headings, and no line of it ends in dots."""
    shown = run("--help", COLUMNS="80")

    assert re.findall(r"^([A-Z][\w ]+):$", shown, re.MULTILINE) == ["Options", *SECTIONS]
    for commands in SECTIONS.values():
        for name, (_, line) in commands.items():
            assert f"{name} {line}" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("words", "word", "expected"),
    [("cxr mig", 1, {"migrate"}), ("cxr reports co", 2, {"count"}), ("cxr status --js", 2, {"--json"})],
)
def test_shell_completes_commands_subcommands_and_options(words: str, word: int, expected: set[str]):
    """The shell completes what is deferred as well."""
    shown = run(_CXR_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(word))

    assert set(shown.partition("loaded ")[0].split()) == expected
