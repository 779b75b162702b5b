"""What a training keeps is whole, or refused."""

import json
import pickle

import pytest

torch = pytest.importorskip("torch")

from training import checkpoint  # noqa: E402
from training.checkpoint import POINTER, Checkpoint  # noqa: E402
from training.errors import CheckpointError  # noqa: E402


def some(number: float) -> Checkpoint:
    return Checkpoint(tensors={"w": torch.full((2, 3), number)}, facts={"loss": number / 3})


def test_last_one_is_read_back_to_the_bit(tmp_path) -> None:
    """The newest stays, its tensors and numbers as they were, and the old one is gone."""
    checkpoint.write(tmp_path, some(1), "0-1")
    checkpoint.write(tmp_path, some(2), "0-2")

    kept = checkpoint.read(tmp_path)

    assert kept is not None
    assert torch.equal(kept.tensors["w"], some(2).tensors["w"])
    assert kept.facts == {"loss": 2 / 3}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-0-2.safetensors", POINTER]


def test_no_checkpoint(tmp_path) -> None:
    """A folder without one says so; one that ended has none."""
    assert checkpoint.read(tmp_path) is None
    checkpoint.write(tmp_path, some(1), "0-1")

    checkpoint.forget(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_whatever_is_stopped_leaves_a_whole_one(tmp_path, monkeypatch, step) -> None:
    """Stopped at any of its synchronisations, a write leaves the checkpoint before or itself."""
    checkpoint.write(tmp_path, some(1), "0-1")
    calls = []

    def fsync(_descriptor: int) -> None:
        calls.append(1)
        if len(calls) == step:
            raise KeyboardInterrupt

    monkeypatch.setattr("training.checkpoint.os.fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(tmp_path, some(2), "0-2")

    kept = checkpoint.read(tmp_path)

    assert kept is not None
    assert kept.facts["loss"] == (2 if step == 4 else 1) / 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "checkpoint-0-1.safetensors").write_bytes(b"x"),
        lambda folder: (folder / "checkpoint-0-1.safetensors").write_bytes(pickle.dumps({"w": 1})),
        lambda folder: (folder / "checkpoint-0-1.safetensors").unlink(),
        lambda folder: (folder / POINTER).write_text("{"),
        lambda folder: (folder / POINTER).write_text(json.dumps({"file": "../other", "sha256": "0", "facts": {}})),
    ],
    ids=["altered", "pickle", "gone", "half", "elsewhere"],
)
def test_spoiled_one_is_refused(tmp_path, spoil) -> None:
    """Altered, replaced by a pickle, gone or half-written: nothing of it is loaded."""
    checkpoint.write(tmp_path, some(1), "0-1")
    spoil(tmp_path)

    with pytest.raises(CheckpointError, match="not what was written"):
        checkpoint.read(tmp_path)


def test_random_state_goes_on() -> None:
    """What is drawn after a restore is what would have been drawn."""
    state = checkpoint.random_state()
    expected = torch.rand(3)

    checkpoint.restore_random_state(state)

    assert torch.equal(torch.rand(3), expected)
