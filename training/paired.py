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
        known = np.flatnonzero(~np.isnan(labels))
        self._order = known[np.argsort(scores[known], kind="stable")]
        self._positive = (labels[self._order] == 1).astype(np.float64)
        ranked = scores[self._order]
        self._ties = np.concatenate([[0], np.flatnonzero(np.diff(ranked)) + 1]) if known.size else np.array([], int)

    def auc(self, weights: npt.NDArray[np.integer]) -> Scores:
        """The AUC (B,) if each image counts as often as a row of `weights` (B, N) says; NaN without both kinds."""
        if not self._ties.size:
            return np.full(len(weights), np.nan)
        drawn = weights[:, self._order]
        positive = np.add.reduceat(drawn * self._positive, self._ties, axis=1)
        negative = np.add.reduceat(drawn * (1 - self._positive), self._ties, axis=1)
        below = np.cumsum(negative, axis=1) - negative / 2  # a tie counts half
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.asarray((positive * below).sum(axis=1) / np.where(pairs, pairs, np.nan))


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
    drawn = [_gains(rankings, np.ones((1, len(labels)), dtype=np.int64))]
    for _ in range(REPLICATES // _AT_ONCE):
        times = generator.multinomial(number, np.full(number, 1 / number), size=_AT_ONCE)
        drawn.append(_gains(rankings, times[:, whose]))
    (value,), replicates = drawn[0], np.concatenate(drawn[1:])
    low, high = np.nanpercentile(replicates, [2.5, 97.5])
    return Interval(value=float(value), low=float(low), high=float(high))


def _gains(rankings: Sequence[tuple[Ranking, Ranking]], weights: npt.NDArray[np.integer]) -> Scores:
    """(B,): the mean over the findings that a draw has both kinds of, NaN where it has none."""
    gains = np.array([second.auc(weights) - first.auc(weights) for first, second in rankings])
    there = ~np.isnan(gains)
    counted = there.sum(axis=0)
    return np.asarray(np.where(there, gains, 0).sum(axis=0) / np.where(counted, counted, np.nan))
