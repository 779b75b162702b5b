"""How good a model is, with intervals: mean AUC, operating points, calibration (Wang et al. 2017, Table 3)."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats  # type: ignore[import-untyped]  # scipy ships no types

from training.roc import Interval, Labels, Scores, auc, stratified_auc
from training.target import Target

STEPS = 10_000
"""Operating points have four decimals, rounded to the side on which the target holds."""


def mean_auc(labels: Labels, scores: Scores, smallest: int = 1) -> float | None:
    """Mean AUC over the findings with at least `smallest` positives and negatives; None without any."""
    values = [
        result.value
        for c in range(labels.shape[1])
        if min((labels[:, c] == 1).sum(), (labels[:, c] == 0).sum()) >= smallest
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


def threshold(labels: Labels, probabilities: Scores, target: Target) -> float:
    """The operating point that keeps a target at the least cost, in steps of 0.0001, as cards have it.

    For a specificity it is the lowest probability from which at most 1 - specificity of the negatives are called
    present; for a sensitivity the highest from which at least that part of the positives are.

    Args:
        labels: with at least one positive and one negative.
        probabilities: in [0, 1].
        target: what to keep on these images.
    """
    if target.measure == "specificity":
        negatives = np.sort(probabilities[labels == 0])
        allowed = int((1 - target.value) * negatives.size + 1e-9)
        highest_passed = np.nextafter(negatives[negatives.size - allowed - 1], 1)
        return _rounded_up(float(highest_passed))
    positives = np.sort(probabilities[labels == 1])
    needed = max(1, math.ceil(target.value * positives.size - 1e-9))
    return _rounded_down(float(positives[positives.size - needed]))


def _rounded_up(level: float) -> float:
    steps = math.ceil(level * STEPS)
    return (steps if steps / STEPS >= level else steps + 1) / STEPS


def _rounded_down(level: float) -> float:
    steps = math.floor(level * STEPS)
    return (steps if steps / STEPS <= level else steps - 1) / STEPS


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
