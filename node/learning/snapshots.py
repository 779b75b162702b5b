"""Snapshots of a node: made from what it has accumulated, kept in its data folder, and found again by their hash."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from db import snapshots
from db.engine import Database
from db.learning_records import RegisteredSnapshot
from db.vocabulary import Split
from inference.policy import Policy
from node.errors import SettingsError
from node.files import InstanceStore
from node.learning import inspection
from training import pseudonym, selection, snapshot
from training.snapshot import Snapshot
from training.study_labels import Wanted

FOLDER = "snapshots"


@dataclass(slots=True, kw_only=True)
class Counts:
    """The images of one split: how many, of how many patients, and per finding how many have it, or perhaps."""

    images: int = 0
    patients: set[str] = field(default_factory=set)
    positive: list[int]
    uncertain: list[int]


def create(
    database: Database,
    store: InstanceStore,
    *,
    data: Path,
    wanted: Wanted,
    policy: Policy,
    now: datetime,
    on_batch: Callable[[int], None],
) -> Snapshot:
    """Look at the headers that nobody has looked at, select, write the snapshot and enter it.

    Args:
        database: the node's.
        store: where its images are.
        data: the node's data folder.
        wanted: what is asked for.
        policy: what is let through where a header is silent.
        now: the time.
        on_batch: called with a number of images that were looked at.

    Raises:
        training.errors.SnapshotError: there is nothing to train on, or the folder cannot be used.
    """
    inspection.look(database, store, policy, on_batch)
    with _nothing_collected():
        return _make(database, data, store.path(""), wanted, now)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Look for no garbage meanwhile.

    There are a million objects that all live, and to visit them again and again takes a quarter of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _make(database: Database, data: Path, images: Path, wanted: Wanted, now: datetime) -> Snapshot:
    pseudonyms = pseudonym.of_site(data)
    selected = selection.select(database.read, database.write, wanted, pseudonyms=pseudonyms, images=images, now=now)
    name, written = snapshot.write_among(data / FOLDER, selected)
    counted = {split: number.images for split, number in counts(written).items()}
    with database.write() as connection:
        snapshots.register(
            connection,
            sha256=written.sha256,
            folder=name,
            created_at=written.created,
            findings=written.findings,
            images=counted,
            about=written.about,
        )
    return written


def find(database: Database, beginning: str) -> RegisteredSnapshot:
    """The snapshot whose hash begins so.

    Raises:
        SettingsError: there is none, or there are several.
    """
    with database.read() as connection:
        found = snapshots.beginning_with(connection, beginning.lower())
    if not found:
        raise SettingsError("no snapshot has a hash that begins so; `cxr snapshot list` shows those there are")
    if len(found) > 1:
        raise SettingsError(f"{len(found)} snapshots have a hash that begins so; give more of it")
    return found[0]


def folder_of(data: Path, registered: RegisteredSnapshot) -> Path:
    """Where a snapshot lies."""
    return data / FOLDER / registered.folder


def counts(of: Snapshot) -> dict[Split, Counts]:
    """What is in each split."""
    number = len(of.findings)
    found = {split: Counts(positive=[0] * number, uncertain=[0] * number) for split in Split}
    for item in of.items:
        counted = found[item.split]
        counted.images += 1
        counted.patients.add(item.patient)
        for place, label in enumerate(item.labels):
            if label != 0.0:
                (counted.positive if label == 1.0 else counted.uncertain)[place] += 1
    return found
