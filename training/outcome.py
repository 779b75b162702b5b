"""What came of each training of a sweep, on the same test patients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from inference.bundle import Bundle
from inference.classifier import open_session
from training import cache
from training.arrays import kept
from training.cache import Cache
from training.dataset import Labels, labels_of, of_split, strata
from training.errors import TrainingError
from training.evaluate import mean_stratified_auc
from training.journal import METRICS
from training.measure import answering, logits_of
from training.paired import mean_difference
from training.roc import Interval, Scores, auc
from training.snapshot import Item, Snapshot, Split

LOGITS = "test-logits.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One training.

    Attributes:
        label: what it is called.
        model: its bundle; None if the loss became no number, and then all that follows is empty.
        aucs: of each finding on the test patients.
        mean: of them.
        stratified: the mean of the AUC within source and view.
        validation: the same of the best epoch on the validation patients, by which models are chosen.
        difference: how much higher the mean is than the reference's; None for the reference, and without it.
    """

    label: str
    model: Path | None = None
    aucs: tuple[Interval, ...] = ()
    mean: float | None = None
    stratified: float | None = None
    validation: float | None = None
    difference: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The test images, on which every training is measured alike."""

    items: tuple[Item, ...]
    strata: tuple[str, ...]
    labels: Labels
    images: Cache


def frozen(snapshot: Snapshot, beside: Path, size: int) -> Frozen:
    """The test images, as training has decoded them into the folder `beside`."""
    images = cache.opened(snapshot, beside, size, processes=1, tell=lambda _done, _total: None)
    readable = images.readable(snapshot.items)
    items, names = of_split(readable, Split.TEST), strata(readable)
    return Frozen(
        items=items, strata=tuple(names[item.image] for item in items), labels=labels_of(items), images=images
    )


def outcomes(models: Mapping[str, Bundle | None], test: Frozen, reference: str) -> tuple[Outcome, ...]:
    """Measure all models.

    Args:
        models: by label; None where training came to nothing.
        test: on what.
        reference: the label that the others are compared with.
    """
    scores = {label: _logits(made, test) for label, made in models.items() if made is not None}
    return tuple(
        Outcome(label=label) if made is None else _outcome(label, made, test, scores, reference)
        for label, made in models.items()
    )


def _logits(made: Bundle, test: Frozen) -> Scores:
    """What a model's graph says of the test images: (N, C), kept beside its bundle."""
    answer, told = answering(open_session(made, threads=0)), Console(stderr=True)
    answers = logits_of(answer, test.items, test.images, made.card.preprocessing, lambda _done, _total: None)
    logits: npt.NDArray[np.float32] = kept(
        made.path.with_name(LOGITS),
        (len(test.items), len(made.card.findings)),
        np.float32,
        lambda: (row for row, _ in track(answers, f"Reading with {made.card.version}", len(test.items), console=told)),
    )
    return logits.astype(np.float64)


def _outcome(label: str, made: Bundle, test: Frozen, scores: Mapping[str, Scores], reference: str) -> Outcome:
    truth, mine = test.labels.astype(np.float64), scores[label]
    aucs = tuple(_auc(truth[:, c], mine[:, c]) for c in range(truth.shape[1]))
    difference = None
    if label != reference and reference in scores:
        difference = mean_difference(truth, scores[reference], mine, [item.patient for item in test.items])
    return Outcome(
        label=label,
        model=made.path,
        aucs=aucs,
        mean=float(np.mean([one.value for one in aucs])),
        stratified=mean_stratified_auc(truth, mine, test.strata),
        validation=_validation(made.path.with_name(METRICS)),
        difference=difference,
    )


def _auc(labels: Scores, scores: Scores) -> Interval:
    found = auc(labels, scores)
    if found is None:  # `training.refusal` saw to it that there are images with and without
        raise TrainingError("the test set is not the one that was trained for; name another --out")
    return found


def _validation(metrics: Path) -> float | None:
    """The best epoch's, from the metrics that the training wrote."""
    events = [json.loads(line) for line in metrics.read_text("utf-8").splitlines()]
    return max((event["validation_stratified_auc"] for event in events if event["event"] == "epoch"), default=None)
