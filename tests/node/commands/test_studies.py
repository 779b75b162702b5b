"""`cxr studies` and its filters, which are those of the console's page."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from db import positives, worklist
from db.engine import Database
from db.result_records import DeliveryState
from node.__main__ import app
from tests.db.test_worklist import arrived, read


def cxr(data: Path, *arguments: str) -> Any:
    """Run the command on a folder."""
    return CliRunner().invoke(app, ["studies", "--data", str(data), *arguments])


@pytest.fixture
def data(sqlite_database: Database, tmp_path: Path) -> Path:
    """The data folder of a node with three studies, one of them read and sent."""
    _fill(sqlite_database)
    return tmp_path


def _fill(database: Database) -> None:
    with database.write() as connection:
        one = arrived(connection, 1, patient_id="P1")
        arrived(connection, 2, calling_ae="DX2", patient_id="P2")
        arrived(connection, 3, patient_name="SMITH^ADA", patient_id="P3")
        read(connection, one, DeliveryState.SENT)
        positives.replace(connection, one, {"Mass": 0.81, "Pneumothorax": 0.6})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["A3", "A2", "A1"]),
        (["--limit", "2"], ["A3", "A2"]),
        (["--state", "sent"], ["A1"]),
        (["--finding", "Mass"], ["A1"]),
        (["--ae", "DX2"], ["A2"]),
        (["--accession", "A3"], ["A3"]),
        (["--patient", "smi"], ["A3"]),
        (["--from", "2026-03-14", "--to", "2026-03-14"], ["A3", "A2", "A1"]),
        (["--to", "2026-03-12"], []),
    ],
    ids=str,
)
def test_each_filter_finds_its_studies(data: Path, options: list[str], expected: list[str]) -> None:
    """As on the page."""
    found = json.loads(cxr(data, *options, "--json").stdout)

    assert [each["accession_number"] for each in found] == expected


def test_a_study_has_its_own_fields_and_what_the_list_says(data: Path) -> None:
    """For machines: all in one object."""
    (found,) = json.loads(cxr(data, "--accession", "A1", "--json").stdout)

    assert (found["state"], found["progress"], found["reason"]) == ("read", "sent", None)
    assert found["findings"] == {"Pneumothorax": 0.6, "Mass": 0.81}
    assert found["calling_ae"] == "MODALITY"


def test_a_person_reads_a_table(data: Path) -> None:
    """With findings and their probabilities; nothing found is said."""
    assert "Pneumothorax 0.60, Mass 0.81" in cxr(data).stdout
    assert cxr(data, "--patient", "nobody").stdout.strip() == "No study fits."


def test_it_looks_on_until_there_are_enough(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a page looks at so many and finds none."""
    monkeypatch.setattr(worklist, "WINDOW", 1)

    assert [each["accession_number"] for each in json.loads(cxr(data, "--state", "sent", "--json").stdout)] == ["A1"]


def test_what_cannot_be_asked_for_is_one_plain_sentence(data: Path) -> None:
    """As everywhere."""
    assert "there is no such state; there are arriving" in str(cxr(data, "--state", "gone").exception)
    assert "from is a day like 2026-03-14" in str(cxr(data, "--from", "14.3.").exception)
