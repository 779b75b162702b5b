"""`cxr discrepancies` and `cxr agreement`: what the pages show and do."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from db.engine import Database
from node.__main__ import app
from tests.db.test_concordance import N, read, report


@pytest.fixture
def data(sqlite_database: Database, tmp_path: Path) -> Path:
    """The data folder of a node with one difference."""
    with sqlite_database.write() as connection:
        report(connection, "1", read(connection, "2.25.1", {"Effusion": 0.9, "Mass": 0.1}), {"Effusion": N})
    return tmp_path


def cxr(data: Path, *arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, [*arguments, "--data", str(data)])


def parsed(data: Path, *arguments: str) -> Any:
    """Its output as JSON."""
    outcome = cxr(data, *arguments, "--json")
    assert outcome.exit_code == 0, outcome.output
    return json.loads(outcome.stdout)


def test_a_difference_is_listed_and_judged_once(data: Path) -> None:
    """The second verdict is refused in a sentence."""
    listed = cxr(data, "discrepancies", "list", "--finding", "effusion").stdout
    (found,) = parsed(data, "discrepancies", "list")
    words = ("discrepancies", "decide", "2.25.1", "--finding", "effusion", "--right", "model", "--by", "dr.lee")
    said = parsed(data, *words)

    assert "Effusion" in listed
    assert (found["found"]["finding"], found["study_instance_uid"]) == ("Effusion", "2.25.1")
    assert said == {"study_instance_uid": "2.25.1", "finding": "Effusion", "assertion": "positive"}
    assert parsed(data, "discrepancies", "list") == []
    assert "somebody has judged it" in str(cxr(data, *words).exception)


def test_agreement_of_all_and_week_by_week(data: Path) -> None:
    """Readings of long ago are past; without any it says what is needed."""
    every = parsed(data, "agreement")
    weeks = parsed(data, "agreement", "--finding", "Mass")

    assert [each["finding"] for each in every][:3] == ["Atelectasis", "Cardiomegaly", "Effusion"]
    assert [each["left_band"] for each in every] == [False] * 8
    assert [each["finding"] for each in weeks] == ["Mass"]
    assert cxr(data, "agreement", "--view", "AP").stdout.strip().startswith("Nothing to compare yet")
