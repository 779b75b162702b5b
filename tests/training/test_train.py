"""From a snapshot to a bundle that serves; after a kill; on two processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
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
from inference.errors import BundleError  # noqa: E402
from inference.image import Image  # noqa: E402
from tests.training.tiny import FINDINGS, MACHINE, RECIPE, tiny_row, write_snapshot  # noqa: E402
from training import checkpoint  # noqa: E402
from training.checkpoint import Checkpoint  # noqa: E402
from training.errors import CheckpointError, DivergedError, TrainingError  # noqa: E402
from training.occupied import occupied  # noqa: E402
from training.snapshot import Snapshot, read  # noqa: E402
from training.train import identity, train  # noqa: E402

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def tiny_backbone(monkeypatch) -> None:
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder with the snapshot `s` and, from the first training on, its cache."""
    folder: Path = tmp_path_factory.mktemp("data")
    write_snapshot(folder / "s")
    return folder


@pytest.fixture(scope="module")
def undisturbed(data: Path) -> Path:
    """A training that nothing happened to, in a process of its own."""
    run(data, data / "undisturbed")
    return data / "undisturbed"


def run(
    data: Path, out: Path, *, batch: int = 8, resume: bool = False, last: int | str = 0, processes: int = 1
) -> None:
    """Train in a process of its own, or in several."""
    result = started(data, out, batch=batch, resume=resume, last=last, processes=processes)
    assert result.returncode == (-signal.SIGKILL if isinstance(last, int) and last else 0), result.stderr[-3000:]


def started(
    data: Path, out: Path, *, batch: int = 8, resume: bool = False, last: int | str = 0, processes: int = 1
) -> subprocess.CompletedProcess[str]:
    """How that went."""
    program = ["-m", "tests.training.tiny", str(data / "s"), str(out), str(batch)]
    if processes > 1:
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        program = [*torchrun, *program]
    return subprocess.run(
        [sys.executable, *program, "resume" if resume else "new", str(last)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def events(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def losses(out: Path) -> list[float]:
    return [event["loss"] for event in events(out) if event["event"] == "step"]


def without_time(out: Path) -> list[dict[str, object]]:
    return [{**event, "minutes_left": 0} for event in events(out)]


def test_from_a_snapshot_to_a_serving_model(data: Path, undisturbed: Path) -> None:
    """Each step and epoch is written; the bundle serves, has its weights, and its card names the snapshot."""
    made = bundle.load(undisturbed / "model")
    prediction = Classifier(made)(Image.windowed(np.zeros((100, 80), dtype=np.uint8)))

    kinds = [event["event"] for event in events(undisturbed)]
    assert kinds == ["split", *(["step"] * 3 + ["epoch"]) * 3, "test"]
    assert [event["trained"] for event in events(undisturbed) if event["event"] == "epoch"] == ["head", "all", "all"]
    assert tuple(score.finding for score in prediction.scores) == FINDINGS
    assert made.card.data.snapshot == read(data / "s").sha256
    assert "pairs" in made.card.metrics.localization
    assert "transition.0.weight" in load_file(made.path / "weights.safetensors")
    assert not list(undisturbed.glob("checkpoint*"))


def test_killed_and_resumed_is_the_same_training(data: Path, undisturbed: Path) -> None:
    """After kill -9 in the middle of an epoch the next losses, the metrics and the weights are to the bit the same."""
    out = data / "killed"
    run(data, out, last=5)
    assert losses(out) == losses(undisturbed)[:5]  # the checkpoint is of step 4

    run(data, out, resume=True)

    assert without_time(out) == without_time(undisturbed)
    weights, expected = (load_file(folder / "model" / "weights.safetensors") for folder in (out, undisturbed))
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_two_processes_learn_what_one_does(data: Path, undisturbed: Path) -> None:
    """Two processes with batches of 4 have the losses of one with batches of 8, and the same bundle comes of them.

    The second does not wait while the first measures: here the first begins to measure when the second has ended.
    """
    out = data / "two"

    run(data, out, batch=4, processes=2, last="alone")

    assert losses(out) == pytest.approx(losses(undisturbed), abs=1e-5)
    assert bundle.load(out / "model").card.data == bundle.load(undisturbed / "model").card.data


def test_refusal_of_the_first_process_ends_the_others(data: Path, undisturbed: Path) -> None:
    """If the folder is taken, which the first process alone finds, the second does not wait for it."""
    out = data / "taken"
    with occupied(out):
        result = started(data, out, batch=4, processes=2)

    assert result.returncode == 1
    assert "another training is at work" in result.stderr
    assert not (out / "metrics.jsonl").exists()


def test_second_run_reads_no_image(data: Path, undisturbed: Path, tmp_path) -> None:
    """What was decoded once is enough: without the images another training gives the same, seed for seed."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("s", "s.cache", "images"):
        shutil.copytree(data / name, copy / name)
    shutil.rmtree(copy / "images")

    train(copy / "s", copy / "out", RECIPE, MACHINE)

    assert losses(copy / "out") == losses(undisturbed)


@pytest.mark.parametrize(
    "change",
    [{"optimizer": "sgd", "loss": "hinge", "head_epochs": 0}, {"tune": "upper", "grid": 4, "pooling": "max"}],
    ids=str,
)
def test_every_choice_trains(data: Path, undisturbed: Path, tmp_path, change) -> None:
    """Other choices learn from the same cache and write a bundle that says so."""
    made = train(data / "s", tmp_path / "out", replace(RECIPE, epochs=1, **change), MACHINE)

    assert made is not None
    if "grid" in change:
        assert made.card.architecture.grid == 4
    assert len(losses(tmp_path / "out")) == 3 * (1 + change.get("head_epochs", 1))


def test_patience_ends_a_training(data: Path, undisturbed: Path, tmp_path) -> None:
    """With a learning rate of nothing there is soon nothing better, and two more epochs are waited for."""
    recipe = replace(RECIPE, rate=0.0, average=0.0, head_epochs=1, epochs=9, patience=2, tune="upper")

    train(data / "s", tmp_path / "out", recipe, MACHINE)

    fair = [event["validation_stratified_auc"] for event in events(tmp_path / "out") if event["event"] == "epoch"]
    assert len(fair) < 10
    assert max(fair) == max(fair[:-2])


def test_loss_that_is_no_number_stops_in_words(data: Path, undisturbed: Path, tmp_path) -> None:
    """A rate far too high ends with a sentence, without a bundle, and the last checkpoint stays."""
    recipe = replace(RECIPE, rate=1e30, optimizer="sgd", loss="euclidean", weight_decay=1e30, epochs=3)

    with pytest.raises(TrainingError, match="no number any more in step"):
        train(data / "s", tmp_path / "out", recipe, replace(MACHINE, checkpoint_steps=1))

    assert not (tmp_path / "out" / "model").exists()


def test_last_step_that_spoils_the_weights_stops_in_words(data: Path, undisturbed: Path, tmp_path) -> None:
    """The loss of the only step is a number, and what it makes of the weights is not: no bundle comes of it."""
    recipe = replace(RECIPE, rate=1e38, optimizer="sgd", effective_batch=48, epochs=0, average=0.0)

    with pytest.raises(DivergedError, match="no number any more after step 1"):
        train(data / "s", tmp_path / "out", recipe, MACHINE)

    assert len(losses(tmp_path / "out")) == 1
    assert not (tmp_path / "out" / "model").exists()


def test_full_disk_at_the_end_stops_in_words(data: Path, undisturbed: Path, tmp_path, monkeypatch) -> None:
    """A bundle that finds no room is not there, nor a part of it; with room, --resume goes on and measures alone.

    What a kill left of a bundle is in nobody's way.
    """
    out = tmp_path / "out"
    (out / ".model.killed.part").mkdir(parents=True)
    (out / ".model.killed.part" / "card.json").write_text('{"name": "half')

    def full(_path: Path, _source: object) -> None:
        raise OSError(28, "No space left on device", "model.onnx")

    with monkeypatch.context() as patch:
        patch.setattr("inference.bundle.write_durably", full)
        with pytest.raises(TrainingError, match=r"the disk is full; make room for model\.onnx"):
            train(data / "s", out, RECIPE, MACHINE)
    assert sorted(path.name for path in out.glob("*model*")) == [".model.killed.part"]

    train(data / "s", out, RECIPE, MACHINE, resume=True)

    assert losses(out) == losses(undisturbed)
    assert bundle.load(out / "model").card.data == bundle.load(undisturbed / "model").card.data


def test_full_disk_stops_in_words(data: Path, undisturbed: Path, tmp_path, monkeypatch) -> None:
    """A checkpoint that finds no room ends with a sentence, and the one before is whole."""
    out, written = tmp_path / "out", []

    def fsync(_descriptor: int) -> None:
        written.append(1)
        if len(written) > 6:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.checkpoint.os.fsync", fsync)
    with pytest.raises(TrainingError, match="the disk is full"):
        train(data / "s", out, RECIPE, MACHINE)
    monkeypatch.undo()
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())

    train(data / "s", out, RECIPE, MACHINE, resume=True)

    assert losses(out) == losses(undisturbed)


def test_folder_of_another_training_is_refused(data: Path, undisturbed: Path, tmp_path) -> None:
    """Neither a finished training nor one of other choices is overwritten or gone on with."""
    with pytest.raises(TrainingError, match="has ended"):
        train(data / "s", undisturbed, RECIPE, MACHINE, resume=True)
    (tmp_path / "out").mkdir()
    begun = {"training": identity(read(data / "s"), RECIPE)}
    checkpoint.write(tmp_path / "out", Checkpoint(tensors={}, facts=begun), "0-1")

    with pytest.raises(TrainingError, match="go on with it by --resume"):
        train(data / "s", tmp_path / "out", RECIPE, MACHINE)
    with pytest.raises(CheckpointError, match="another loss, seed"):
        train(data / "s", tmp_path / "out", replace(RECIPE, seed=4, loss="cel"), MACHINE, resume=True)


def test_half_a_bundle_is_never_loaded(undisturbed: Path, tmp_path) -> None:
    """A bundle whose weights were cut short is refused."""
    shutil.copytree(undisturbed / "model", tmp_path / "model")
    weights = tmp_path / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])

    with pytest.raises(BundleError, match="SHA-256"):
        bundle.load(tmp_path / "model")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here")
def test_cuda_learns_about_the_same(data: Path, undisturbed: Path, tmp_path) -> None:
    """Mixed precision on CUDA begins with about the losses of the processor."""
    train(data / "s", tmp_path / "out", RECIPE, MACHINE)

    assert losses(tmp_path / "out")[:3] == pytest.approx(losses(undisturbed)[:3], abs=0.05)


def test_snapshot_is_left_as_it_was(data: Path, undisturbed: Path) -> None:
    """Training writes beside the snapshot, not into it."""
    there: Snapshot = read(data / "s")

    assert sorted(path.name for path in (data / "s").iterdir()) == ["manifest.csv", "snapshot.json"]
    assert len(there.items) == 100
