"""`cxr train` as a person meets it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from db.engine import Database
from inference import bundle
from inference.backbones import BACKBONES
from inference.errors import InferenceError
from node.__main__ import app
from node.settings import DATABASE_FILE
from tests.testset import write_model
from tests.training.tiny import tiny_row, write_snapshot
from training.errors import TrainingError

SMALL = (
    "--backbone alexnet --width 8 --size 32 --effective-batch 8 --head-epochs 1 --epochs 1 --copies 0 --seed 3 "
    "--decoders 1 --threads 1"
)


@pytest.fixture(autouse=True)
def tiny_backbone(monkeypatch) -> None:
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())


def trained(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *(str(argument) for argument in arguments)])


def test_train_as_json(tmp_path: Path) -> None:
    """Standard output is JSON alone; the bundle lies beside the snapshot, with the name and words asked for."""
    write_snapshot(tmp_path / "s", images=50)
    (tmp_path / "w.toml").write_text("source = 'fifty phantoms'")

    result = trained(tmp_path / "s", *SMALL.split(), "--json", "--name", "phantom", "--words", tmp_path / "w.toml")

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    made = bundle.load(Path(told["bundle"]))
    assert made.path == tmp_path / "s.training" / "model"
    assert (made.card.name, made.card.data.source) == ("phantom", "fifty phantoms")
    assert told["metrics"]["mean_auc"] == made.card.metrics.mean_auc


def test_train_shows_a_table(tmp_path: Path) -> None:
    """A person reads a row a finding, and that the model does not read yet."""
    write_snapshot(tmp_path / "s", images=50)

    result = trained(tmp_path / "s", *SMALL.split(), "--out", tmp_path / "out")

    assert "Effusion" in result.stdout
    assert "when a person promotes it" in result.stderr
    assert result.stdout.endswith(f"Next: cxr models register {tmp_path / 'out' / 'model'}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--backbone", "resnet"], "there is no backbone 'resnet'; there are alexnet"),
        (["--augment", "tilt=3"], "there is no augmentation 'tilt'"),
        (["--effective-batch", "8", "--batch", "3"], "not batches of 3"),
        (["--weights", "planted.pth", "--backbone", "efficientnet-lite0"], "holds no weights that can be read"),
        (["--words", "nowhere.toml"], "cannot be read"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_trained_is_said(tmp_path: Path, monkeypatch, arguments: list[str], sentence: str) -> None:
    """A wrong name, an uneven batch, a planted pickle for weights: one sentence, and no model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted.pth").write_bytes(b"cos\nsystem\n(S'touch planted'\ntR.")
    write_snapshot(tmp_path / "s", images=50)

    result = trained(tmp_path / "s", *SMALL.split(), *arguments)

    assert isinstance(result.exception, TrainingError | InferenceError)
    assert sentence in str(result.exception)
    assert not (tmp_path / "s.training" / "model").exists()
    assert not (tmp_path / "planted").exists()


def test_no_snapshot(tmp_path: Path) -> None:
    """A folder that is no snapshot is refused."""
    result = trained(tmp_path / "s")

    assert isinstance(result.exception, TrainingError)
    assert "no snapshot" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rate", "1e30", "--optimizer", "sgd", "--loss", "euclidean", "--epochs", "3"], "no number"),
        (["--out", "data/models/good"], "is a model's folder"),
    ],
    ids=["diverged", "out"],
)
def test_failed_training_leaves_the_model_that_reads(
    tmp_path: Path, sqlite_database: Database, monkeypatch, arguments: list[str], sentence: str
) -> None:
    """Neither the registry nor a byte of the model's files changes, whatever went wrong and wherever it was to go."""
    sqlite_database.close()
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "cxr.db").rename(data / DATABASE_FILE)
    made = write_model(tmp_path / "made", version="good", skill=1)
    for words in (["register", str(made.path)], ["promote", "good", "--yes"]):
        done = CliRunner().invoke(app, ["models", *words, "--by", "anna", "--data", str(data)])
        assert done.exit_code == 0, done.output
    before = listed(data), files(data)
    monkeypatch.chdir(tmp_path)
    write_snapshot(tmp_path / "s", images=50)

    result = trained(tmp_path / "s", *SMALL.split(), *arguments)

    assert isinstance(result.exception, TrainingError)
    assert sentence in str(result.exception)
    assert (listed(data), files(data)) == before
    assert bundle.load(data / "models" / "good").card == made.card


def files(data: Path) -> dict[Path, bytes]:
    """Every byte of the models."""
    return {path: path.read_bytes() for path in sorted((data / "models").rglob("*")) if path.is_file()}


def listed(data: Path) -> str:
    """The models as a person sees them."""
    return CliRunner().invoke(app, ["models", "list", "--json", "--data", str(data)]).stdout
