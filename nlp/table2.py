"""The paper's Table 2: mined labels against human codes, with intervals, beside the rows that were printed there."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from db.vocabulary import EIGHT, NORMAL
from nlp.errors import ReportFileError

CLASSES: tuple[str, ...] = (*(finding.name for finding in EIGHT), NORMAL)
MICRO9, MICRO8, MACRO9 = "micro9", "micro8", "macro9"
_TRUE = "1"

Counts = NDArray[np.int64]


class Protocol(StrEnum):
    """Which reports count: those with at least one of the nine labels (Table 2), or all that were coded (harder)."""

    PAPER = "paper"
    INDEXED = "indexed"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Precision, recall and F1, each in [0, 1]; `low` and `high` bound F1 with 95 % by the bootstrap, where taken."""

    precision: float
    recall: float
    f1: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: the class or average, ours, and what the paper printed for MetaMap and for its method."""

    name: str
    ours: Score
    metamap: Score | None
    paper: Score | None


def _printed(precision: float, recall: float, f1: float) -> Score:
    return Score(precision=precision, recall=recall, f1=f1)


METAMAP: Mapping[str, Score] = {
    "Atelectasis": _printed(0.95, 0.95, 0.95),
    "Cardiomegaly": _printed(0.99, 0.83, 0.90),
    "Effusion": _printed(0.74, 0.90, 0.81),
    "Infiltration": _printed(0.25, 0.98, 0.39),
    "Mass": _printed(0.59, 0.67, 0.62),
    "Nodule": _printed(0.95, 0.65, 0.77),
    "Pneumonia": _printed(0.58, 0.93, 0.71),
    "Pneumothorax": _printed(0.32, 0.82, 0.46),
    NORMAL: _printed(0.93, 0.90, 0.91),
    MICRO9: _printed(0.84, 0.88, 0.86),
}
"""Wang et al. 2017, Table 2, left half: MetaMap with NegEx. `micro9` is its row "Total"."""

PAPER: Mapping[str, Score] = {
    "Atelectasis": _printed(0.99, 0.85, 0.91),
    "Cardiomegaly": _printed(1.00, 0.79, 0.88),
    "Effusion": _printed(0.93, 0.82, 0.87),
    "Infiltration": _printed(0.74, 0.87, 0.80),
    "Mass": _printed(0.75, 0.40, 0.52),
    "Nodule": _printed(0.96, 0.62, 0.75),
    "Pneumonia": _printed(0.66, 0.93, 0.77),
    "Pneumothorax": _printed(0.90, 0.82, 0.86),
    NORMAL: _printed(0.87, 0.99, 0.93),
    MICRO9: _printed(0.90, 0.91, 0.90),
}
"""Wang et al. 2017, Table 2, right half: the paper's method."""


def gold_of(row: Mapping[str, str | None], protocol: Protocol) -> frozenset[str] | None:
    """Read a report's human labels from a row of a gold file; None if the report does not count.

    The columns `in_paper_subset` and `no_indexing` say which reports count; without them, a report with a label
    counts for `paper` and every report for `indexed`.
    """
    labels = frozenset(name for name in CLASSES if row.get(name) == _TRUE)
    if protocol is Protocol.PAPER:
        counts = (row.get("in_paper_subset") or _TRUE) == _TRUE and bool(labels)
    else:
        counts = protocol is Protocol.ALL or row.get("no_indexing") != _TRUE
    return labels if counts else None


def table(
    gold: Sequence[AbstractSet[str]], mined: Sequence[AbstractSet[str]], replicates: int = 1000
) -> tuple[Row, ...]:
    """Score the labels of reports: a row for each of the nine classes, then the averages.

    Args:
        gold: human labels, a set for each report.
        mined: ours, of the same reports in the same order.
        replicates: bootstrap samples of reports, drawn with a fixed seed; 0 takes no intervals.

    Raises:
        ReportFileError: There is no report to score.
    """
    if not gold:
        raise ReportFileError("no report of the file counts for this protocol")
    per_report = np.array([_outcomes(true, ours) for true, ours in zip(gold, mined, strict=True)])
    scores = _scores(per_report.sum(axis=0))
    generator = np.random.default_rng(0)
    samples = [_f1s(_resampled(per_report, generator)) for _ in range(replicates)]
    rows = []
    for place, (name, score) in enumerate(scores.items()):
        low, high = np.quantile([sample[place] for sample in samples], (0.025, 0.975)) if samples else (None, None)
        ours = Score(precision=score.precision, recall=score.recall, f1=score.f1, low=low, high=high)
        rows.append(Row(name=name, ours=ours, metamap=METAMAP.get(name), paper=PAPER.get(name)))
    return tuple(rows)


def _outcomes(true: AbstractSet[str], ours: AbstractSet[str]) -> list[list[int]]:
    """(9, 3): for each class whether the report is a true positive, a false positive, a false negative."""
    return [
        [name in true and name in ours, name not in true and name in ours, name in true and name not in ours]
        for name in CLASSES
    ]


def _resampled(per_report: Counts, generator: np.random.Generator) -> Counts:
    chosen = generator.integers(len(per_report), size=len(per_report))
    counts: Counts = per_report[chosen].sum(axis=0)
    return counts


def _f1s(counts: Counts) -> list[float]:
    return [score.f1 for score in _scores(counts).values()]


def _scores(counts: Counts) -> Mapping[str, Score]:
    """From (9, 3) counts to the table's rows: classes, micro averages with and without Normal, macro average."""
    scores = {name: _score(*counts[place]) for place, name in enumerate(CLASSES)}
    single = list(scores.values())
    return scores | {
        MICRO9: _score(*counts.sum(axis=0)),
        MICRO8: _score(*counts[: len(EIGHT)].sum(axis=0)),
        MACRO9: Score(
            precision=float(np.mean([score.precision for score in single])),
            recall=float(np.mean([score.recall for score in single])),
            f1=float(np.mean([score.f1 for score in single])),
        ),
    }


def _score(tp: int, fp: int, fn: int) -> Score:
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(precision=float(precision), recall=float(recall), f1=float(f1))
