"""Operating points, calibration and means, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate import (
    mean_auc,
    platt,
    proportion,
    sensitivity,
    specificity,
    threshold,
)
from training.target import Target

LABELS = np.array([1, 1, 0, 0, 0])
SCORES = np.array([0.9, 0.4, 0.4, 0.3, 0.1])


def test_mean_auc_leaves_out_findings_that_cannot_be_told() -> None:
    """A finding nobody has does not count."""
    labels = np.stack([LABELS, np.zeros(5, dtype=int)], axis=1)

    assert mean_auc(labels, np.stack([SCORES, SCORES], axis=1)) == pytest.approx(5.5 / 6)


def test_wilson_interval() -> None:
    """8 of 10: [0.490, 0.943]."""
    result = proportion(8, 10)

    assert (round(result.low, 3), round(result.high, 3)) == (0.490, 0.943)


TEN_AND_TWO = np.array([0] * 10 + [1] * 2)
TWELVE = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.85, 0.2])


def test_threshold_for_a_specificity() -> None:
    """Of ten negatives one may be called present, so the threshold is just above the second highest."""
    level = threshold(TEN_AND_TWO, TWELVE, Target(measure="specificity", value=0.9))

    assert level == 0.8001
    assert specificity(TEN_AND_TWO, TWELVE, level).value == pytest.approx(0.9)
    assert sensitivity(TEN_AND_TWO, TWELVE, level).value == pytest.approx(0.5)


@pytest.mark.parametrize(("wanted", "level"), [(0.5, 0.85), (0.51, 0.2), (1.0, 0.2)])
def test_threshold_for_a_sensitivity(wanted: float, level: float) -> None:
    """Half of two positives is the upper one; anything above half needs both."""
    assert threshold(TEN_AND_TWO, TWELVE, Target(measure="sensitivity", value=wanted)) == level


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 0.9999)), min_size=1, max_size=30),
    st.sampled_from(["sensitivity", "specificity"]),
    st.floats(0.01, 0.999),
)
def test_target_is_kept(images: list[tuple[bool, float]], measure: str, value: float) -> None:
    """Whatever the probabilities, ties included, the chosen point reaches its target where it was chosen."""
    labels = np.array([1, 0, *(int(present) for present, _ in images)])
    probabilities = np.array([0.5, 0.5, *(probability for _, probability in images)])

    level = threshold(labels, probabilities, Target(measure=measure, value=value))

    reached = {"sensitivity": sensitivity, "specificity": specificity}[measure](labels, probabilities, level)
    assert reached.value >= value - 1e-9
    assert 0 <= level <= 1


@pytest.mark.parametrize(("value", "said"), [(0.9, "sensitivity 0.90"), (0.975, "sensitivity 0.975")])
def test_target_as_the_card_has_it(value: float, said: str) -> None:
    """Two decimals, or as many as it has."""
    assert str(Target(measure="sensitivity", value=value)) == said


def test_platt_finds_the_true_scale() -> None:
    """Labels drawn with probability sigmoid(0.5 x - 2) give back about 0.5 and -2."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, 4000)
    labels = (generator.random(4000) < 1 / (1 + np.exp(-(0.5 * logits - 2)))).astype(int)

    scale, offset = platt(labels, logits)

    assert scale == pytest.approx(0.5, abs=0.05)
    assert offset == pytest.approx(-2, abs=0.15)
