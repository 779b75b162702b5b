"""A training of seconds: a snapshot of synthetic images, and a backbone of two convolutions.

As a program it trains in a process of its own, to be killed or to be one of several: `python -m tests.training.tiny`.
"""

import hashlib
import os
import select
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from inference.backbones import BACKBONES, Row
from training.journal import Journal
from training.localization import TrueBox
from training.recipe import Machine, Recipe
from training.snapshot import Item, Snapshot, Split, write
from training.train import train

FINDINGS = ("Effusion", "Mass")
SPLITS = (Split.TRAIN, Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST)
RECIPE = Recipe(
    backbone="alexnet",
    width=8,
    size=32,
    effective_batch=16,
    batch=8,
    head_epochs=1,
    epochs=2,
    copies=1,
    rate=0.01,
    seed=3,
)
MACHINE = Machine(threads=1, loaders=1, decoders=1, checkpoint_steps=2)


def layers(_whole: nn.Module) -> list[nn.Module]:
    """Two parts and AlexNet's channels, a fraction of its work."""
    return [
        nn.Conv2d(3, 8, kernel_size=8, stride=8),
        nn.Conv2d(8, 256, kernel_size=2, stride=2),
        nn.BatchNorm2d(256),
        nn.ReLU(),
    ]


def tiny_row() -> Row:
    """Stands in for AlexNet in the table of backbones; its weights are the seed's."""
    return replace(BACKBONES["alexnet"], build=nn.Identity, layers=layers, cut=1, fetch=dict)


def write_snapshot(folder: Path, images: int = 100) -> Snapshot:
    """Images of 64 pixels, four patients to five; an effusion makes the left half brighter, a mass the middle."""
    pictures = folder.parent / "images"
    pictures.mkdir(exist_ok=True)
    generator, items = np.random.default_rng(0), []
    for number in range(images):
        patient = number * 4 // 5
        labels = [float(generator.random() < 0.4) for _ in FINDINGS]
        image = generator.integers(0, 100, (64, 64)).astype(np.uint8)
        image[:, :32] += np.uint8(60 * labels[0])
        image[24:40, 24:40] += np.uint8(90 * labels[1])
        path = pictures / f"{number:03}.png"
        Image.fromarray(image).save(path)
        items.append(
            Item(
                image=path.name,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                instance_id=None,
                study_id=None,
                patient=f"{patient:08x}",
                view=("PA", "AP")[number % 2],
                source="synthetic",
                split=SPLITS[patient % len(SPLITS)],
                labels=(labels[0], float("nan") if number % 17 == 0 else labels[1]),
                provenance="published",
                after_result=False,
            )
        )
    boxes = {
        item.image: (TrueBox(image=item.image, finding="Effusion", x=0, y=0, width=0.5, height=1),) for item in items
    }
    snapshot = Snapshot(
        created=datetime(2026, 1, 1, tzinfo=UTC), findings=FINDINGS, images=pictures, items=tuple(items), boxes=boxes
    )
    return write(folder, snapshot)


class Doomed(Journal):
    """Kills its process, as `kill -9` does, after a step has been written."""

    last = 0

    def write(self, **event: object) -> None:
        """Write, then die if it was the last step."""
        super().write(**event)
        if event.get("step") == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def until_the_other_has_ended(other: Path) -> None:
    """Wait for the process whose number stands in a file."""
    try:
        process = os.pidfd_open(int(other.read_text()))
    except ProcessLookupError:
        return
    if not select.select([process], [], [], 60)[0]:
        raise TimeoutError("the other process still runs")


def measure_alone(out: Path) -> None:
    """Let the first of two processes measure only after the second has ended."""
    story = sys.modules["training.train"]
    note, finish = out.with_suffix(".second"), story.finish  # type: ignore[attr-defined]  # what the module imports
    if os.environ["RANK"] == "1":
        note.write_text(str(os.getpid()))

    def later(*arguments: Any, **more: Any) -> Any:
        until_the_other_has_ended(note)
        return finish(*arguments, **more)

    story.finish = later  # type: ignore[attr-defined]  # this process only


def main(arguments: Sequence[str]) -> None:
    """Snapshot, out, batch, "resume" or "new", and the step after which to die (0: none) or "alone"."""
    snapshot, out, batch, resume, last = arguments
    BACKBONES["alexnet"] = tiny_row()
    if last == "alone":
        measure_alone(Path(out))
    elif last != "0":
        Doomed.last = int(last)
        sys.modules["training.train"].Journal = Doomed  # type: ignore[attr-defined]  # this process only
    torch.set_num_threads(1)
    train(Path(snapshot), Path(out), replace(RECIPE, batch=int(batch)), MACHINE, resume=resume == "resume")


if __name__ == "__main__":
    main(sys.argv[1:])
