"""One model on the frozen test patients of a snapshot: Table 3, Figure 5 and Table 4 for what is here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from db.vocabulary import Split
from inference.bundle import Bundle
from inference.classifier import calibrated
from training import boxed, roc, scores, table3
from training.boxed import Overlap
from training.errors import TrainingError
from training.evaluate import proportion, sensitivity, specificity, threshold
from training.roc import Curve, Interval
from training.scores import Track
from training.snapshot import Snapshot
from training.target import Target

SMALLEST = 3
"""Positives and negatives of a finding below which its AUC within a group says nothing."""
LEARNT_FROM = (
    "the model has learnt from the validation patients too, so no operating points can be chosen on them; leave the "
    "target away, or train with it"
)


class AppraisalError(TrainingError):
    """A model cannot be measured on this snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a finding's operating point reaches on the test patients."""

    finding: str
    probability: float
    sensitivity: Interval
    specificity: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """How far a finding's probabilities can be taken at their word on the test patients.

    `predicted` is their mean and `observed` the part that has the finding; `brier` is the mean of (probability -
    truth)^2, and `brier_of_share` what it would be if every image were given `observed`.
    """

    finding: str
    predicted: float
    observed: Interval
    brier: float
    brier_of_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """All that a model reaches.

    `unknown_patients` says that the card names no snapshot of this node, so that the model may have learnt from these
    very patients.
    `by_source` and `by_view` are mean AUCs, for what a model learns of acquisition. `chosen_for` says where the
    operating points come from.

    Boxes are measured on `images_with_boxes` of the validation and test patients; `pointed` has for each finding how
    many of its true boxes' images had the hottest place in one, and of how many.
    """

    model: str
    snapshot: str
    images: int
    patients: int
    unknown_patients: bool
    rows: tuple[table3.Row, ...]
    mean: float | None
    by_source: Mapping[str, float]
    by_view: Mapping[str, float]
    curves: Mapping[str, Curve]
    chosen_for: str
    points: tuple[Point, ...]
    calibration: tuple[Calibrated, ...]
    images_with_boxes: int
    overlaps: tuple[Overlap, ...]
    pointed: Mapping[str, tuple[int, int]]


def appraise(
    bundle: Bundle,
    snapshot: Snapshot,
    *,
    folder: Path,
    track: Track,
    target: Target | None = None,
    threads: int = 0,
    known: Collection[str] = (),
) -> Appraisal:
    """Let a model read the test images of a snapshot, and measure.

    Args:
        bundle: a checked model.
        snapshot: whose test patients it is about.
        folder: where scores are kept (`training.scores`).
        track: wraps images to read, for progress.
        target: operating points are chosen for it, on the snapshot's validation patients; None takes the card's.
        threads: processor threads for one image; 0 is one a core.
        known: the SHA-256 of this node's other snapshots.

    Raises:
        TrainingError: images are not what they were, or no finding of the model is labelled.
    """
    items = scores.frozen_items(snapshot)
    findings = [name for name in bundle.card.findings if name in snapshot.findings]
    if not items or not findings:
        raise AppraisalError("this snapshot has no test image with a label that the model knows; use another snapshot")
    truth, logits = _read(bundle, snapshot, findings, Split.TEST, folder=folder, track=track, threads=threads)
    levels, chosen_for = _of_card(bundle, findings), "the model's card"
    if target is not None and bundle.card.metrics.out_of_fold:
        raise TrainingError(LEARNT_FROM)
    if target is not None:
        validation = _read(bundle, snapshot, findings, Split.VALIDATION, folder=folder, track=track, threads=threads)
        levels = _chosen(bundle, findings, *validation, target)
        chosen_for = f"{target} on {len(validation[0])} validation images"
    rows = tuple(table3.table3(truth, logits, findings))
    probabilities = _probabilities(bundle, logits, findings)
    drawn = boxed.read(bundle, snapshot, track, threads)
    return Appraisal(
        model=bundle.card.version,
        snapshot=snapshot.sha256,
        images=len(items),
        patients=len({item.patient for item in items}),
        unknown_patients=bundle.card.data.snapshot not in {snapshot.sha256, *known},
        rows=rows,
        mean=table3.mean(rows),
        by_source=_by_group([item.source for item in items], truth, logits, findings),
        by_view=_by_group([item.view for item in items], truth, logits, findings),
        curves=_curves(truth, logits, findings),
        chosen_for=chosen_for,
        points=_points(truth, probabilities, findings, levels),
        calibration=_calibration(truth, probabilities, findings),
        images_with_boxes=len(drawn.heats),
        overlaps=tuple(boxed.overlaps(drawn, findings)),
        pointed=boxed.pointed(drawn, findings),
    )


def _by_group(
    groups: Sequence[str], truth: roc.Scores, logits: roc.Scores, findings: Sequence[str]
) -> dict[str, float]:
    """The mean AUC within each group, over the findings with three images of either kind in it."""
    names, means = np.array(groups), {}
    for name in sorted(set(groups)):
        rows = table3.table3(truth[names == name], logits[names == name], findings)
        mean = table3.mean([row for row in rows if min(row.positives, row.negatives) >= SMALLEST])
        if mean is not None:
            means[name] = mean
    return means


def _known(truth: roc.Scores, column: int) -> roc.Labels:
    return np.flatnonzero(~np.isnan(truth[:, column]))


def _curves(truth: roc.Scores, logits: roc.Scores, findings: Sequence[str]) -> dict[str, Curve]:
    found = {}
    for place, finding in enumerate(findings):
        known = _known(truth, place)
        points = roc.curve(truth[known, place].astype(int), logits[known, place])
        if points is not None:
            found[finding] = points
    return found


def _read(
    bundle: Bundle,
    snapshot: Snapshot,
    findings: Sequence[str],
    split: Split,
    *,
    folder: Path,
    track: Track,
    threads: int,
) -> tuple[roc.Scores, roc.Scores]:
    """What is true of a split's images, and the model's logits: (N, C) each, NaN where it is not known."""
    items = scores.frozen_items(snapshot, split)
    (logits,) = scores.logits((bundle,), snapshot, folder, track, split=split, threads=threads)
    truth = np.array([item.labels for item in items], dtype=np.float64).reshape(len(items), len(snapshot.findings))
    return (
        truth[:, [snapshot.findings.index(name) for name in findings]],
        logits[:, [bundle.card.findings.index(name) for name in findings]],
    )


def _probabilities(bundle: Bundle, logits: roc.Scores, findings: Sequence[str]) -> roc.Scores:
    columns = [bundle.card.findings.index(name) for name in findings]
    calibration = bundle.card.calibration
    return calibrated(logits, np.asarray(calibration.scale)[columns], np.asarray(calibration.offset)[columns])


def _of_card(bundle: Bundle, findings: Sequence[str]) -> list[float]:
    return [bundle.card.operating_points[bundle.card.findings.index(name)].probability for name in findings]


def _chosen(
    bundle: Bundle, findings: Sequence[str], truth: roc.Scores, logits: roc.Scores, target: Target
) -> list[float]:
    probabilities, levels = _probabilities(bundle, logits, findings), []
    for place, finding in enumerate(findings):
        labels = truth[:, place]
        if not ((labels == 1).any() and (labels == 0).any()):
            raise AppraisalError(
                f"the snapshot has no validation image with, or none without, {finding}, so no operating point can be "
                f"chosen for a {target.measure}; leave that away, or use a snapshot of more patients"
            )
        levels.append(threshold(labels, probabilities[:, place], target))
    return levels


def _points(
    truth: roc.Scores, probabilities: roc.Scores, findings: Sequence[str], levels: Sequence[float]
) -> tuple[Point, ...]:
    return tuple(
        Point(
            finding=finding,
            probability=level,
            sensitivity=sensitivity(truth[:, place], probabilities[:, place], level),
            specificity=specificity(truth[:, place], probabilities[:, place], level),
        )
        for place, (finding, level) in enumerate(zip(findings, levels, strict=True))
    )


def _calibration(truth: roc.Scores, probabilities: roc.Scores, findings: Sequence[str]) -> tuple[Calibrated, ...]:
    found = []
    for place, finding in enumerate(findings):
        known = _known(truth, place)
        if known.size:
            labels, said = truth[known, place], probabilities[known, place]
            share = proportion(int(labels.sum()), labels.size)
            found.append(
                Calibrated(
                    finding=finding,
                    predicted=float(said.mean()),
                    observed=share,
                    brier=float(((said - labels) ** 2).mean()),
                    brier_of_share=share.value * (1 - share.value),
                )
            )
    return tuple(found)
