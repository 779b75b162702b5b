"""A snapshot of small pictures, and tiny models that tell its findings apart, or do not."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from db.vocabulary import Split
from inference import bundle
from inference.bundle import Bundle
from tests.bundles import CELL, SIZE, tiny_card, tiny_graph
from training import snapshot
from training.snapshot import Item, Snapshot

FINDINGS = ("Effusion", "Mass")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def write_snapshot(
    folder: Path, labels: Sequence[tuple[float, ...]], *, findings: Sequence[str] = FINDINGS
) -> Snapshot:
    """A snapshot with a test image for each row of labels, one a patient.

    The brighter the left half of an image, the likelier its first finding is there; the right half is of the second.
    """
    generator = np.random.default_rng(0)
    images = folder / "images"
    images.mkdir(parents=True)
    items = []
    for number, row in enumerate(labels):
        pixels = generator.integers(0, 120, (SIZE, SIZE)).astype(np.uint8)
        for place, label in enumerate(row[:2]):
            pixels[:, place * SIZE // 2 : (place + 1) * SIZE // 2] += np.uint8(100 * np.nan_to_num(label, nan=0.5))
        name = f"{number:04}.png"
        Image.fromarray(pixels).save(images / name)
        items.append(
            item(name, hashlib.sha256((images / name).read_bytes()).hexdigest(), row, patient=f"{number:016x}")
        )
    written = Snapshot(created=NOW, findings=tuple(findings), images=images, items=tuple(items))
    return snapshot.write(folder / "snapshot", written)


def item(
    image: str, sha256: str, labels: tuple[float, ...], *, patient: str, split: Split = Split.TEST, late: bool = False
) -> Item:
    """A row of a snapshot."""
    return Item(
        image=image,
        sha256=sha256,
        instance_id=None,
        study_id=None,
        patient=patient,
        view="PA",
        source="made up",
        split=split,
        labels=labels,
        provenance="gold",
        after_result=late,
    )


def write_model(path: Path, *, version: str, skill: float, findings: Sequence[str] = FINDINGS) -> Bundle:
    """A model that sees which half of the image is bright; -1 says the opposite, 0 is noise."""
    generator = np.random.default_rng(len(version))
    kernel = np.zeros((len(findings), 3, CELL, CELL), dtype=np.float32)
    noise = generator.normal(0, 0.02, kernel.shape).astype(np.float32)
    # The mean over both halves: each finding brightens its own, and the model cannot tell which.
    kernel += np.float32(skill * 0.05) + (noise if skill == 0 else 0)
    card = tiny_card(findings, version=version)
    return bundle.write(path, card, {bundle.MODEL: tiny_graph(kernel)})


def rows(count: int) -> list[tuple[float, ...]]:
    """Labels of so many patients: both findings are there or neither, in turn."""
    return [(float(number % 2), float(number % 2)) for number in range(count)]
