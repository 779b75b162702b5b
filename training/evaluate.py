"""How good a model is, with intervals: AUC, operating points, calibration (Wang et al. 2017, Table 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats  # type: ignore[import-untyped]  # scipy ships no types

Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the ends of its 95 % confidence interval, all in [0, 1]."""

    value: float
    low: float
    high: float


def _wins(labels: Labels, scores: Scores) -> Scores:
    """(positives, negatives): 1 where the positive scores higher, 1/2 where they are equal, else 0."""
    difference = scores[labels == 1][:, None] - scores[labels == 0][None]
    return np.asarray((difference > 0) + 0.5 * (difference == 0))


def auc(labels: Labels, scores: Scores) -> Interval | None:
    """Area under the ROC curve with DeLong's interval; None without both positives and negatives.

    Source: DeLong et al. 1988. Small sets make the normal interval pass 1; it is cut there.
    """
    wins = _wins(labels, scores)
    if 0 in wins.shape:
        return None
    value = float(wins.mean())
    spread = 0.0
    for components in (wins.mean(axis=1), wins.mean(axis=0)):
        if components.size > 1:
            spread += float(components.var(ddof=1)) / components.size
    margin = 1.96 * spread**0.5
    return Interval(value=value, low=max(0.0, value - margin), high=min(1.0, value + margin))


def stratified_auc(labels: Labels, scores: Scores, strata: Sequence[str]) -> float | None:
    """AUC over the pairs of images that lie in one stratum; None if there is no such pair.

    With collection and view as strata a model earns nothing by telling collections or views apart. It is the
    number that models are chosen by here.
    """
    names = np.asarray(strata)
    wins = [_wins(labels[names == name], scores[names == name]) for name in np.unique(names)]
    pairs = sum(block.size for block in wins)
    return float(sum(block.sum() for block in wins)) / pairs if pairs else None


def mean_auc(labels: Labels, scores: Scores, smallest: int = 1) -> float | None:
    """Mean AUC over the findings with at least `smallest` positives and negatives; None without any."""
    values = [
        result.value
        for c in range(labels.shape[1])
        if smallest <= labels[:, c].sum() <= len(labels) - smallest
        and (result := auc(labels[:, c], scores[:, c])) is not None
    ]
    return float(np.mean(values)) if values else None


def mean_stratified_auc(labels: Labels, scores: Scores, strata: Sequence[str]) -> float:
    """Mean of `stratified_auc` over the findings that have one."""
    values = [stratified_auc(labels[:, c], scores[:, c], strata) for c in range(labels.shape[1])]
    return float(np.mean([value for value in values if value is not None]))


def proportion(count: int, total: int) -> Interval:
    """A proportion with Wilson's interval (Wilson 1927); of nothing it is [0, 1]."""
    if total == 0:
        return Interval(value=0.0, low=0.0, high=1.0)
    result = stats.binomtest(count, total).proportion_ci(method="wilson")
    return Interval(value=count / total, low=float(result.low), high=float(result.high))


def threshold_for_specificity(labels: Labels, probabilities: Scores, specificity: float) -> float:
    """The lowest probability from which at most 1 - specificity of the negatives are called present."""
    negatives = np.sort(probabilities[labels == 0])
    allowed = int((1 - specificity) * negatives.size + 1e-9)
    highest_passed = negatives[negatives.size - allowed - 1]
    return float(np.nextafter(highest_passed, 1))


def sensitivity(labels: Labels, probabilities: Scores, threshold: float) -> Interval:
    """The part of the positives at or above the threshold."""
    positives = probabilities[labels == 1]
    return proportion(int((positives >= threshold).sum()), positives.size)


def specificity(labels: Labels, probabilities: Scores, threshold: float) -> Interval:
    """The part of the negatives below the threshold."""
    negatives = probabilities[labels == 0]
    return proportion(int((negatives < threshold).sum()), negatives.size)


def platt(labels: Labels, logits: Scores) -> tuple[float, float]:
    """Scale and offset that turn a logit into a calibrated one; the scale is positive, so the order stays.

    Source: Platt 1999, with his smoothed targets, which keep a handful of positives from being learnt by
    heart.
    """
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: Scores) -> float:
        margin = np.exp(parameters[0]) * logits + parameters[1]
        return float(np.mean(np.logaddexp(0, margin) - targets * margin) + 1e-3 * parameters[0] ** 2)

    best = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(best[0])), float(best[1])
