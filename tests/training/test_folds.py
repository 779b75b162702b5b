"""A model of several members, each of which has not seen one part of the patients."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from safetensors.torch import load_file  # noqa: E402

from inference import bundle  # noqa: E402
from inference.backbones import BACKBONES  # noqa: E402
from inference.classifier import Classifier  # noqa: E402
from inference.image import Image  # noqa: E402
from tests.training.tiny import FINDINGS, MACHINE, RECIPE, tiny_row, write_snapshot  # noqa: E402
from training.errors import CheckpointError, TrainingError  # noqa: E402
from training.folds import dealt, held_out, train_folds  # noqa: E402
from training.snapshot import Snapshot, Split, read  # noqa: E402
from training.train import learnt  # noqa: E402

SHORT = replace(RECIPE, epochs=1, tune="upper")


@pytest.fixture(autouse=True)
def tiny_backbone(monkeypatch) -> None:
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("folds")
    write_snapshot(folder / "s")
    return folder


@pytest.fixture(scope="module")
def snapshot(data: Path) -> Snapshot:
    return read(data / "s")


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    """A training of three members that nothing happened to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "alexnet", tiny_row())
        train_folds(data / "s", data / "whole", SHORT, MACHINE, 3)
    return data / "whole"


def served(out: Path) -> Classifier:
    return Classifier(bundle.load(out / "model"), threads=1)


def test_folds_are_of_whole_patients(snapshot: Snapshot) -> None:
    """Each patient but those of the test is in one fold, all images of a patient in the same."""
    folds = dealt(snapshot.items, 3, seed=0)

    learning = {item.patient for item in snapshot.items if item.split is not Split.TEST}
    assert set().union(*folds) == learning
    assert sum(map(len, folds)) == len(learning)
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    assert folds == dealt(snapshot.items, 3, seed=0)
    assert folds != dealt(snapshot.items, 3, seed=1)


def test_folds_have_some_of_every_finding(snapshot: Snapshot) -> None:
    """Patients with the rarest finding are dealt out evenly."""
    rarest = int(np.argmin(np.nansum([item.labels for item in snapshot.items], axis=0)))
    with_it = {item.patient for item in snapshot.items if item.labels[rarest] == 1 and item.split is not Split.TEST}

    counts = [len(with_it & fold) for fold in dealt(snapshot.items, 4, seed=0)]

    assert max(counts) - min(counts) <= 1


def test_test_patients_stay_what_they_are(snapshot: Snapshot) -> None:
    """A fold moves patients between training and validation, and none to or from the test."""
    held = dealt(snapshot.items, 3, seed=0)[1]

    part = held_out(snapshot, held)

    pairs = list(zip(snapshot.items, part.items, strict=True))
    assert all((before.split is Split.TEST) == (after.split is Split.TEST) for before, after in pairs)
    assert {item.patient for item in part.items if item.split is Split.VALIDATION} == held


@pytest.mark.parametrize("count", [1, 1000])
def test_folds_that_cannot_be_dealt_are_refused(snapshot: Snapshot, count: int) -> None:
    """One fold leaves nobody to learn from; more folds than patients leave some empty."""
    with pytest.raises(TrainingError, match="--folds"):
        dealt(snapshot.items, count, seed=0)


def test_members_answer_as_one(whole: Path) -> None:
    """The bundle serves, and its card says that it has three members and what they reach out of fold."""
    made = served(whole)

    assert made.card.architecture.members == 3
    assert made.card.data.train == made.card.data.validation
    assert "by folds" in made.card.data.split
    assert made.card.metrics.out_of_fold["all"] > 0.6
    prediction = made(Image.windowed(np.zeros((64, 64), dtype=np.uint8)))
    assert [score.finding for score in prediction.scores] == list(FINDINGS)


def test_members_begin_alike_and_learn_from_others(whole: Path) -> None:
    """The frozen lower part is the same in all members, the rest differs."""
    states = [load_file(whole / f"fold-{number}" / "weights.safetensors") for number in (1, 2, 3)]

    assert torch.equal(states[0]["backbone.lower.0.weight"], states[1]["backbone.lower.0.weight"])
    assert not torch.equal(states[0]["prediction.weight"], states[1]["prediction.weight"])


def test_stopped_training_goes_on_with_the_next_fold(data: Path, whole: Path, monkeypatch) -> None:
    """A member that is done is not trained again, and the others become what they would have been."""
    out, asked = data / "stopped", []

    def stopped(*arguments: object, **named: object) -> object:
        asked.append(named["fold"])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return learnt(*arguments, **named)

    monkeypatch.setattr("training.folds.learnt", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_folds(data / "s", out, SHORT, MACHINE, 3)
    train_folds(data / "s", out, SHORT, MACHINE, 3, resume=True)

    assert asked == ["1 of 3", "2 of 3", "2 of 3", "3 of 3"]
    mine, theirs = (load_file(folder / "model" / "weights.safetensors") for folder in (out, whole))
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())


def test_folder_of_another_training_is_refused(data: Path, whole: Path, tmp_path: Path) -> None:
    """A finished training is not overwritten, and one of other choices not gone on with."""
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "folds.json").write_text(json.dumps({"folds": 4}))

    with pytest.raises(TrainingError, match="has ended"):
        train_folds(data / "s", whole, SHORT, MACHINE, 3, resume=True)
    with pytest.raises(TrainingError, match="go on with it by --resume"):
        train_folds(data / "s", tmp_path / "begun", SHORT, MACHINE, 3)
    with pytest.raises(CheckpointError, match="other choices"):
        train_folds(data / "s", tmp_path / "begun", SHORT, MACHINE, 3, resume=True)
