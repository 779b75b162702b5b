"""Operating points, calibration and means, by hand."""

import numpy as np
import pytest

from training.evaluate import (
    mean_auc,
    platt,
    proportion,
    sensitivity,
    specificity,
    threshold_for_specificity,
)

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
