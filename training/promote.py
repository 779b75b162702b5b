"""A candidate beside the model that reads, on the same frozen test patients: what a person sees before promoting it.

A candidate is worse, and is not promoted unless a person insists and says why, if

* the 95 % interval of the difference of the mean AUC lies wholly below 0, or
* its mean AUC is lower by more than `MARGIN`, however wide the interval is, or
* it does not know a finding that the current model knows.

The interval of a finding's difference is DeLong's, which takes images for independent; that of the mean draws patients.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.bundle import Bundle
from inference.card import Card
from inference.classifier import calibrated
from training.errors import TrainingError
from training.evaluate import sensitivity, specificity
from training.paired import mean_difference
from training.roc import Interval, Labels, Scores, auc, curve, difference, points
from training.scores import Track, frozen_items, logits
from training.snapshot import Item, Snapshot

MARGIN = 0.01
"""By how much a candidate's mean AUC may be lower: about what another seed of the same training changes."""


class PromotionError(TrainingError):
    """The two models cannot be compared on this snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One model on one finding; the last two at its operating point."""

    auc: Interval
    sensitivity: float
    specificity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingComparison:
    """Both models on one finding of the same images."""

    finding: str
    positives: int
    negatives: int
    current: Standing
    candidate: Standing
    difference: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both models on the test patients of a snapshot, and why the candidate should not be promoted.

    `findings` are those that both know and the test patients have and lack. The means and `difference` are over them.
    `lost` are findings that only the current model knows, `gained` those that only the candidate does. `untraced` are
    the models whose card names no snapshot of this node: they may have learnt from these very patients, who never move
    between training and test in snapshots of one node.
    """

    current: str
    candidate: str
    snapshot: str
    images: int
    patients: int
    findings: tuple[FindingComparison, ...]
    current_mean: float
    candidate_mean: float
    difference: Interval
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    untraced: tuple[str, ...]

    @property
    def objections(self) -> tuple[str, ...]:
        """Why the candidate is worse, a sentence each; none if it is not."""
        found = []
        if self.difference.high < 0:
            found.append("Its mean AUC is lower: the interval of the difference lies below 0.")
        elif self.difference.value < -MARGIN:
            found.append(f"Its mean AUC is lower by more than {MARGIN}.")
        if self.lost:
            found.append(f"It does not know {', '.join(self.lost)}, which the current model knows.")
        return tuple(found)


def compare(
    current: Bundle,
    candidate: Bundle,
    snapshot: Snapshot,
    *,
    folder: Path,
    track: Track,
    threads: int = 0,
    known: Collection[str] = (),
) -> Comparison:
    """Let both models read the test images of a snapshot.

    Args:
        current: the model that reads.
        candidate: the one that a person thinks of promoting.
        snapshot: whose test patients it is about.
        folder: where scores are kept.
        track: wraps the images to read, for progress.
        threads: processor threads for one image; 0 is one a core.
        known: the SHA-256 of this node's other snapshots.

    Raises:
        TrainingError: images are not what they were, or there is no finding to compare.
        inference.errors.BundleError: a graph cannot be loaded.
    """
    items = frozen_items(snapshot)
    truth = np.array([item.labels for item in items], dtype=np.float64).reshape(len(items), len(snapshot.findings))
    shared = [
        finding
        for place, finding in enumerate(snapshot.findings)
        if finding in current.card.findings
        and finding in candidate.card.findings
        and {0.0, 1.0} <= set(truth[:, place])
    ]
    if not shared:
        raise PromotionError(
            "the test patients of this snapshot do not have and lack any finding that both models know; "
            "compare on a larger snapshot"
        )
    before, after = logits((current, candidate), snapshot, folder, track, threads=threads)
    columns = [snapshot.findings.index(name) for name in shared]
    models = (current.card, before), (candidate.card, after)
    own = {snapshot.sha256, *known}
    untraced = tuple(card.version for card, _ in models if card.data.snapshot not in own)
    return _comparison(items, shared, truth[:, columns], snapshot.sha256, models, untraced=untraced)


def curves(
    bundles: Sequence[Bundle],
    snapshot: Snapshot,
    findings: Sequence[str],
    *,
    folder: Path,
    track: Track,
    threads: int = 0,
) -> dict[str, dict[str, tuple[tuple[float, float], ...]]]:
    """The ROC curves of models on the test images, for drawing: points by version and finding.

    Args:
        findings: of a comparison of these models on this snapshot, whose scores are kept in `folder`.
        bundles, snapshot, folder, track, threads: as for `compare`.
    """
    items, drawn = frozen_items(snapshot), {}
    truth = np.array([item.labels for item in items], dtype=np.float64).reshape(len(items), len(snapshot.findings))
    scores = logits(bundles, snapshot, folder, track, threads=threads)
    for bundle, said in zip(bundles, scores, strict=True):
        of_model = drawn[bundle.card.version] = dict[str, tuple[tuple[float, float], ...]]()
        for finding in findings:
            labels = truth[:, snapshot.findings.index(finding)]
            known = ~np.isnan(labels)
            found = curve(labels[known], said[known, bundle.card.findings.index(finding)])
            if found is not None:
                of_model[finding] = points(found)
    return drawn


def _comparison(
    items: Sequence[Item],
    findings: Sequence[str],
    truth: Scores,
    snapshot: str,
    models: tuple[tuple[Card, Scores], tuple[Card, Scores]],
    *,
    untraced: tuple[str, ...],
) -> Comparison:
    (current, _), (candidate, _) = models
    before, after = (scores[:, [card.findings.index(name) for name in findings]] for card, scores in models)
    rows = []
    for place, finding in enumerate(findings):
        known = ~np.isnan(truth[:, place])
        labels = truth[known, place].astype(np.int_)
        gain = difference(labels, before[known, place], after[known, place])
        if gain is None:
            raise PromotionError(f"the test patients do not have and lack {finding}")
        rows.append(
            FindingComparison(
                finding=finding,
                positives=int(labels.sum()),
                negatives=int((1 - labels).sum()),
                current=_standing(current, finding, labels, before[known, place]),
                candidate=_standing(candidate, finding, labels, after[known, place]),
                difference=gain,
            )
        )
    patients = [item.patient for item in items]
    return Comparison(
        current=current.version,
        candidate=candidate.version,
        snapshot=snapshot,
        images=len(items),
        patients=len(set(patients)),
        findings=tuple(rows),
        current_mean=float(np.mean([row.current.auc.value for row in rows])),
        candidate_mean=float(np.mean([row.candidate.auc.value for row in rows])),
        difference=mean_difference(truth, before, after, patients),
        lost=tuple(name for name in current.findings if name not in candidate.findings),
        gained=tuple(name for name in candidate.findings if name not in current.findings),
        untraced=untraced,
    )


def _standing(card: Card, finding: str, labels: Labels, scores: Scores) -> Standing:
    place = card.findings.index(finding)
    scale, offset = (np.asarray(values[place]) for values in (card.calibration.scale, card.calibration.offset))
    probabilities = calibrated(scores, scale, offset)
    point = card.operating_points[place].probability
    area = auc(labels, scores)
    if area is None:
        raise PromotionError(f"the test patients do not have and lack {finding}")
    return Standing(
        auc=area,
        sensitivity=sensitivity(labels, probabilities, point).value,
        specificity=specificity(labels, probabilities, point).value,
    )
