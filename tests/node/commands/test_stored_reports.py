"""`cxr reports count`, `list` and `text`, and the reports in `cxr status`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db import migration
from db.engine import connect
from node.__main__ import app
from node.errors import SettingsError
from node.settings import DATABASE_FILE
from tests.db.events import brought, happen, settled
from tests.db.rows import later


def cxr(*arguments: object) -> str:
    """What a command prints; what goes wrong is raised."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def empty(tmp_path: Path, migrated_file: Path) -> Path:
    """The data folder of a node that has received nothing."""
    shutil.copy(migrated_file, tmp_path / DATABASE_FILE)
    return tmp_path


@pytest.fixture
def data(empty: Path) -> Path:
    """The data folder of a node with a study, its two reports, and one that waits."""
    database = connect(f"sqlite:///{empty / DATABASE_FILE}")
    migration.require_current(database)
    events = [
        brought("R1", text="Clear.", version_at=later(60)),
        brought("R2", text="No nodule.", modality="CT", procedure="CT CHEST"),
        brought("R3", text="Effusion.", accession_number="A3"),
        settled(),
    ]
    happen(database, *events)
    database.close()
    return empty


def test_list_shows_studies_or_why_none(data: Path):
    """A line for each report, the last received first."""
    lines = cxr("reports", "list", "--data", data).splitlines()[2:]

    assert [line.split()[0] for line in lines] == ["A3", "A1", "A1"]
    assert "Its study has not arrived yet." in lines[0]
    assert "chest radiograph" in lines[2]
    assert lines[2].rstrip().endswith("2.25.1")
    assert "CT CHEST" in lines[1]


def test_list_of_the_unlinked_for_machines(data: Path):
    """The reason as a code and in words, and no text of a report."""
    (found,) = json.loads(cxr("reports", "list", "--unlinked", "--limit", "5", "--json", "--data", data))

    assert (found["accession_number"], found["unlinked"]) == ("A3", "no_study")
    assert found["sentence"] == "Its study has not arrived yet."
    assert found["study_instance_uids"] == []
    assert "Effusion" not in str(found)


def test_empty_lists_say_so(empty: Path):
    """A sentence, and a list that parses."""
    assert cxr("reports", "list", "--data", empty) == "No report has arrived.\n"
    assert cxr("reports", "list", "--unlinked", "--data", empty) == "No report waits for a study.\n"
    assert json.loads(cxr("reports", "list", "--json", "--data", empty)) == []


def test_text_of_one_report_is_its_text_alone(data: Path):
    """Nothing is added to it."""
    assert cxr("reports", "text", "--accession", "A3", "--data", data) == "Effusion.\n"


def test_text_of_several_reports_tells_them_apart(data: Path):
    """Each under its line, the latest first; for machines the latest, with the others in it."""
    printed = cxr("reports", "text", "--accession", "A1", "--data", data)
    parsed = json.loads(cxr("reports", "text", "--accession", "A1", "--json", "--data", data))

    assert printed.splitlines() == [
        "=== report 1 of 2: CHEST 2 VIEWS (CR), final, 2026-03-14 09:27:53 UTC",
        "Clear.",
        "",
        "=== report 2 of 2: CT CHEST (CT), final, 2026-03-14 09:26:53 UTC",
        "No nodule.",
    ]
    assert (parsed["text"], [each["text"] for each in parsed["others"]]) == ("Clear.", ["No nodule."])


def test_text_of_none_is_a_sentence(data: Path):
    """Without repeating the number."""
    with pytest.raises(SettingsError, match="no report has arrived under this accession number"):
        cxr("reports", "text", "--accession", "A9", "--data", data)


def test_status_counts_linked_and_waiting_reports(data: Path):
    """At a glance, and by reason for machines."""
    printed = cxr("status", "--data", data)

    assert [line.split() for line in printed.splitlines() if "linked" in line] == [
        ["reports,", "linked", "2"],
        ["reports,", "not", "linked", "1"],
    ]
    assert json.loads(cxr("status", "--json", "--data", data))["reports"] == {"linked": 2, "no_study": 1}
