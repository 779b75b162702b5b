"""The paper's Table 3: AUC per finding, ours with intervals beside the rows that were printed there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.paper import TABLE_3
from training.roc import Interval, Labels, Scores, auc


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
        paper={network: values[finding] for network, values in TABLE_3.items() if finding in values},
    )
