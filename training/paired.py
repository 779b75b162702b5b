"""How much the mean AUC of one model is above another's on the same patients, by drawing patients anew."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.roc import Interval, Scores

REPLICATES = 1000
_AT_ONCE = 50


class Ranking:
    """One finding's images in the order of a model's scores, so that drawing them again costs no sorting.

    Args:
        labels: (N,), 1, 0 or NaN, which is left out.
        scores: (N,).
    """

    def __init__(self, labels: Scores, scores: Scores) -> None:
        negatives = np.flatnonzero(labels == 0)
        self._negatives = negatives[np.argsort(scores[negatives], kind="stable")]
        self._positives = np.flatnonzero(labels == 1)
        ranked, of_positives = scores[self._negatives], scores[self._positives]
        # Of the negatives in order, how many each positive outranks, and how many with those of its own score.
        self._below = np.searchsorted(ranked, of_positives, side="left")
        self._up_to = np.searchsorted(ranked, of_positives, side="right")

    def auc(self, weights: npt.NDArray[np.integer]) -> Scores:
        """The AUC (B,) if each image counts as often as a column of `weights` (N, B) says; NaN without both kinds."""
        drawn = weights[self._positives]
        outranked = np.zeros((len(self._negatives) + 1, weights.shape[1]), dtype=weights.dtype)
        np.cumsum(weights[self._negatives], axis=0, out=outranked[1:])
        won = (drawn * (outranked[self._below] + outranked[self._up_to])).sum(axis=0) / 2  # a tie counts half
        pairs = drawn.sum(axis=0) * outranked[-1]
        return np.asarray(won / np.where(pairs, pairs, np.nan))


def mean_difference(
    labels: Scores, first: Scores, second: Scores, patients: Sequence[str], *, seed: int = 0
) -> Interval:
    """How much larger the mean AUC of `second` is than that of `first`, with the percentile interval of a bootstrap.

    Patients are drawn, not images: the images of one patient are alike.

    Args:
        labels: (N, C), 1, 0 or NaN; every finding has both ones and zeros.
        first: (N, C), one model's scores.
        second: (N, C), the other's.
        patients: (N,), whose image each is.
        seed: of the draws; the same seed gives the same interval.
    """
    count = labels.shape[1]
    rankings = [(Ranking(labels[:, c], first[:, c]), Ranking(labels[:, c], second[:, c])) for c in range(count)]
    _, whose = np.unique(np.asarray(patients), return_inverse=True)
    number = int(whose.max()) + 1
    generator = np.random.default_rng(seed)
    drawn = [_gains(rankings, np.ones((len(labels), 1), dtype=np.int64))]
    for _ in range(REPLICATES // _AT_ONCE):
        times = generator.multinomial(number, np.full(number, 1 / number), size=_AT_ONCE)
        drawn.append(_gains(rankings, times.T[whose]))
    (value,), replicates = drawn[0], np.concatenate(drawn[1:])
    low, high = np.nanpercentile(replicates, [2.5, 97.5])
    return Interval(value=float(value), low=float(low), high=float(high))


def _gains(rankings: Sequence[tuple[Ranking, Ranking]], weights: npt.NDArray[np.integer]) -> Scores:
    """(B,): the mean over the findings that a draw has both kinds of, NaN where it has none."""
    gains = np.array([second.auc(weights) - first.auc(weights) for first, second in rankings])
    there = ~np.isnan(gains)
    counted = there.sum(axis=0)
    return np.asarray(np.where(there, gains, 0).sum(axis=0) / np.where(counted, counted, np.nan))
