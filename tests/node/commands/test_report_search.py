"""`cxr reports search`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db import standing
from db.engine import connect
from node.__main__ import app
from node.errors import SettingsError
from tests.db.label_rows import fill


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Path:
    """A node with the store that was counted by hand."""
    made = tmp_path_factory.mktemp("node")
    database = connect(f"sqlite:///{shutil.copy(migrated_file, made / 'cxr.db')}")
    with database.write() as connection:
        ids = fill(connection)
        standing.refresh(connection, list(range(1, ids["r9"] + 1)))
    database.close()
    return made


def searched(folder: Path, *options: str) -> str:
    """What it prints."""
    arguments = ["reports", "search", "--data", str(folder), *options]
    return CliRunner().invoke(app, arguments, catch_exceptions=False).stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--finding", "effusion"], ["A4", "A1"]),
        (["--finding", "Nodule", "--state", "uncertain"], ["A5"]),
        (["--finding", "Normal"], ["A2"]),
        (["--accession", "A7"], ["A7"]),
        (["--patient", "P1", "--limit", "2"], ["A3", "A2"]),
        (["--word", "SECRET", "--word", "text", "--finding", "Edema"], ["A9"]),
        (["--word", "public"], []),
        (["--until", "2000-01-01"], []),
    ],
    ids=str,
)
def test_it_finds_what_the_page_finds(folder: Path, options: list[str], expected: list[str]):
    """As records."""
    assert [each["accession_number"] for each in json.loads(searched(folder, *options, "--json"))] == expected


def test_it_says_what_each_report_says(folder: Path):
    """For a person: what people corrected in the place of what was mined."""
    assert "Effusion positive" in searched(folder, "--accession", "A4")
    assert "no labels" in searched(folder, "--accession", "A7")
    assert "No report fits." in searched(folder, "--accession", "A0")


def test_what_no_report_says_is_not_searched_for(folder: Path):
    """One plain sentence."""
    with pytest.raises(SettingsError, match="give another --state"):
        searched(folder, "--finding", "Mass", "--state", "unmentioned")
