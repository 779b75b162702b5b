"""The paper's loss."""

from torch import Tensor
from torch.nn import functional as F


def weighted_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """W-CEL: cross entropy in which the few ones of a batch weigh as much as the many zeros.

    beta_P * sum over ones of -ln f + beta_N * sum over zeros of -ln(1 - f), where beta_P = (|P| + |N|) / |P|
    and beta_N = (|P| + |N|) / |N|; |P| and |N| count the ones and zeros of the batch's whole label matrix.

    Args:
        logits: (B, C); f is their sigmoid, and -ln f is softplus(-logit), which neither overflows nor
            vanishes.
        labels: (B, C) of 0 and 1.

    Returns:
        A scalar, the sum. A batch without ones (or zeros) has no such terms; its count is taken as 1.

    Source: Wang et al. 2017, eq. 1.
    """
    ones, zeros = labels.sum(), (1 - labels).sum()
    positive = (labels * F.softplus(-logits)).sum()
    negative = ((1 - labels) * F.softplus(logits)).sum()
    return labels.numel() * (positive / ones.clamp(min=1) + negative / zeros.clamp(min=1))
