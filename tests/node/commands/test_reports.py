"""`cxr reports label`, `evaluate` and `explain`."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.__main__ import app
from node.errors import SettingsError

pytest.importorskip("spacy", reason="the extra `reports` is not installed")

FINDINGS = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")
REPORTS = [
    {"uid": "1", "findings": "Small left effusion.", "impression": "Cardiomegaly.", "gold": "Effusion Cardiomegaly"},
    {"uid": "2", "findings": "No effusion.", "impression": "Normal chest.", "gold": "Normal"},
    {"uid": "3", "findings": "", "impression": "Possible nodule.", "gold": "Nodule"},
    {"uid": "4", "findings": "Calcified granuloma.", "impression": "", "gold": ""},
]


def run(*arguments: object) -> str:
    """Run a command; what goes wrong is raised."""
    return CliRunner().invoke(app, ["reports", *map(str, arguments)], catch_exceptions=False).output


def write(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Four reports with human labels."""
    names = (*FINDINGS, "Normal")
    rows = [row | {name: int(name in row["gold"].split()) for name in names} for row in REPORTS]
    return write(tmp_path / "gold.csv", ("uid", "findings", "impression", *names), rows)


@pytest.mark.parametrize("workers", [1, 2])
def test_label_writes_a_row_for_each_label(gold: Path, tmp_path: Path, workers: int) -> None:
    """In the order of the reports, however many processes mine; a report without a label has no row."""
    out = tmp_path / "labels.csv"

    printed = run("label", gold, out, "--workers", workers)

    assert out.read_text().splitlines() == ["uid,finding", "1,Cardiomegaly", "1,Effusion", "2,Normal"]
    assert "4 reports" in printed


def test_label_takes_whole_reports(tmp_path: Path) -> None:
    """A column `text` is parted at its headings."""
    source = write(
        tmp_path / "in.csv",
        ("uid", "text"),
        [{"uid": "7", "text": "INDICATION: pneumonia\nIMPRESSION: Left pneumothorax."}],
    )
    out = tmp_path / "out.csv"

    run("label", source, out)

    assert out.read_text().splitlines() == ["uid,finding", "7,Pneumothorax"]


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (("id", "findings"), "columns uid"),
        (("uid", "report"), "columns findings, impression or text"),
        ((), "columns uid, findings, impression or text"),
    ],
)
def test_label_names_the_columns_that_are_missing(tmp_path: Path, columns: tuple[str, ...], missing: str) -> None:
    """One sentence says what the file needs."""
    source = write(tmp_path / "in.csv", columns, [])

    with pytest.raises(SettingsError, match=missing):
        run("label", source, tmp_path / "out.csv")


def test_label_of_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(SettingsError, match=r"nowhere\.csv"):
        run("label", tmp_path / "nowhere.csv", tmp_path / "out.csv")


def test_evaluate_prints_table_2_with_the_printed_rows_beside_ours(gold: Path) -> None:
    """Each finding, the averages, and their intervals."""
    printed = run("evaluate", gold)

    assert "protocol paper: 3 reports, 4 labels; policy coded" in printed
    line = next(line for line in printed.splitlines() if line.startswith("Effusion"))
    assert line.split() == ["Effusion", "0.74/0.90/0.81", "0.93/0.82/0.87", "1.000/1.000/1.000", "0.000-1.000"]
    assert {"micro9", "micro8", "macro9"} <= {line.split()[0] for line in printed.splitlines() if line.split()}


def test_evaluate_by_the_indexed_protocol_counts_reports_without_a_label(gold: Path) -> None:
    """The harder protocol, for machines."""
    report = json.loads(run("evaluate", gold, "--protocol", "indexed", "--json"))

    rows = {row["name"]: row["ours"] for row in report["rows"]}
    assert report["reports"] == 4
    assert (rows["micro9"]["precision"], rows["micro9"]["recall"]) == (1.0, 0.75)


def test_evaluate_needs_the_human_labels(tmp_path: Path) -> None:
    """The sentence names the columns."""
    source = write(tmp_path / "in.csv", ("uid", "findings", "Mass"), [])

    with pytest.raises(SettingsError, match="Atelectasis, Cardiomegaly"):
        run("evaluate", source)


def test_explain_shows_mentions_states_and_rules() -> None:
    """Who doubts a label sees the rule."""
    printed = run("explain", "No change in the left effusion. No pneumothorax.")

    assert "mined: Effusion" in printed
    assert "no-change" in printed


def test_explain_for_machines_has_the_evidence() -> None:
    """All of the provenance, as JSON."""
    mined = json.loads(run("explain", "Heart is normal. Cannot exclude pneumonia.", "--json", "--policy", "strict"))

    (evidence,) = mined["evidence"]
    assert (evidence["assertion"], evidence["rule_id"], evidence["start"]) == ("uncertain", "exclude", 32)
    assert mined["policy"] == "strict"


def test_explain_wants_one_report() -> None:
    """A text or an accession number, not neither."""
    with pytest.raises(SettingsError, match="--accession"):
        run("explain")


def test_a_model_that_is_not_there_is_one_sentence(gold: Path) -> None:
    """It says what to install."""
    with pytest.raises(SettingsError, match=r"no_such_model is not installed"):
        run("evaluate", gold, "--model", "no_such_model")
