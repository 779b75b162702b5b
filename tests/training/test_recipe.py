"""Choices that fit the machine."""

import json

import pytest

from training.errors import TrainingError
from training.recipe import Recipe


@pytest.mark.parametrize(("processes", "batch"), [(1, 16), (2, 10), (4, 10), (8, 10), (16, 5)])
def test_batch_goes_evenly_into_a_step(processes: int, batch: int) -> None:
    """80 images a step are dealt out in the largest batches up to 16."""
    assert Recipe().fitted(processes).batch == batch


@pytest.mark.parametrize(
    ("recipe", "processes"),
    [(Recipe(), 3), (Recipe(batch=32), 1), (Recipe(batch=100), 1), (Recipe(epochs=0, head_epochs=0), 1)],
)
def test_what_cannot_be_dealt_out_is_refused(recipe: Recipe, processes: int) -> None:
    """Three processes, a batch of 32, one larger than the step, or no epoch at all: a sentence."""
    with pytest.raises(TrainingError):
        recipe.fitted(processes)


def test_facts_are_json() -> None:
    """What identifies a training can be written, and the batch is not part of it."""
    facts = json.loads(json.dumps(Recipe(batch=8).facts()))

    assert facts == json.loads(json.dumps(Recipe(batch=4).facts()))
    assert facts["augmentation"]["mirror"] == 0.5
