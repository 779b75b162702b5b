"""Radiographs and heat maps as pictures for a browser.

A radiograph is decoded as for reading, where its codec cannot harm, in the grey levels that its header asks for, and
kept as an 8-bit PNG in two sizes: a first one, for a screen, and all its pixels, for who looks closer.
"""

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from PIL import Image as Pillow

from db import results
from db.engine import Database
from db.records import StoredInstance
from inference.isolation import Isolated
from node.files import InstanceStore
from node.models.predictions import restored
from node.objects.tint import heat_picture
from node.pictures.shelf import Shelf, Size, open_shelf
from node.premises import Premises
from node.upkeep import integrity, quarantine

FIRST_SIDE = 1280
"""The longer side of the first picture, in pixels."""
AT_ONCE = 2
"""Radiographs that are rendered at a time: each takes the memory of all its pixels, several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Makes pictures of what is in the store and the database, and keeps those that take long."""

    store: InstanceStore
    database: Database
    images: Isolated
    shelf: Shelf
    max_pixels: int
    now: Callable[[], datetime]
    _turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def start(self) -> None:
        """Nothing is made before somebody asks."""

    def stop(self) -> None:
        """End the processes that decode."""
        self.images.close()

    def ready(self) -> None:
        """Somebody may soon want a picture: to start a process takes longer than a person should wait for one."""
        self.images.begin()

    def radiograph(self, instance: StoredInstance, size: Size) -> bytes:
        """A stored image as PNG, whatever its header says of view and body part.

        Raises:
            NotReadable: whatever is the matter with it; a file that is gone has no picture any more either.
        """
        if instance.absence is not None:
            self.shelf.forget(instance.sha256)
            raise quarantine.unreadable(instance.absence)
        kept = self.shelf.find(instance.sha256, size)
        if kept is not None:
            return kept
        with self._turns:
            # Somebody else may have been faster.
            return self.shelf.find(instance.sha256, size) or self._made(instance, size)

    def _made(self, instance: StoredInstance, size: Size) -> bytes:
        opened = partial(quarantine.opened, self.database, self.store, integrity.of(instance), self.now())
        image = self.images.read(self.store.path(instance.path), None, self.max_pixels, opened=opened)
        picture = Pillow.fromarray(image.display())
        if size is Size.FIRST:
            picture.thumbnail((FIRST_SIDE, FIRST_SIDE), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
        data = io.BytesIO()
        picture.save(data, "PNG", compress_level=1)
        self.shelf.put(instance.sha256, size, data.getvalue())
        return data.getvalue()

    def heat(self, instance_id: int, model_version: str, finding: str) -> bytes | None:
        """A finding's heat map as PNG with alpha; None if this model has not read the image or does not know it."""
        with self.database.read() as connection:
            stored = results.prediction_of(connection, instance_id, model_version)
        if stored is None:
            return None
        prediction = restored(stored)
        maps = {score.finding: cam for score, cam in zip(prediction.scores, prediction.cam, strict=True)}
        return heat_picture(maps[finding], prediction.rows, prediction.columns) if finding in maps else None


def open_gallery(premises: Premises) -> Gallery:
    """The pictures of a node's store, kept in the data folder."""
    settings = premises.settings
    return Gallery(
        store=premises.store,
        database=premises.database,
        images=Isolated(AT_ONCE),
        shelf=open_shelf(settings),
        max_pixels=settings.reading.max_pixels,
        now=premises.now,
    )
