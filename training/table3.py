"""The paper's Table 3: AUC per finding, ours with intervals beside the rows that were printed there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from db.vocabulary import EIGHT
from training.roc import Interval, Labels, Scores, auc

_NAMES = tuple(finding.name for finding in EIGHT)


def _printed(*values: float) -> Mapping[str, float]:
    return dict(zip(_NAMES, values, strict=True))


PAPER: Mapping[str, Mapping[str, float]] = {
    "AlexNet": _printed(0.6458, 0.6925, 0.6642, 0.6041, 0.5644, 0.6487, 0.5493, 0.7425),
    "GoogLeNet": _printed(0.6307, 0.7056, 0.6876, 0.6088, 0.5363, 0.5579, 0.5990, 0.7824),
    "VGG-16": _printed(0.6281, 0.7084, 0.6502, 0.5896, 0.5103, 0.6556, 0.5100, 0.7516),
    "ResNet-50, W-CEL": _printed(0.7069, 0.8141, 0.7362, 0.6128, 0.5609, 0.7164, 0.6333, 0.7891),
    "ResNet-50, CEL": _printed(0.7064, 0.7262, 0.7351, 0.6084, 0.5530, 0.6545, 0.5164, 0.7665),
}
"""Wang et al. 2017, Table 3, on the authors' own test set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding: how many of the known labels are positive and negative, our AUC, and the paper's by network."""

    finding: str
    positives: int
    negatives: int
    ours: Interval | None
    paper: Mapping[str, float]


def table3(labels: Scores, scores: Scores, findings: Sequence[str]) -> list[Row]:
    """Measure every finding.

    Args:
        labels: (N, C) of 1 and 0, NaN where it is not known; what is not known is left out.
        scores: (N, C), logits or probabilities.
        findings: C names.
    """
    return [_row(labels[:, c], scores[:, c], finding) for c, finding in enumerate(findings)]


def mean(rows: Sequence[Row]) -> float | None:
    """The mean over the findings that could be measured."""
    values = [row.ours.value for row in rows if row.ours is not None]
    return float(np.mean(values)) if values else None


def _row(labels: Scores, scores: Scores, finding: str) -> Row:
    known = ~np.isnan(labels)
    truth: Labels = labels[known].astype(int)
    return Row(
        finding=finding,
        positives=int(truth.sum()),
        negatives=int((1 - truth).sum()),
        ours=auc(truth, scores[known]),
        paper={network: values[finding] for network, values in PAPER.items() if finding in values},
    )
