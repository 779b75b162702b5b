"""Table 3, ours beside the paper's."""

import math

import numpy as np
import pytest

from training.paper import TABLE_3
from training.table3 import mean, table3


def test_the_papers_means() -> None:
    """Its best network has a mean of .6962 over the eight findings, AlexNet .6389."""
    assert np.mean(list(TABLE_3["ResNet-50, W-CEL"].values())) == pytest.approx(0.6962, abs=1e-4)
    assert np.mean(list(TABLE_3["AlexNet"].values())) == pytest.approx(0.6389, abs=1e-4)


def test_by_hand() -> None:
    """What is not known is left out; a finding nobody has is not measured and not in the mean."""
    labels = np.array([[1, 0], [0, 0], [math.nan, 0], [0, math.nan]])
    scores = np.array([[0.5, 0.1], [0.4, 0.2], [0.0, 0.3], [0.6, 0.4]])

    mass, hernia = rows = table3(labels, scores, ["Mass", "Hernia"])

    assert (mass.positives, mass.negatives) == (1, 2)
    assert mass.ours is not None
    assert mass.ours.value == pytest.approx(0.5)
    assert mass.paper["GoogLeNet"] == 0.5363
    assert (hernia.ours, hernia.paper) == (None, {})
    assert mean(rows) == pytest.approx(0.5)
    assert mean([hernia]) is None
