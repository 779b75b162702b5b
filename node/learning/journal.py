"""What a training's folder tells of it: where it is, and its curves. Nothing is learnt here, and no torch is needed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.journal import METRICS, PROGRESS

STEPS_SHOWN = 100
"""Points of the loss's curve, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A training in numbers: loss by step, and for each epoch the AUC on the validation patients.

    `fair` compares images of one source and view alone; the best epoch by it is kept.
    """

    loss: tuple[tuple[float, float], ...] = ()
    validation: tuple[tuple[float, float], ...] = ()
    fair: tuple[tuple[float, float], ...] = ()


def told(folder: Path) -> dict[str, Any]:
    """The last that was told: what it is at, how far, and the figures of the last epoch."""
    found: dict[str, Any] = {}
    for event in _events(folder, "epoch"):
        found = {key: event[key] for key in ("epoch", "validation_stratified_auc", "minutes_left") if key in event}
    with suppress(OSError, ValueError):  # nothing told yet
        found |= json.loads((folder / PROGRESS).read_text("utf-8"))
    return found


def curves(folder: Path) -> Curves:
    """The curves so far; empty ones before the first step, and of a folder that is gone."""
    steps = [(float(event["step"]), float(event["loss"])) for event in _events(folder, "step")]
    epochs = list(_events(folder, "epoch"))
    every = max(1, len(steps) // STEPS_SHOWN)
    means = [steps[start : start + every] for start in range(0, len(steps), every)]
    return Curves(
        loss=tuple((part[-1][0], sum(loss for _, loss in part) / len(part)) for part in means),
        validation=tuple(_points(epochs, "validation_auc")),
        fair=tuple(_points(epochs, "validation_stratified_auc")),
    )


def _points(epochs: list[Mapping[str, Any]], name: str) -> Iterator[tuple[float, float]]:
    for event in epochs:
        yield float(event["epoch"]) + 1, float(event[name])


def _events(folder: Path, kind: str) -> Iterator[Mapping[str, Any]]:
    """The events of a kind; a line that is being written is left out."""
    begins = json.dumps({"event": kind})[:-1].encode()
    try:
        with (folder / METRICS).open("rb") as lines:
            for line in lines:
                if line.startswith(begins) and line.endswith(b"\n"):
                    yield json.loads(line)
    except OSError:
        return
