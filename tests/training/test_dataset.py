"""Strata, how often images are drawn, and batches made ahead."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.dataset import ahead, balanced_weights, drawn, labels_of, of_split, strata
from training.snapshot import Item, Split

ITEM = Item(
    image="0.png",
    sha256="0",
    instance_id=None,
    study_id=None,
    patient="0",
    view="PA",
    source="a",
    split=Split.TRAIN,
    labels=(1.0, float("nan")),
    provenance="published",
    after_result=False,
)


def items(*views: str, source: str = "a") -> list[Item]:
    return [replace(ITEM, image=f"{source}{number}.png", view=view, source=source) for number, view in enumerate(views)]


def test_split_and_labels() -> None:
    """Items of one split in their order; an uncertain label stays unknown."""
    table = [ITEM, replace(ITEM, split=Split.TEST), replace(ITEM, labels=(0.0, 1.0))]

    train = of_split(table, Split.TRAIN)

    np.testing.assert_array_equal(labels_of(train), np.array([[1, np.nan], [0, 1]], dtype=np.float32))


def test_small_sources_are_one_stratum() -> None:
    """A source of 80 images stands for itself, one of 79 is among the others; views are apart."""
    large, small = items(*["PA"] * 79, "AP"), items(*["PA"] * 79, source="b")

    names = strata([*large, *small])

    assert (names["a0.png"], names["a79.png"], names["b0.png"]) == ("a PA", "a AP", "others PA")


def test_balanced_weights_by_hand() -> None:
    """Four images of one view and one of the other: by square roots 1/2 each against 1; alike; or each view half."""
    table = items("PA", "AP", "AP", "AP", "AP")

    assert balanced_weights(table, 0.5) == pytest.approx(np.array([2, 1, 1, 1, 1]) / 6)
    assert balanced_weights(table, 0) == pytest.approx(np.full(5, 0.2))
    assert balanced_weights(table, 1) == pytest.approx(np.array([4, 1, 1, 1, 1]) / 8)


def test_drawn_is_a_matter_of_seed_and_epoch() -> None:
    """The same epoch is drawn the same again, another is not; fewer images than a step still make one."""
    weights = np.full(100, 0.01)

    first = drawn(weights, 30, seed=1, epoch=2)

    assert first.shape == (3, 30)
    np.testing.assert_array_equal(first, drawn(weights, 30, seed=1, epoch=2))
    assert not np.array_equal(first, drawn(weights, 30, seed=1, epoch=3))
    assert drawn(weights, 200, seed=1, epoch=0).shape == (1, 200)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_ahead_keeps_the_order(jobs, threads) -> None:
    """Whatever the number of threads, things come in the order asked for, and all of them."""
    assert list(ahead(lambda job: job + 1, jobs, threads)) == [job + 1 for job in jobs]


def test_ahead_is_ahead_and_stops() -> None:
    """Some are made before they are asked for, no more than that, and none after the last was taken."""
    made, third = [], threading.Event()

    def make(job: int) -> int:
        made.append(job)
        if job == 2:
            third.set()
        return job

    things = ahead(make, range(100), 1)
    assert next(things) == 0
    assert third.wait(60)
    things.close()

    assert len(made) <= 3


def test_what_goes_wrong_on_a_thread_is_raised() -> None:
    """A batch that cannot be made ends the training, not only its thread."""
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda job: 1 / job, [1, 0, 1], 2))
