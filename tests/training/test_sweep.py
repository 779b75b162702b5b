"""Many trainings beside one another, here with models that were written and not trained."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from inference.bundle import Bundle
from tests.testset import rows, write_model, write_snapshot
from training import sweep_figure
from training.errors import DivergedError, TrainingError
from training.occupied import occupied
from training.recipe import Machine, Recipe
from training.sweep import Over, Sweep, points, sweep

RECIPE = Recipe(backbone="alexnet", weights="none", size=64)
SKILL = {"w-cel": 1.0, "cel": -1.0, "hinge": 1.0, "euclidean": 1.0}


class Trainer:
    """Takes the place of training: writes a model that is good or bad, and remembers what it was asked for."""

    def __init__(self, doomed: str = "") -> None:
        self.asked: list[str] = []
        self.doomed = doomed

    def __call__(self, folder: Path, out: Path, recipe: Recipe, machine: Machine, *, name, resume: bool) -> Bundle:
        assert resume
        self.asked.append(out.name)
        if recipe.loss == self.doomed:
            raise DivergedError("the loss is no number any more in step 3")
        made = write_model(out / "model", version=name.version, skill=SKILL[recipe.loss])
        epochs = [{"event": "epoch", "validation_stratified_auc": value} for value in (0.5, 0.7, 0.6)]
        (out / "metrics.jsonl").write_text("\n".join(json.dumps(event) for event in [{"event": "split"}, *epochs]))
        return made


@pytest.fixture
def trainer(monkeypatch) -> Trainer:
    made = Trainer()
    monkeypatch.setattr("training.sweep.train", made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_snapshot(tmp_path, rows(12))
    return tmp_path / "snapshot"


def swept(folder: Path, said: list[str] | None = None, over: Over = "loss", recipe: Recipe = RECIPE) -> Sweep:
    told = [] if said is None else said
    return sweep(folder, folder.parent / "out", over, recipe, Machine(decoders=1), say=told.append)


def test_poolings_of_figure_6() -> None:
    """Average, seven sharpnesses, maximum; nothing else differs, and each has a folder of its own."""
    found = points("pooling", RECIPE)

    kinds = [(point.recipe.pooling, point.recipe.r) for point in found]
    assert kinds == [("average", 10.0), *(("lse", r) for r in (0.1, 0.5, 1, 5, 8, 10, 12)), ("max", 10.0)]
    assert {replace(point.recipe, pooling="lse", r=10.0) for point in found} == {RECIPE}
    assert len({point.folder for point in found}) == len({point.label for point in found}) == 9


def test_losses_of_the_paper() -> None:
    """Four losses."""
    assert [point.recipe.loss for point in points("loss", RECIPE)] == ["hinge", "euclidean", "cel", "w-cel"]


def test_all_are_measured_on_the_same_patients(folder: Path, trainer: Trainer) -> None:
    """A model that says the opposite is worse by 1, with its interval; the best epoch's validation stands beside."""
    found = swept(folder)

    assert (found.images, found.patients, found.positives, found.reference) == (12, 12, (6, 6), "W-CEL")
    by_label = {outcome.label: outcome for outcome in found.outcomes}
    assert by_label["W-CEL"].mean == 1.0
    assert by_label["W-CEL"].difference is None
    assert by_label["CEL"].mean == 0.0
    assert by_label["CEL"].difference is not None
    assert (by_label["CEL"].difference.value, by_label["CEL"].difference.high) == (-1, -1)
    assert by_label["hinge"].validation == 0.7


def test_what_ended_is_not_trained_again(folder: Path, trainer: Trainer, monkeypatch) -> None:
    """Begun again, only the missing point is trained, and no image is read again for the others."""
    doomed = Trainer(doomed="cel")
    monkeypatch.setattr("training.sweep.train", doomed)
    swept(folder)
    (folder.parent / "images" / "0000.png").unlink()
    monkeypatch.setattr("training.sweep.train", trainer)

    said: list[str] = []
    found = swept(folder, said)

    assert doomed.asked == ["hinge", "euclidean", "cel", "w-cel"]
    assert trainer.asked == ["cel"]
    assert said == ["3 of 4: CEL"]
    assert all(outcome.mean is not None for outcome in found.outcomes)


def test_time_left_is_told(folder: Path, trainer: Trainer) -> None:
    """From the second point on, by how long the points before took."""
    said: list[str] = []

    swept(folder, said)

    assert said[0] == "1 of 4: hinge"
    assert said[1] == "2 of 4: Euclidean; about 0 min left"


def test_point_whose_loss_is_no_number_is_left_out(folder: Path, monkeypatch) -> None:
    """The others are trained and compared all the same, and the sentence says which one is missing."""
    monkeypatch.setattr("training.sweep.train", Trainer(doomed="hinge"))
    said: list[str] = []

    found = swept(folder, said)

    assert [outcome.label for outcome in found.outcomes if outcome.model is None] == ["hinge"]
    assert "hinge is left out: the loss is no number any more in step 3" in said


def test_another_sweep_in_the_folder_is_refused(folder: Path, trainer: Trainer) -> None:
    """Points of other choices, or of the other sweep, would not be comparable."""
    swept(folder)

    with pytest.raises(TrainingError, match="begun with another epochs"):
        swept(folder, recipe=replace(RECIPE, epochs=3))
    with pytest.raises(TrainingError, match="begun with another loss, over, pooling, r"):
        swept(folder, over="pooling")
    (folder.parent / "out" / "sweep.json").write_text("[1")
    with pytest.raises(TrainingError, match="not what was written"):
        swept(folder)
    assert len(trainer.asked) == 4


def test_two_sweeps_at_once_are_refused(folder: Path, trainer: Trainer) -> None:
    """The second one says so and trains nothing."""
    with occupied(folder.parent / "out"), pytest.raises(TrainingError, match="another training is at work"):
        swept(folder)

    assert trainer.asked == []


def test_torchrun_is_refused(folder: Path, trainer: Trainer, monkeypatch) -> None:
    """Several processes would each sweep."""
    monkeypatch.setenv("WORLD_SIZE", "2")

    with pytest.raises(TrainingError, match="leave torchrun away"):
        swept(folder)


def test_figure(folder: Path, monkeypatch, tmp_path: Path) -> None:
    """A panel for the mean and one for each finding, the missing point left out; the same numbers, the same bytes."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("training.sweep.train", Trainer(doomed="hinge"))
    found = swept(folder)

    for name in ("one.svg", "two.svg", "one.png"):
        sweep_figure.draw(found, tmp_path / name)

    texts = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "one.svg").read_text("utf-8"))
    assert {"mean", "Effusion (6)", "Mass (6)", "hinge", "W-CEL"} <= set(texts)
    assert any(text.startswith("AUC by loss, with 95 % intervals: 12 test images of 12 patients") for text in texts)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
