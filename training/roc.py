"""The area under the ROC curve, with DeLong's intervals, alone and of two models on the same patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.card import MOST_POINTS

Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer[Any] | np.floating[Any]]
"""1 or 0; what is neither, like NaN, counts nowhere."""
Z95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A ROC curve, from (0, 0) to (1, 1); `thresholds` falls, and a score at or above it is called positive."""

    false_positive_rate: Scores
    true_positive_rate: Scores
    thresholds: Scores


def auc(labels: Labels, scores: Scores) -> Interval | None:
    """Area under the ROC curve with DeLong's interval; None without both positives and negatives.

    Source: DeLong et al. 1988, by midranks (Sun and Xu 2014). Small sets make the normal interval pass 0 or 1; it is
    cut there.
    """
    parts = _components(labels, scores)
    if parts is None:
        return None
    value = float(parts[0].mean())
    margin = Z95 * sum(_variance_of_mean(part) for part in parts) ** 0.5
    return Interval(value=value, low=max(0.0, value - margin), high=min(1.0, value + margin))


def difference(labels: Labels, first: Scores, second: Scores) -> Interval | None:
    """How much larger the AUC of `second` is than that of `first` on the same images (DeLong et al. 1988).

    The scores of both are of the same patients, so that what is hard for both weighs on neither.
    """
    of_first, of_second = _components(labels, first), _components(labels, second)
    if of_first is None or of_second is None:
        return None
    gains = [after - before for before, after in zip(of_first, of_second, strict=True)]
    value = float(gains[0].mean())
    margin = Z95 * sum(_variance_of_mean(gain) for gain in gains) ** 0.5
    return Interval(value=value, low=value - margin, high=value + margin)


def curve(labels: Labels, scores: Scores) -> Curve | None:
    """The ROC curve, a point for each distinct score; None without both positives and negatives."""
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
    if not positives or not negatives:
        return None
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], labels[order] == 1
    last_of_its_score = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    hits = np.cumsum(truth)[last_of_its_score]
    called = last_of_its_score + 1
    return Curve(
        false_positive_rate=np.concatenate([[0.0], (called - hits) / negatives]),
        true_positive_rate=np.concatenate([[0.0], hits / positives]),
        thresholds=np.concatenate([[np.inf], ranked[last_of_its_score]]),
    )


def points(of: Curve, most: int = MOST_POINTS) -> tuple[tuple[float, float], ...]:
    """A curve for drawing, from (0, 0) to (1, 1): points evenly along its way, and no more of them than that."""
    way = of.false_positive_rate + of.true_positive_rate  # from 0 to 2, and never back
    chosen = np.unique(np.searchsorted(way, np.linspace(0, 2, most) - 1e-9))
    rates = of.false_positive_rate[chosen], of.true_positive_rate[chosen]
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in zip(*rates, strict=True))


def stratified_auc(labels: Labels, scores: Scores, strata: Sequence[str]) -> float | None:
    """AUC over the pairs of images that lie in one stratum; None if there is no such pair.

    With collection and view as strata a model earns nothing by telling collections or views apart. It is the
    number that models are chosen by here.
    """
    names = np.asarray(strata)
    won, pairs = 0.0, 0
    for name in np.unique(names):
        here = names == name
        parts = _components(labels[here], scores[here])
        if parts is not None:
            block = parts[0].size * parts[1].size
            won, pairs = won + float(parts[0].mean()) * block, pairs + block
    return won / pairs if pairs else None


def _components(labels: Labels, scores: Scores) -> tuple[Scores, Scores] | None:
    """For each positive the part of the negatives it outranks, and for each negative of the positives that outrank it.

    A tie counts half. The mean of either is the AUC.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not positive.size or not negative.size:
        return None
    ranks = _ranks(np.concatenate([positive, negative]))
    of_positive, of_negative = ranks[: positive.size], ranks[positive.size :]
    return (
        (of_positive - _ranks(positive)) / negative.size,
        1 - (of_negative - _ranks(negative)) / positive.size,
    )


def _ranks(values: Scores) -> Scores:
    """The place of each value from below, from 1; equal ones share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: Scores = (counts.cumsum() - (counts - 1) / 2)[which]
    return shared


def _variance_of_mean(values: Scores) -> float:
    return float(values.var(ddof=1)) / values.size if values.size > 1 else 0.0
