"""A department's models as rows: one reads, one stands in its shadow, one is beside it on paper; and its trainings."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from db import comparisons, jobs, models, results, snapshots, studies, training_runs
from db.engine import Connection
from db.records import JobState
from db.vocabulary import Split
from inference import bundle
from node.learning.methods import METHODS
from tests.db.rows import claimed
from tests.node.console.cases import BEFORE, TODAY, VERSION
from tests.node.console.day import said
from tests.node.console.half_year import SKILL
from training.paired import mean_difference
from training.promote import Comparison, FindingComparison, Standing
from training.roc import auc, curve, difference, points

CANDIDATE, SHADOW, RUNNING = "2026-03-upper", "2026-02-regions", "spring"
SNAPSHOT = "9a5b62134633" + "0" * 52
NAMES = tuple(SKILL)
TEST_IMAGES = 738
MADE = {BEFORE: date(2025, 11, 3), VERSION: date(2026, 1, 9), SHADOW: date(2026, 2, 20), CANDIDATE: date(2026, 3, 16)}
"""When each model was made."""
Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int_]


def fill(connection: Connection, data: Path) -> None:
    """All of it; `data` gets the journal of the training that runs."""
    sizes = {Split.TRAIN: 5_184, Split.VALIDATION: 741, Split.TEST: TEST_IMAGES}
    made_at = TODAY - timedelta(days=2)
    snapshots.register(
        connection, sha256=SNAPSHOT, folder="spring", created_at=made_at, findings=NAMES, images=sizes, about={}
    )
    _trained(connection, SHADOW, "regions", days=26)
    _trained(connection, CANDIDATE, "upper", days=2)
    _models(connection)
    _compared(connection)
    _trained(connection, RUNNING, "upper", days=0)
    write_journal(data / "trainings" / RUNNING)


def _trained(connection: Connection, version: str, method: str, *, days: int) -> None:
    """A training that has ended, or one of today, which runs."""
    at = TODAY - (timedelta(days=days) or timedelta(minutes=31))
    training_runs.add(
        connection,
        version=version,
        snapshot_sha256=SNAPSHOT,
        wanted=(),
        method=method,
        arguments=METHODS[method].arguments,
        by="anna",
        now=at,
    )
    job = claimed(connection, at=TODAY)
    if days:
        jobs.end(connection, job, state=JobState.DONE, now=at + timedelta(minutes=48))


def _models(connection: Connection) -> None:
    card = bundle.load(bundle.STARTER).card
    for place, (version, created) in enumerate(MADE.items()):
        metrics = card.metrics.model_copy(update={"mean_auc": card.metrics.mean_auc + 0.012 * (place - 1)})
        its = card.model_copy(update={"version": version, "created": created, "metrics": metrics})
        dumped, path = its.model_dump(mode="json"), f"models/{version}"
        models.register(connection, name="chest", version=version, path=path, card=dumped, now=TODAY)
    for version, days in ((BEFORE, 132), (VERSION, 65)):
        models.promote(connection, version, by="anna", now=TODAY - timedelta(days=days))
    models.cast_shadow(connection, SHADOW)


def _compared(connection: Connection) -> None:
    at = TODAY - timedelta(hours=3)
    both = {"candidate": CANDIDATE, "current": VERSION}
    comparisons.ask(connection, **both, snapshot_sha256=SNAPSHOT, by="anna", now=at)
    job = claimed(connection, at=at)
    comparisons.conclude(connection, job.subject_id, outcome())
    jobs.end(connection, job, state=JobState.DONE, now=at)


def outcome() -> dict[str, Any]:
    """A comparison on scores that are drawn: both are better than chance, and the candidate by a little."""
    chance = np.random.default_rng(7)
    truth = np.stack([chance.random(TEST_IMAGES) < SKILL[name][0] for name in NAMES], axis=1).astype(np.float64)
    shared = 0.8 * chance.normal(size=truth.shape)
    before, after = (shared + 0.6 * chance.normal(size=truth.shape) + gap * truth for gap in (1.05, 1.2))
    patients = [str(number * 4 // 5) for number in range(TEST_IMAGES)]
    rows = tuple(
        _of_finding(name, truth[:, place].astype(np.int_), before[:, place], after[:, place])
        for place, name in enumerate(NAMES)
    )
    compared = Comparison(
        current=VERSION,
        candidate=CANDIDATE,
        snapshot=SNAPSHOT,
        images=TEST_IMAGES,
        patients=len(set(patients)),
        findings=rows,
        current_mean=float(np.mean([row.current.auc.value for row in rows])),
        candidate_mean=float(np.mean([row.candidate.auc.value for row in rows])),
        difference=mean_difference(truth, before, after, patients),
        lost=(),
        gained=(),
        untraced=(),
    )
    drawn = {VERSION: _curves(truth, before), CANDIDATE: _curves(truth, after)}
    return {"compared": asdict(compared), "objections": list(compared.objections), "curves": drawn}


def _of_finding(name: str, labels: Labels, before: Scores, after: Scores) -> FindingComparison:
    gain = difference(labels, before, after)
    assert gain is not None
    return FindingComparison(
        finding=name,
        positives=int(labels.sum()),
        negatives=int((1 - labels).sum()),
        current=_standing(labels, before),
        candidate=_standing(labels, after),
        difference=gain,
    )


def _standing(labels: Labels, scores: Scores) -> Standing:
    area, called = auc(labels, scores), scores > np.quantile(scores[labels == 0], 0.9)
    assert area is not None
    return Standing(
        auc=area, sensitivity=float(called[labels == 1].mean()), specificity=float(1 - called[labels == 0].mean())
    )


def _curves(truth: Scores, scores: Scores) -> dict[str, Any]:
    found = {name: curve(truth[:, place], scores[:, place]) for place, name in enumerate(NAMES)}
    return {name: points(each, 40) for name, each in found.items() if each is not None}


def shadowed(connection: Connection) -> None:
    """The shadow model has read what the other one has read today, and thinks nearly the same."""
    chance = np.random.default_rng(3)
    for image in studies.instances(connection):
        heard = results.prediction_of(connection, image.id, VERSION)
        for_all = {} if heard is None else {each["finding"]: each["probability"] for each in heard.scores}
        moved = {name: float(np.clip(each + chance.normal(0, 0.07), 0.01, 0.99)) for name, each in for_all.items()}
        if moved:
            results.add_prediction(connection, said(image.id, SHADOW, moved), TODAY)


def write_journal(folder: Path) -> None:
    """What a training of so many epochs has told so far."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(1)
    lines = [json.dumps(event) for epoch in range(6) for event in _epoch(epoch, chance)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "progress.json").write_text(json.dumps({"what": "Epoch 7 of at most 10", "done": 83, "total": 200}))


def _epoch(epoch: int, chance: np.random.Generator) -> Iterator[dict[str, object]]:
    for step in range(20 * epoch + 1, 20 * epoch + 21):
        loss = 0.34 + 0.6 * math.exp(-step / 25) + chance.normal(0, 0.02)
        yield {"event": "step", "step": step, "loss": round(float(loss), 4)}
    fair = 0.74 - 0.16 * math.exp(-epoch / 1.5) + float(chance.normal(0, 0.004))
    yield {
        "event": "epoch",
        "epoch": epoch,
        "validation_auc": fair + 0.02,
        "validation_stratified_auc": fair,
        "minutes_left": 3.5,
    }
