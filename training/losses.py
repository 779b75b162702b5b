"""The losses that the paper compares, for labels of which some are uncertain.

Each takes logits (B, C) and labels (B, C): 1 the finding is there, 0 it is not, NaN it is not known; what is not known
is left out. Each returns a scalar, a mean over the known labels, so that one learning rate serves all of them.

A batch may be too large for the memory and come in parts, one after the other or on several machines at once. Then
`whole` is the label matrix of all of it, which is known beforehand, and the losses of the parts add up to that of the
whole.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F


class Loss(Protocol):
    """Logits and labels (B, C), and the labels of the batch of which these are a part; by default they are all."""

    def __call__(self, logits: Tensor, labels: Tensor, whole: Tensor | None = None) -> Tensor: ...


def hinge(logits: Tensor, labels: Tensor, whole: Tensor | None = None) -> Tensor:
    """mean of max(0, 1 - y x), y of -1 and 1."""
    known, truth = _known(labels)
    return _mean((1 - (2 * truth - 1) * logits).clamp(min=0), known, whole)


def euclidean(logits: Tensor, labels: Tensor, whole: Tensor | None = None) -> Tensor:
    """mean of (f - y)^2 / 2, f the sigmoid (the Euclidean loss of Caffe, in which the paper was made)."""
    known, truth = _known(labels)
    return _mean((logits.sigmoid() - truth) ** 2 / 2, known, whole)


def cross_entropy(logits: Tensor, labels: Tensor, whole: Tensor | None = None) -> Tensor:
    """CEL: mean of -y ln f - (1 - y) ln(1 - f)."""
    known, truth = _known(labels)
    return _mean(F.binary_cross_entropy_with_logits(logits, truth, reduction="none"), known, whole)


def weighted_cross_entropy(logits: Tensor, labels: Tensor, whole: Tensor | None = None) -> Tensor:
    """W-CEL: cross entropy in which the few ones of a batch weigh as much as the many zeros.

    beta_P * sum over ones of -ln f + beta_N * sum over zeros of -ln(1 - f), where beta_P = (|P| + |N|) / |P|
    and beta_N = (|P| + |N|) / |N|; |P| and |N| count the ones and zeros of the batch's whole label matrix. The sum is
    divided by |P| + |N|.

    -ln f is softplus(-logit), which neither overflows nor vanishes. A batch without ones (or zeros) has no such terms;
    its count is taken as 1.

    Source: Wang et al. 2017, eq. 1.
    """
    known, truth = _known(labels)
    ones, zeros = truth * known, (1 - truth) * known
    counted = labels if whole is None else whole
    positive = (ones * F.softplus(-logits)).sum() / (counted == 1).sum().clamp(min=1)
    negative = (zeros * F.softplus(logits)).sum() / (counted == 0).sum().clamp(min=1)
    return positive + negative


LOSSES: dict[str, Loss] = {
    "hinge": hinge,
    "euclidean": euclidean,
    "cel": cross_entropy,
    "w-cel": weighted_cross_entropy,
}
"""By the names of section 3.1.3."""


def _known(labels: Tensor) -> tuple[Tensor, Tensor]:
    """A mask of the known labels, and the labels with a 0 where they are not known."""
    known = ~labels.isnan()
    return known.to(labels.dtype), torch.where(known, labels, 0)


def _mean(terms: Tensor, known: Tensor, whole: Tensor | None) -> Tensor:
    count = known.sum() if whole is None else (~whole.isnan()).sum()
    return (terms * known).sum() / count.clamp(min=1)
