"""A step of the optimizer, by hand and in parts."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from inference.backbones import BACKBONES  # noqa: E402
from inference.card import Preprocessing  # noqa: E402
from inference.network import Network  # noqa: E402
from tests.training.tiny import RECIPE, tiny_row  # noqa: E402
from training.errors import CheckpointError, TrainingError  # noqa: E402
from training.learner import Learner, _rate  # noqa: E402
from training.parallel import Team  # noqa: E402
from training.recipe import Recipe  # noqa: E402

ALONE = Team(rank=0, size=1, device=torch.device("cpu"))
IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 32, 32)).astype(np.uint8))
LABELS = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, float("nan")], [1.0, 1.0]] * 2)


@pytest.fixture(autouse=True)
def tiny_backbone(monkeypatch) -> None:
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())


def learner(recipe: Recipe = RECIPE, width: int = 8) -> Learner:
    torch.manual_seed(0)
    network = Network(backbone="alexnet", weights="imagenet", findings=2, width=width)
    made = Learner(network, recipe, Preprocessing(size=32, mean=0.4, std=0.2), 10, ALONE)
    made.train_parts(upper=True, lower=True)
    return made


def step(one: Learner, *, parts: int = 1) -> float:
    size = len(IMAGES) // parts
    batches = [(IMAGES[n : n + size], LABELS[n : n + size]) for n in range(0, len(IMAGES), size)]
    return one.step(iter(batches), parts, LABELS)


def test_rate_rises_and_falls() -> None:
    """Of ten steps two rise to the peak; then it falls along a cosine, and never to nothing before the end."""
    rates = [_rate(step, 10) for step in range(10)]

    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5)
    assert all(a > b for a, b in pairwise(rates[2:]))
    assert rates[-1] > 0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_batch_in_parts_learns_the_same(optimizer) -> None:
    """Two batches of four are one of eight, but for normalisation, which is at rest here."""
    whole, parted = (learner(replace(RECIPE, optimizer=optimizer)) for _ in range(2))
    for one in (whole, parted):
        one.network.transition.eval()

    losses = [(step(whole), step(parted, parts=2)) for _ in range(3)]

    for expected, found in losses:
        assert found == pytest.approx(expected, abs=1e-5)
    assert losses[2][0] < losses[0][0]


def test_only_the_head_learns_at_first() -> None:
    """With the backbone at rest its weights stay to the bit, and those of the head do not."""
    one = learner()
    one.train_parts(upper=False, lower=False)
    before = {name: tensor.clone() for name, tensor in one.network.state_dict().items()}

    step(one)

    moved = {name.split(".")[0] for name, tensor in one.network.state_dict().items() if not tensor.equal(before[name])}
    assert moved == {"transition", "prediction"}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_restored_learner_goes_on_to_the_bit(optimizer) -> None:
    """One that takes over another's tensors and facts has the same next losses."""
    first, second = (learner(replace(RECIPE, optimizer=optimizer)) for _ in range(2))
    step(first)
    step(first)

    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()}, first.facts())

    assert [step(second), step(second)] == [step(first), step(first)]


def test_checkpoint_of_another_network_is_refused() -> None:
    """Weights of another width do not fit."""
    with pytest.raises(CheckpointError, match="another network"):
        learner(width=4).restore(learner().tensors(), learner().facts())


def test_loss_that_is_no_number_leaves_the_weights() -> None:
    """The step that finds it is not made."""
    one = learner()
    one.network.prediction.bias.data[0] = float("nan")
    before = one.network.transition[0].weight.clone()

    with pytest.raises(TrainingError, match="no number any more in step 1"):
        step(one)

    assert torch.equal(one.network.transition[0].weight, before)
