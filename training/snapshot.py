"""A snapshot: the images, labels and split that a model is trained and measured on, written once.

A snapshot is a folder with two files. `manifest.csv` has a row an image; `snapshot.json` says what the rows are of,
and has the radiologists' boxes. Its SHA-256 is taken over both, so what a model's card names can be looked up and
checked years later. Not part of it are the time of writing and the place of the images: the same content written
again, or moved with its images, has the same SHA-256.

A patient stands in it by a pseudonym: `db` knows who that is, and the images do.
"""

import csv
import hashlib
import io
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from db.vocabulary import Split
from training.errors import SnapshotError
from training.localization import TrueBox

__all__ = ["Item", "Snapshot", "SnapshotError", "Split", "read", "sealed", "write", "write_among"]

MANIFEST, DESCRIPTION = "manifest.csv", "snapshot.json"
FORMAT = 1
COLUMNS = (
    "image",
    "sha256",
    "instance_id",
    "study_id",
    "patient",
    "view",
    "source",
    "split",
    "provenance",
    "after_result",
)
"""Of the manifest, before one column a finding."""
_TEXTS = {1.0: "1", 0.0: "0"}
SHORT = 12
"""How much of its SHA-256 a snapshot's folder has for a name."""
NOT_UNDERSTOOD = (LookupError, TypeError, ValueError, AttributeError, csv.Error)
"""What files that are not a snapshot's raise when they are read as one."""
_LABELS = {"1": 1.0, "0": 0.0, "": math.nan}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One image with its labels.

    `image` is its file, relative to the snapshot's `images`. `sha256` is that of the data set as it was received, or
    of the file where it is no DICOM object. `source` is the collection it was published in, or the AE title that
    sent it. `labels` are 1.0, 0.0 or NaN (uncertain: neither to be learnt nor to be measured), one a finding.
    `provenance` says whether they were mined, published or are a person's. With `after_result` a report was
    written after the AI result was there, and may repeat it.
    """

    image: str
    sha256: str
    instance_id: int | None
    study_id: int | None
    patient: str
    view: str
    source: str
    split: Split
    labels: tuple[float, ...]
    provenance: str
    after_result: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a model is trained and measured on. `sha256` is empty until it is `sealed`.

    `images` is the folder that the items' images are relative to; `boxes` has radiologists' boxes by image; `about`
    says how the labels came to be, and counts what was left out.
    """

    created: datetime
    findings: tuple[str, ...]
    images: Path
    items: tuple[Item, ...]
    boxes: Mapping[str, tuple[TrueBox, ...]] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""


def sealed(snapshot: Snapshot) -> Snapshot:
    """The same with its SHA-256."""
    return replace(snapshot, sha256=_digest(_manifest(snapshot), _contents(snapshot)))


def write(folder: Path, snapshot: Snapshot) -> Snapshot:
    """Write a snapshot as a new folder, whole or not at all; to write the same again changes nothing.

    Returns:
        The snapshot with its SHA-256.

    Raises:
        SnapshotError: the folder holds something else.
        OSError: it cannot be written.
    """
    manifest, contents = _manifest(snapshot), _contents(snapshot)
    return _write(folder, replace(snapshot, sha256=_digest(manifest, contents)), manifest, contents)


def write_among(folder: Path, snapshot: Snapshot) -> tuple[str, Snapshot]:
    """Write a snapshot into the folder of all snapshots, under the beginning of its SHA-256.

    Returns:
        The name of its folder, and the snapshot with its SHA-256.

    Raises:
        SnapshotError: a folder of that name holds something else.
        OSError: it cannot be written.
    """
    manifest, contents = _manifest(snapshot), _contents(snapshot)
    snapshot = replace(snapshot, sha256=_digest(manifest, contents))
    name = snapshot.sha256[:SHORT]
    return name, _write(folder / name, snapshot, manifest, contents)


def _write(folder: Path, snapshot: Snapshot, manifest: bytes, contents: dict[str, Any]) -> Snapshot:
    if folder.exists():
        return _same(folder, snapshot)
    description = contents | {
        "sha256": snapshot.sha256,
        "created": snapshot.created.isoformat(),
        "images": _place(snapshot.images, folder),
    }
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    beside.mkdir(mode=0o700)
    try:
        _write_file(beside / MANIFEST, manifest)
        _write_file(beside / DESCRIPTION, json.dumps(description, indent=1, sort_keys=True).encode())
        _sync(beside)
        try:
            beside.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return _same(folder, snapshot)  # another process was faster
        _sync(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return snapshot


def read(folder: Path) -> Snapshot:
    """Read a snapshot and check that it is what was written.

    Raises:
        SnapshotError: it is not there, not whole, altered, or of an unknown kind.
    """
    manifest, description = _checked(folder)
    try:
        findings = tuple(description["findings"])
        return Snapshot(
            sha256=description["sha256"],
            created=datetime.fromisoformat(description["created"]),
            findings=findings,
            images=Path(os.path.normpath(folder.absolute() / description["images"])),
            items=tuple(_items(csv.reader(io.StringIO(manifest.decode(), newline="")), findings)),
            boxes={image: tuple(TrueBox(**box) for box in boxes) for image, boxes in description["boxes"].items()},
            about=description["about"],
        )
    except NOT_UNDERSTOOD as error:
        raise SnapshotError(f"{folder} is not a snapshot that this version understands; make a new one") from error


def _checked(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """The two files, as they were written."""
    try:
        manifest = (folder / MANIFEST).read_bytes()
        description = json.loads((folder / DESCRIPTION).read_bytes())
        contents = {key: description[key] for key in ("format", "findings", "about", "boxes")}
        if description["sha256"] != _digest(manifest, contents):
            raise SnapshotError(f"{folder} was changed after it was written; make a new one with `cxr snapshot create`")
        if contents["format"] != FORMAT:
            raise SnapshotError(f"{folder} was written by another version of the node; make a new one")
    except FileNotFoundError as error:
        raise SnapshotError(f"{folder} is no snapshot; `cxr snapshot list` shows those there are") from error
    except OSError as error:
        raise SnapshotError(f"{folder} cannot be read: {error.strerror}") from error
    except NOT_UNDERSTOOD as error:
        raise SnapshotError(f"{folder} is not a whole snapshot; make a new one with `cxr snapshot create`") from error
    return manifest, description


def _items(rows: Iterable[Sequence[str]], findings: Sequence[str]) -> Iterable[Item]:
    rows = iter(rows)
    if tuple(next(rows)) != (*COLUMNS, *findings):
        raise ValueError("other columns")
    for image, sha256, instance_id, study_id, patient, view, source, split, provenance, after_result, *labels in rows:
        if PurePosixPath(image).is_absolute() or ".." in PurePosixPath(image).parts:
            raise ValueError("an image outside of the folder of images")
        yield Item(
            image=image,
            sha256=sha256,
            instance_id=int(instance_id) if instance_id else None,
            study_id=int(study_id) if study_id else None,
            patient=patient,
            view=view,
            source=source,
            split=Split(split),
            labels=tuple(_LABELS[label] for label in labels),
            provenance=provenance,
            after_result=after_result == "1",
        )


def _manifest(snapshot: Snapshot) -> bytes:
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\n")
    table.writerow((*COLUMNS, *snapshot.findings))
    texts: dict[tuple[float, ...], list[str]] = {}  # many images have the same labels
    for item in snapshot.items:
        if item.labels not in texts:
            texts[item.labels] = [_TEXTS.get(label, "") for label in item.labels]
        table.writerow(
            (
                item.image,
                item.sha256,
                item.instance_id,
                item.study_id,
                item.patient,
                item.view,
                item.source,
                item.split,
                item.provenance,
                int(item.after_result),
                *texts[item.labels],
            )
        )
    return stream.getvalue().encode()


def _contents(snapshot: Snapshot) -> dict[str, Any]:
    """All but the rows that the SHA-256 is taken of."""
    return {
        "format": FORMAT,
        "findings": list(snapshot.findings),
        "about": dict(snapshot.about),
        "boxes": {image: [asdict(box) for box in boxes] for image, boxes in snapshot.boxes.items()},
    }


def _digest(manifest: bytes, contents: Mapping[str, Any]) -> str:
    whole = {**contents, "manifest": hashlib.sha256(manifest).hexdigest()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _same(folder: Path, snapshot: Snapshot) -> Snapshot:
    _, there = _checked(folder)
    if there["sha256"] != snapshot.sha256:
        raise SnapshotError(f"{folder} holds another snapshot; a snapshot is never changed, name another folder")
    return replace(snapshot, created=datetime.fromisoformat(there["created"]))


def _place(images: Path, folder: Path) -> str:
    """Relative where both are of one data folder, which may be moved as a whole."""
    images, data = images.absolute(), folder.absolute().parent.parent
    return os.path.relpath(images, folder.absolute()) if images.is_relative_to(data) else str(images)


def _write_file(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    path.chmod(0o400)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
