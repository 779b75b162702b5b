"""`cxr evaluate`, as a person and a machine run it."""

import csv
import json

import pytest
from typer.testing import CliRunner

from node.__main__ import app
from node.errors import SettingsError
from tests.testset import rows, write_model, write_snapshot

run = CliRunner().invoke


@pytest.fixture
def made(tmp_path):
    """A snapshot and a bundle that is not registered anywhere."""
    write_snapshot(tmp_path, rows(8))
    write_model(tmp_path / "model", version="good-1", skill=1)
    return [
        "evaluate",
        str(tmp_path / "model"),
        "--snapshot",
        str(tmp_path / "snapshot"),
        "--data",
        str(tmp_path / "d"),
    ]


def test_table_beside_the_papers(made) -> None:
    """Ours and the paper's rows, the operating points, and that there are no boxes."""
    result = run(app, made)

    assert result.exit_code == 0, result.output
    assert "good-1 on 8 test images of 8 patients" in result.output
    assert "The card of good-1 names no snapshot of this node" in result.output
    assert "0.7362" in result.output  # ResNet-50 on Effusion
    assert "1.000" in result.output
    assert "Operating points: the model's card." in result.output
    assert "mean probability" in result.output
    assert "localization is not measured" in result.output


def test_files(made, tmp_path) -> None:
    """--out has both tables and the picture twice."""
    pytest.importorskip("matplotlib")
    result = run(app, [*made, "--out", str(tmp_path / "out")])

    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"roc.png", "roc.svg", "table3.csv", "table4.csv"}
    with (tmp_path / "out" / "table3.csv").open(encoding="utf-8") as stream:
        assert [float(row["auc"]) for row in csv.DictReader(stream)] == [1.0, 1.0]


def test_json(made) -> None:
    """The same as JSON, for machines."""
    result = run(app, [*made, "--json"])

    found = json.loads(result.stdout)
    assert (found["model"], found["mean"], found["images_with_boxes"]) == ("good-1", 1.0, 0)


def test_one_target_alone(made) -> None:
    """Who names both a sensitivity and a specificity is asked for one."""
    result = run(app, [*made, "--sensitivity", "0.8", "--specificity", "0.8"])

    assert isinstance(result.exception, SettingsError)
    assert "give one of them" in str(result.exception)
