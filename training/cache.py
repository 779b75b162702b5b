"""A snapshot's images, decoded once: grey levels of S x S pixels that every later epoch and run maps into memory.

Beside the snapshot stand `images-S.npy` (N, S, S) in the order of its items, and `images-S.json`, which says which were
left out and why. Decoding is done by processes of their own: a file that kills one costs that image.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference import image_file
from inference.errors import NotReadable
from inference.policy import Policy
from inference.preprocess import small
from inference.processes import Lost, Processes, in_order
from training.arrays import kept
from training.errors import TrainingError
from training.snapshot import Item, Snapshot

Grey = npt.NDArray[np.uint8]
Job = tuple[Path, str, int]
"""A file, its SHA-256 and the side S."""
Tell = Callable[[int, int], None]
"""Told how many are done, and of how many."""

POLICY = Policy(accept_unknown_view=True, accept_unknown_body_part=True)
"""The snapshot has chosen the images; what their headers say against that still counts."""
TOO_MANY = 0.05
"""If a larger part of the images cannot be decoded, something is wrong with all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Decoded images.

    Attributes:
        images: (N, S, S) uint8, mapped into memory.
        row: where an image stands, by its SHA-256; those left out have no row.
        left_out: why an image is not there, by its file.
    """

    images: Grey
    row: Mapping[str, int]
    left_out: Mapping[str, str]

    def readable(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """The items whose images are here."""
        return tuple(item for item in items if item.sha256 in self.row)

    def rows(self, items: Sequence[Item]) -> npt.NDArray[np.intp]:
        """Where the images of these items stand."""
        return np.array([self.row[item.sha256] for item in items], dtype=np.intp)


def opened(snapshot: Snapshot, folder: Path, size: int, *, processes: int, tell: Tell) -> Cache:
    """The decoded images of a snapshot; they are decoded now if they are not in the folder.

    Raises:
        TrainingError: more than 5 % of the images cannot be decoded, or the folder has no room.
    """
    index = folder / f"images-{size}.json"

    def make() -> Iterator[Grey]:
        left_out: dict[str, str] = {}
        jobs = [(snapshot.images / item.image, item.sha256, size) for item in snapshot.items]
        for done, (item, picture) in enumerate(zip(snapshot.items, _decoded(jobs, processes), strict=True), start=1):
            if isinstance(picture, str):
                left_out[item.image] = picture
            yield np.zeros((1, size, size), dtype=np.uint8) if isinstance(picture, str) else picture[None]
            tell(done, len(jobs))
        _refuse_many(left_out, len(jobs))
        part = index.with_suffix(".json.part")
        part.write_text(json.dumps({"snapshot": snapshot.sha256, "left_out": left_out}, indent=1))
        part.replace(index)  # before the images, which stand for both

    images: Grey = kept(folder / f"images-{size}.npy", (len(snapshot.items), size, size), np.uint8, make)
    try:
        about = json.loads(index.read_bytes())
        same, left_out = about["snapshot"] == snapshot.sha256, dict(about["left_out"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{folder} is not what was written; remove it, and it is made again") from error
    if not same:
        raise TrainingError(f"{folder} holds the images of another snapshot; name another folder with --cache")
    row = {item.sha256: place for place, item in enumerate(snapshot.items) if item.image not in left_out}
    return Cache(images=images, row=row, left_out=left_out)


def _refuse_many(left_out: Mapping[str, str], total: int) -> None:
    if len(left_out) > TOO_MANY * total:
        first, why = next(iter(left_out.items()))
        raise TrainingError(
            f"{len(left_out)} of {total} images cannot be decoded, the first {first} ({why}); "
            "see whether the files are where the snapshot says"
        )


def _decoded(jobs: Sequence[Job], processes: int) -> Iterator[Grey | str]:
    """Each image, or why there is none, in order."""
    with Processes(decode, processes) as pool:
        for picture in in_order(map(pool.submit, jobs), ahead=2 * processes):
            yield f"The process that decoded it {picture.why}." if isinstance(picture, Lost) else picture


def decode(job: Job) -> Grey | str:
    """Grey levels (S, S) as the product's own preprocessing gives them, or why there are none."""
    path, sha256, size = job
    try:
        if _changed(path, sha256):
            return "The file is not the one that the snapshot was made with."
        image = image_file.read(path, POLICY)
    except NotReadable as error:
        return error.detail
    except OSError as error:
        return f"The file cannot be read ({error.strerror})."
    return small(image, size)


def _changed(path: Path, sha256: str) -> bool:
    """Whether a picture is another than the snapshot's; of a DICOM file the snapshot has the data set's digest."""
    with path.open("rb") as stream:
        if not stream.read(8).startswith(image_file.SIGNATURES):
            return False
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest() != sha256
