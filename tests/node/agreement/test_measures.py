"""Agreement worked out by hand, and its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.agreement.measures import Fourfold, proportion


def test_kappa_by_hand() -> None:
    """20 + 15 agree of 50; chance is .5 x .6 + .5 x .4 = .5, so kappa is (.7 - .5) / .5 = .4."""
    kappa = Fourfold(both=20, only_model=5, only_report=10, neither=15).kappa

    assert kappa is not None
    assert kappa.value == pytest.approx(0.4)
    # Fleiss, Cohen and Everitt by hand: A = .4 (1 - 1.1 x .6)^2 + .3 (1 - .9 x .6)^2 = .10972,
    # B = .36 (.1 x 1.1^2 + .2 x .9^2) = .10188, C = (.4 - .5 x .6)^2 = .01; the variance is .2016 / (50 x .25).
    assert kappa.high - kappa.value == pytest.approx(1.959964 * (0.2016 / 12.5) ** 0.5, abs=1e-4)


@pytest.mark.parametrize(
    "counts", [Fourfold(), Fourfold(neither=9), Fourfold(only_report=3, neither=9), Fourfold(both=3, only_model=4)]
)
def test_without_two_that_vary_there_is_no_kappa(counts: Fourfold) -> None:
    """One that always says the same agrees by chance alone."""
    assert counts.kappa is None


def test_wilsons_interval_by_hand() -> None:
    """8 of 10: Wilson has .490 to .943."""
    found = proportion(8, 10)

    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    assert proportion(0, 0) is None


def test_ppv_and_sensitivity_are_of_different_wholes() -> None:
    """3 of 4 that the model has; 3 of 6 that the reports have."""
    counts = Fourfold(both=3, only_model=1, only_report=3, neither=10)

    assert counts.ppv is not None
    assert counts.sensitivity is not None
    assert (counts.ppv.value, counts.sensitivity.value) == (0.75, 0.5)


@given(*[st.integers(0, 500)] * 4)
def test_every_figure_is_within_its_interval(both: int, only_model: int, only_report: int, neither: int) -> None:
    """And kappa between -1 and 1."""
    counts = Fourfold(both=both, only_model=only_model, only_report=only_report, neither=neither)
    for figure in (counts.kappa, counts.ppv, counts.sensitivity):
        if figure is not None:
            assert -1 <= figure.low - 1e-9 <= figure.value <= figure.high + 1e-9 <= 1 + 2e-9
