"""The difference of two mean AUCs on the same patients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.paired import Ranking, mean_difference
from training.roc import auc


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, float("nan")]), st.integers(-3, 3), st.integers(0, 3)),
        min_size=1,
        max_size=30,
    )
)
def test_weighted_auc_is_that_of_the_repeated_images(images) -> None:
    """An image that is drawn three times counts as three images; one without a label counts as none."""
    labels, scores, times = (np.array(column, dtype=float) for column in zip(*images, strict=True))
    counts = times.astype(int)
    known = ~np.isnan(labels)
    repeated = np.repeat(labels[known], counts[known]).astype(int), np.repeat(scores[known], counts[known])

    (weighted,) = Ranking(labels, scores).auc(counts[:, None])

    expected = auc(*repeated)
    if expected is None:
        assert np.isnan(weighted)
    else:
        assert weighted == pytest.approx(expected.value)


def test_mean_difference_by_hand() -> None:
    """One finding goes from .5 to 1, the other stays at 1: the mean rises by .25."""
    labels = np.array([[1, 1], [1, 1], [0, 0], [0, 0]], dtype=float)
    first = np.array([[1, 2], [0, 2], [1, 1], [0, 1]], dtype=float)
    second = np.array([[2, 2], [2, 2], [1, 1], [0, 1]], dtype=float)

    found = mean_difference(labels, first, second, ["a", "b", "c", "d"])

    assert found.value == pytest.approx(0.25)
    assert 0 <= found.low <= found.value <= found.high <= 0.5


def test_same_scores_differ_by_nothing() -> None:
    """A model beside itself has a difference of 0, with no doubt about it."""
    generator = np.random.default_rng(1)
    labels, scores = generator.integers(0, 2, (60, 3)).astype(float), generator.normal(size=(60, 3))

    found = mean_difference(labels, scores, scores, [str(number // 2) for number in range(60)])

    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_images_of_one_patient_are_not_independent() -> None:
    """The same images of fewer patients say less: the interval is wider."""
    generator = np.random.default_rng(2)
    few = (
        generator.integers(0, 2, (20, 1)).astype(float),
        generator.normal(size=(20, 1)),
        generator.normal(size=(20, 1)),
    )
    labels, first, second = (np.repeat(values, 8, axis=0) for values in few)

    by_patient = mean_difference(labels, first, second, [str(number // 8) for number in range(160)])
    by_image = mean_difference(labels, first, second, [str(number) for number in range(160)])

    assert by_patient.high - by_patient.low > 2 * (by_image.high - by_image.low)


def test_same_seed_gives_the_same_interval() -> None:
    """A comparison shown twice shows the same numbers."""
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 2, (40, 2)).astype(float)
    first, second = generator.normal(size=(2, 40, 2))
    patients = [str(number) for number in range(40)]

    assert mean_difference(labels, first, second, patients) == mean_difference(labels, first, second, patients)
