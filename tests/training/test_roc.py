"""AUC, its intervals and curves, by hand and on real numbers."""

import csv
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.roc import Z95, auc, curve, difference, points, stratified_auc

LABELS = np.array([1, 1, 0, 0, 0])
SCORES = np.array([0.9, 0.4, 0.4, 0.3, 0.1])


def test_auc_by_hand() -> None:
    """Of six pairs five are won and one is tied: 5.5 / 6; DeLong's variance by its components."""
    result = auc(LABELS, SCORES)

    assert result is not None
    assert result.value == pytest.approx(5.5 / 6)
    variance = np.var([1, 2.5 / 3], ddof=1) / 2 + np.var([0.75, 1, 1], ddof=1) / 3
    assert result.low == pytest.approx(5.5 / 6 - Z95 * variance**0.5)
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


def test_difference_by_hand() -> None:
    """The second model wins half a pair of six more; each patient's own gain makes the interval."""
    better = np.array([0.9, 0.5, 0.4, 0.3, 0.1])

    result = difference(LABELS, SCORES, better)

    assert result is not None
    assert result.value == pytest.approx(0.5 / 6)
    variance = np.var([0, 0.5 / 3], ddof=1) / 2 + np.var([0.25, 0, 0], ddof=1) / 3
    assert result.high == pytest.approx(0.5 / 6 + Z95 * variance**0.5)


def test_a_model_against_itself() -> None:
    """No difference, and no doubt of it."""
    result = difference(LABELS, SCORES, SCORES)

    assert result is not None
    assert (result.low, result.value, result.high) == (0, 0, 0)


def test_curve_by_hand() -> None:
    """0.9 finds one of two; 0.4 finds both and takes one of three along; then all the rest."""
    result = curve(LABELS, SCORES)

    assert result is not None
    assert result.true_positive_rate.tolist() == [0, 0.5, 1, 1, 1]
    assert result.false_positive_rate.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    assert result.thresholds.tolist() == [np.inf, 0.9, 0.4, 0.3, 0.1]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=2, max_size=40))
def test_the_area_under_the_curve_is_the_auc(pairs) -> None:
    """Trapezia under the curve, and pairs won, are the same number."""
    labels, scores = np.array([y for y, _ in pairs]), np.array([float(s) for _, s in pairs])
    points, area = curve(labels, scores), auc(labels, scores)
    if points is None or area is None:
        assert points is None
        assert area is None
        return

    assert np.trapezoid(points.true_positive_rate, points.false_positive_rate) == pytest.approx(area.value)


def test_auc_on_real_numbers(shared_data) -> None:
    """Published predictions on 22,020 NIH radiographs give the AUCs that others measured on them."""
    folder = shared_data / "nih_labels"
    with gzip.open(folder / "Data_Entry_2017_v2020.csv.gz", "rt", encoding="utf-8") as stream:
        truth = {row["Image Index"]: set(row["Finding Labels"].split("|")) for row in csv.DictReader(stream)}
    with gzip.open(folder / "reference_predictions.csv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    expected = {
        "Atelectasis": 0.8205,
        "Cardiomegaly": 0.9082,
        "Effusion": 0.8838,
        "Infiltration": 0.7161,
        "Mass": 0.8377,
        "Nodule": 0.7772,
        "Pneumonia": 0.7715,
        "Pneumothorax": 0.8822,
    }

    found = {}
    for finding in expected:
        labels = np.array([finding in truth[row["Image Index"]] for row in rows]).astype(int)
        result = auc(labels, np.array([float(row[f"prob_{finding}"]) for row in rows]))
        assert result is not None
        assert result.low < result.value < result.high
        found[finding] = result.value

    assert len(rows) == 22_020
    assert found == pytest.approx(expected, abs=0.0005)


def test_a_curve_for_drawing_by_hand() -> None:
    """Few points stay as they are: each distinct score is one, from (0, 0) to (1, 1)."""
    found = curve(LABELS, SCORES)

    assert found is not None
    assert points(found) == ((0, 0), (0, 0.5), (0.3333, 1), (0.6667, 1), (1, 1))


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(-5, 5)), min_size=2, max_size=600))
def test_a_curve_for_drawing_is_short_and_lies_on_the_curve(pairs) -> None:
    """No more points than were asked for; each is one of the curve's own, and none lies before the last."""
    found = curve(np.array([y for y, _ in pairs]), np.array([s for _, s in pairs]))
    if found is None:
        return

    drawn = points(found, 21)

    rates = zip(found.false_positive_rate, found.true_positive_rate, strict=True)
    assert set(drawn) <= {(round(float(x), 4), round(float(y), 4)) for x, y in rates}
    assert len(drawn) <= 21
    assert (drawn[0], drawn[-1]) == ((0, 0), (1, 1))
    assert list(drawn) == sorted(drawn)
