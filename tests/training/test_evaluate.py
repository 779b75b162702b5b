"""AUC, intervals, operating points and calibration, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate import (
    auc,
    mean_auc,
    platt,
    proportion,
    sensitivity,
    specificity,
    stratified_auc,
    threshold_for_specificity,
)

LABELS = np.array([1, 1, 0, 0, 0])
SCORES = np.array([0.9, 0.4, 0.4, 0.3, 0.1])


def test_auc_by_hand() -> None:
    """Of six pairs five are won and one is tied: 5.5 / 6; DeLong's variance by its components."""
    result = auc(LABELS, SCORES)

    assert result is not None
    assert result.value == pytest.approx(5.5 / 6)
    variance = np.var([1, 2.5 / 3], ddof=1) / 2 + np.var([0.75, 1, 1], ddof=1) / 3
    assert result.low == pytest.approx(5.5 / 6 - 1.96 * variance**0.5)
    assert result.high == 1.0


def test_auc_of_one_kind_is_none() -> None:
    """Without negatives there is nothing to tell apart."""
    assert auc(np.ones(3, dtype=int), np.arange(3.0)) is None


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=2, max_size=40))
def test_auc_depends_on_the_order_only(pairs) -> None:
    """Any rising function of the scores has the same AUC; the negated scores have its complement."""
    labels, scores = np.array([y for y, _ in pairs]), np.array([float(s) for _, s in pairs])
    result = auc(labels, scores)
    if result is None:
        return

    rising, falling = auc(labels, np.exp(scores) + 3), auc(labels, -scores)

    assert rising is not None
    assert falling is not None
    assert rising.value == pytest.approx(result.value)
    assert falling.value == pytest.approx(1 - result.value)


def test_stratified_auc_earns_nothing_from_the_stratum() -> None:
    """A score that only knows the collection has a high AUC and a stratified one of one half."""
    strata = ["a"] * 10 + ["b"] * 10
    labels = np.array([1] * 8 + [0] * 2 + [1] * 2 + [0] * 8)
    scores = np.array([1.0] * 10 + [0.0] * 10)

    plain = auc(labels, scores)

    assert plain is not None
    assert plain.value == pytest.approx(0.8)
    assert stratified_auc(labels, scores, strata) == pytest.approx(0.5)


def test_mean_auc_leaves_out_findings_that_cannot_be_told() -> None:
    """A finding nobody has does not count."""
    labels = np.stack([LABELS, np.zeros(5, dtype=int)], axis=1)

    assert mean_auc(labels, np.stack([SCORES, SCORES], axis=1)) == pytest.approx(5.5 / 6)


def test_wilson_interval() -> None:
    """8 of 10: [0.490, 0.943]."""
    result = proportion(8, 10)

    assert (round(result.low, 3), round(result.high, 3)) == (0.490, 0.943)


def test_threshold_for_specificity() -> None:
    """Of ten negatives one may be called present, so the threshold is just above the second highest."""
    labels = np.array([0] * 10 + [1] * 2)
    scores = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.85, 0.2])

    threshold = threshold_for_specificity(labels, scores, 0.9)

    assert 0.8 < threshold < 0.8001
    assert specificity(labels, scores, threshold).value == pytest.approx(0.9)
    assert sensitivity(labels, scores, threshold).value == pytest.approx(0.5)


def test_platt_finds_the_true_scale() -> None:
    """Labels drawn with probability sigmoid(0.5 x - 2) give back about 0.5 and -2."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, 4000)
    labels = (generator.random(4000) < 1 / (1 + np.exp(-(0.5 * logits - 2)))).astype(int)

    scale, offset = platt(labels, logits)

    assert scale == pytest.approx(0.5, abs=0.05)
    assert offset == pytest.approx(-2, abs=0.15)
