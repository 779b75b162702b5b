"""Least squares with a penalty: ridge regression."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """What a regression found: `rows @ weight.T + bias`; weight (K, P), bias (K,)."""

    weight: Numbers
    bias: Numbers

    def __call__(self, rows: Numbers) -> Numbers:
        """(N, P) -> (N, K)."""
        return np.asarray(rows @ self.weight.T + self.bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How columns are brought to mean 0, and all together to variance 1.

    So one penalty means the same for any number of columns, whatever their units.
    """

    middle: Numbers
    spread: Numbers

    @classmethod
    def of(cls, rows: Numbers, weights: Numbers) -> "Scale":
        """That of rows (N, P), each of which counts as much as its weight."""
        middle = np.average(rows, axis=0, weights=weights)
        spread = np.sqrt(np.average((rows - middle) ** 2, axis=0, weights=weights)) + 1e-6
        return cls(middle=middle, spread=spread * np.sqrt(rows.shape[1]))

    def standard(self, rows: Numbers) -> Numbers:
        """The same rows on that scale."""
        return np.asarray((rows - self.middle) / self.spread)

    def undone(self, slopes: Numbers, offsets: Numbers) -> Linear:
        """For rows as they are what `slopes` (P, K) and `offsets` (K,) say of standard ones."""
        weight = slopes.T / self.spread
        return Linear(weight=weight, bias=offsets - weight @ self.middle)


def slopes(rows: Numbers, targets: Numbers, weights: Numbers, penalty: float) -> tuple[Numbers, Numbers]:
    """Ridge regression of targets (N, K) on standard rows (N, P): slopes (P, K) and offsets (K,)."""
    centre, mean = np.average(rows, axis=0, weights=weights), np.average(targets, axis=0, weights=weights)
    weighed = rows * weights[:, None]
    moments = weighed.T @ rows - weights.sum() * np.outer(centre, centre)
    found = np.linalg.solve(moments + penalty * np.eye(len(moments)), weighed.T @ (targets - mean))
    return found, mean - centre @ found
