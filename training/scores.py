"""What models say of a snapshot's test images, each asked once and kept.

A model never changes under its card's hash and a snapshot never under its own, so what was kept for both holds for
ever. Each image is written as it is read: whatever stops a long comparison, the next one goes on from there.
"""

import csv
import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import numpy as np
import numpy.typing as npt

from db.vocabulary import Split
from inference import image_file
from inference.bundle import CARD, Bundle, sha256
from inference.classifier import open_session
from inference.errors import NotReadable
from inference.image import Image
from inference.policy import Policy
from inference.preprocess import input_of, small
from inference.processes import Lost, Processes, in_order
from training.errors import TrainingError
from training.snapshot import Item, Snapshot

Logits = npt.NDArray[np.float64]
Track = Callable[[Sequence[Item]], Iterable[Item]]
"""Shows progress over what is still to be read."""

_POLICY = Policy(accept_unknown_view=True, accept_unknown_body_part=True)
"""Whoever made the snapshot has chosen the images."""


FEW = 16
"""So many images are decoded before processes that decode would have started."""
Look = dict[int, npt.NDArray[np.uint8]]
"""What networks see of an image, by the side of their input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An image of a snapshot, to be decoded for inputs of these sides."""

    folder: Path
    item: Item
    sizes: frozenset[int]


class ScoresError(TrainingError):
    """Test images cannot be read as they were; nothing can be compared on them."""


def frozen_items(snapshot: Snapshot, split: Split = Split.TEST) -> tuple[Item, ...]:
    """The images that models are compared on.

    A report that was written after an AI result may repeat it and would speak for the model that made it; such images
    are left out.
    """
    return tuple(item for item in snapshot.items if item.split is split and not item.after_result)


def logits(
    bundles: Sequence[Bundle],
    snapshot: Snapshot,
    folder: Path,
    track: Track,
    *,
    split: Split = Split.TEST,
    threads: int = 0,
) -> list[Logits]:
    """Let models read the test images, or those of another split.

    Args:
        bundles: checked models.
        snapshot: what the images are of.
        folder: where the scores are kept, a file for each model and snapshot.
        track: wraps the images to read, for progress.
        split: whose images.
        threads: processor threads for one image; 0 is one a core.

    Returns:
        For each model (N, C) in the order of `frozen_items` and of its card's findings.

    Raises:
        ScoresError: an image is missing, altered or cannot be read.
        inference.errors.BundleError: a graph cannot be loaded.
    """
    items = frozen_items(snapshot, split)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        kept = [stack.enter_context(_Kept(bundle, snapshot, folder, threads)) for bundle in bundles]
        missing = [item for item in items if any(item.image not in each.scores for each in kept)]
        sizes = {each.size for each in kept}
        tasks = [Task(folder=snapshot.images, item=item, sizes=frozenset(sizes)) for item in missing]
        looks = stack.enter_context(closing(_looks(tasks)))
        for item in track(missing) if missing else ():
            look = next(looks)
            if isinstance(look, ScoresError):
                raise look
            for each in kept:
                if item.image not in each.scores:
                    each.add(item.image, look[each.size])
        return [
            np.array([each.scores[item.image] for item in items]).reshape(len(items), len(bundle.card.findings))
            for bundle, each in zip(bundles, kept, strict=True)
        ]


class _Kept:
    """One model's scores by image, in a file that grows."""

    def __init__(self, bundle: Bundle, snapshot: Snapshot, folder: Path, threads: int) -> None:
        self._bundle, self._threads = bundle, threads
        self._path = folder / f"{sha256(bundle.path / CARD)[:24]}-{snapshot.sha256[:24]}.csv"
        self._columns = ["image", *bundle.card.findings]
        self.scores: dict[str, list[float]] = {}

    def __enter__(self) -> Self:
        self._stream: IO[str] = self._path.open("a+", newline="", encoding="utf-8")
        self._stream.seek(0)
        text = self._stream.read()
        whole = text[: text.rfind("\n") + 1]  # a line that was cut off may look like a whole one
        rows = list(csv.reader(whole.splitlines()))
        if not rows or rows[0] != self._columns:
            whole, rows = "", []
        self._stream.truncate(len(whole.encode()))
        self._writer = csv.writer(self._stream, lineterminator="\n")
        if not rows:
            self._writer.writerow(self._columns)
        self.scores = {image: [float(value) for value in values] for image, *values in rows[1:]}
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    @property
    def size(self) -> int:
        """The side of the model's input."""
        return self._bundle.card.preprocessing.size

    def add(self, name: str, grey: npt.NDArray[np.uint8]) -> None:
        """Read an image's grey levels and keep what the model says."""
        if not hasattr(self, "_session"):
            self._session = open_session(self._bundle, self._threads)
        ready = input_of(grey, self._bundle.card.preprocessing)
        (values,) = self._session.run(["logits"], {self._session.get_inputs()[0].name: ready})
        if not np.isfinite(values).all():
            raise ScoresError(f"{self._bundle.card.version} answers {name} with something that is no number")
        self.scores[name] = [float(value) for value in values[0]]
        self._writer.writerow([name, *self.scores[name]])
        self._stream.flush()


def look(task: Task) -> Look | ScoresError:
    """Decode an item's image for the models, or say why it is not to be had."""
    try:
        image = _image(task.folder, task.item)
    except ScoresError as error:
        return error
    return {size: small(image, size) for size in task.sizes}


def _looks(tasks: Sequence[Task]) -> Generator[Look | ScoresError, None, None]:
    """What the models see of each image, in order; of many, processes decode ahead of the models."""
    if len(tasks) < FEW:
        yield from map(look, tasks)
        return
    size = os.cpu_count() or 1
    with Processes(look, size) as decoders:
        futures = map(decoders.submit, tasks)
        for task, found in zip(tasks, in_order(futures, ahead=2 * size), strict=True):
            if isinstance(found, Lost):
                yield ScoresError(f"{task.item.image} cannot be read: the process that decoded it {found.why}")
            else:
                yield found


def read(snapshot: Snapshot, item: Item) -> Image:
    """Read an item's image, if it is still the one it was.

    Raises:
        ScoresError: it is missing, altered or cannot be read.
    """
    return _image(snapshot.images, item)


def _image(folder: Path, item: Item) -> Image:
    path = folder / item.image
    advice = "put the images of the snapshot back, or compare on another snapshot"
    try:
        altered = content_sha256(path) != item.sha256
    except OSError as error:
        raise ScoresError(f"{item.image} cannot be read ({error.strerror}); {advice}") from error
    if altered:
        raise ScoresError(f"{item.image} is not the image it was in the snapshot; {advice}")
    try:
        return image_file.read(path, _POLICY)
    except NotReadable as error:
        raise ScoresError(f"{item.image} cannot be read: {error.detail} {advice.capitalize()}") from error


def content_sha256(path: Path) -> str:
    """The SHA-256 of the data set of a DICOM file, without what its writer put before it, or of any other file."""
    with path.open("rb") as stream:
        start = stream.read(144)  # preamble, DICM and the length of the file meta information (DICOM PS3.10 7.1)
        is_dicom = start[128:132] == b"DICM"
        stream.seek(144 + int.from_bytes(start[140:144], "little") if is_dicom else 0)
        return hashlib.file_digest(stream, "sha256").hexdigest()
