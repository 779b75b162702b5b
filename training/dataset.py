"""NIH ChestX-ray radiographs in a folder with a table, split by patient."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Radiograph:
    """One image of the training set. `labels` follow the order of the findings asked for."""

    path: Path
    patient_id: str
    collection: str
    view: str
    labels: tuple[int, ...]


def read_table(images: Path, table: Path, findings: Sequence[str]) -> list[Radiograph]:
    """Read the label table, and keep the rows whose image is in the folder.

    Columns: image, patient_id, view, sources (the collections an image was found in), one column a finding.
    """
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Radiograph(
            path=images / row["image"],
            patient_id=row["patient_id"],
            collection=row["sources"].split("|")[0],
            view=row["view"],
            labels=tuple(int(row[finding]) for finding in findings),
        )
        for row in rows
        if (images / row["image"]).is_file()
    ]


def group_small_collections(rows: Sequence[Radiograph], smallest: int = 80) -> dict[str, str]:
    """Name the group of each collection: itself, or "others" where it has fewer than `smallest` images."""
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        sizes[row.collection] += 1
    return {name: name if size >= smallest else "others" for name, size in sizes.items()}


def strata(rows: Sequence[Radiograph]) -> dict[str, str]:
    """Image name to "collection view", small collections grouped."""
    groups = group_small_collections(rows)
    return {row.path.name: f"{groups[row.collection]} {row.view}" for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Three sets of images that share no patient."""

    train: tuple[Radiograph, ...]
    validation: tuple[Radiograph, ...]
    test: tuple[Radiograph, ...]


def split_by_patient(rows: Sequence[Radiograph], seed: int) -> Split:
    """Deal the patients out, 3 : 1 : 1, so that rare findings and collections are in every set.

    Patients are dealt like cards, stratum by stratum: by a patient's rarest finding and first collection.
    """
    counts = np.sum([row.labels for row in rows], axis=0)
    images_of: dict[str, list[Radiograph]] = defaultdict(list)
    for row in rows:
        images_of[row.patient_id].append(row)
    groups = group_small_collections(rows)

    def stratum(patient: str) -> tuple[int, str]:
        labels = np.max([row.labels for row in images_of[patient]], axis=0)
        present = np.flatnonzero(labels)
        rarest = int(present[np.argmin(counts[present])]) if present.size else -1
        return rarest, groups[images_of[patient][0].collection]

    generator = np.random.default_rng(seed)
    patients = sorted(images_of)
    generator.shuffle(patients)
    patients.sort(key=stratum)  # stable: shuffled within each stratum
    hands: tuple[list[Radiograph], ...] = ([], [], [])
    for place, patient in enumerate(patients):
        hands[(0, 1, 0, 2, 0)[place % 5]].extend(images_of[patient])
    train, validation, test = (tuple(sorted(hand, key=lambda row: row.path.name)) for hand in hands)
    return Split(train=train, validation=validation, test=test)


def read_image(row: Radiograph) -> npt.NDArray[np.uint8]:
    """Read one image as 8-bit grey (H, W); the set is published as already windowed."""
    with Image.open(row.path) as picture:
        return np.asarray(picture.convert("L"))


def balanced_weights(rows: Sequence[Radiograph]) -> npt.NDArray[np.float64]:
    """Weigh images so that each pair of collection and view is seen about equally often.

    The collections were put together by different people for different tasks, and AP means a bedside patient;
    both tell much about the findings and nothing about the lung. Square roots, because the small groups
    would otherwise be learnt by heart. Sums to 1.
    """
    groups = group_small_collections(rows)
    keys = [(groups[row.collection], row.view) for row in rows]
    weights = np.array([keys.count(key) ** -0.5 for key in keys])
    return np.asarray(weights / weights.sum())


def augment(image: npt.NDArray[np.uint8], generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Change what differs between departments and not between lungs: pose, frame, contrast, sharpness.

    A mirrored chest is rare (situs inversus), but none of the eight findings has a side.
    """
    picture = Image.fromarray(image)
    width, height = picture.size
    if generator.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scale = generator.uniform(0.85, 1.1)
    angle = np.deg2rad(generator.uniform(-6, 6))
    dx, dy = generator.uniform(-0.05, 0.05, size=2) * (width, height)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    x0, y0 = width / 2, height / 2
    matrix = (cos, -sin, x0 + dx - cos * x0 + sin * y0, sin, cos, y0 + dy - sin * x0 - cos * y0)
    picture = picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        matrix,
        Image.Resampling.BILINEAR,
        fillcolor=int(generator.integers(0, 40)),
    )
    if generator.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1.2) * width / 512))
    grey = np.asarray(picture, dtype=np.float32) / 255
    grey = grey ** np.float32(np.exp(generator.uniform(-0.35, 0.35)))
    grey = (grey - 0.5) * np.float32(generator.uniform(0.75, 1.25)) + 0.5 + np.float32(generator.uniform(-0.08, 0.08))
    return frame(np.clip(grey * 255, 0, 255).astype(np.uint8), generator)


def frame(image: npt.NDArray[np.uint8], generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Lay bars of one grey level over the borders, where collimation and markers betray the collection."""
    framed = image.copy()
    level = np.uint8(generator.choice((0, 0, 255, int(image.mean()))))
    height, width = image.shape
    top, bottom = (int(generator.uniform(0, 0.07) * height) for _ in range(2))
    left, right = (int(generator.uniform(0, 0.07) * width) for _ in range(2))
    if generator.random() < 0.5:
        framed[:top], framed[height - bottom :] = level, level
        framed[:, :left], framed[:, width - right :] = level, level
    return framed
