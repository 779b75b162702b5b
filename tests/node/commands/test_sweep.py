"""`cxr sweep` as a person and a machine meet it, with trainings of seconds."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("matplotlib")

from inference import bundle
from inference.backbones import BACKBONES
from node.__main__ import app
from node.errors import SettingsError
from tests.training.tiny import tiny_row, write_snapshot

SMALL = (
    "--over loss --backbone alexnet --width 8 --size 32 --effective-batch 8 --head-epochs 1 --epochs 0 --copies 0 "
    "--decoders 1 --threads 1 --seed 3"
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *(str(argument) for argument in arguments)])


def test_losses_beside_one_another(tmp_path: Path, monkeypatch) -> None:
    """Four bundles that say their loss, a table, a figure; features are made once, and nothing is trained twice."""
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())
    write_snapshot(tmp_path / "s", images=50)
    out = tmp_path / "s.sweep-loss"

    first = run(tmp_path / "s", *SMALL.split())
    again = run(tmp_path / "s", *SMALL.split(), "--json")

    assert first.exit_code == 0, first.output
    assert "mean within source, view" in first.stdout
    assert "paper W-CEL" in first.stdout
    assert "0.736" in first.stdout  # the paper's, Effusion
    assert "2 of 4: Euclidean; about" in first.stderr
    assert {"sweep.png", "sweep.svg", "sweep.csv"} <= {path.name for path in out.iterdir()}
    with (out / "sweep.csv").open(encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == 4 * 2
    assert bundle.load(out / "cel" / "model").card.architecture.loss == "CEL (cross entropy)"
    assert 0 < len(list((tmp_path / "s.cache").glob("features-*"))) < 4  # fewer than one a training
    assert again.exit_code == 0, again.output
    assert "of 4:" not in again.stderr
    told = json.loads(again.stdout)
    assert [outcome["label"] for outcome in told["outcomes"]] == ["hinge", "Euclidean", "CEL", "W-CEL"]


def test_figure_needs_its_library(tmp_path: Path, monkeypatch) -> None:
    """It is said before anything is trained."""
    monkeypatch.setattr("node.commands.sweep.find_spec", lambda _name: None)

    result = run(tmp_path / "s", "--over", "pooling")

    assert isinstance(result.exception, SettingsError)
    assert "pip install 'cxr-node[plots]'" in str(result.exception)
