"""One image of a study: read by the model in service, or not, and why."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydicom.dataset import Dataset

from db import results
from db.engine import Database
from db.records import StoredInstance
from db.vocabulary import Reason
from inference import image_file
from inference.errors import NotReadable
from inference.image import Image
from inference.image_file import ReadImage
from inference.policy import Policy
from inference.prediction import Prediction
from node.files import InstanceStore
from node.models.predictions import restored
from node.models.service import ModelInService
from node.objects.reading import Reading
from node.upkeep import integrity, quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An image that was read: `fresh` if its prediction was made now."""

    instance: StoredInstance
    reading: Reading
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """An image that was not, and why."""

    instance: StoredInstance
    reason: Reason
    detail: str
    tag: str | None = None


Look = Callable[[StoredInstance, ModelInService], Read | NotRead]
"""Reads one image, or says why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLook:
    """Looks at an image in the store. A model reads each once: its prediction is remembered."""

    store: InstanceStore
    database: Database
    policy: Policy
    max_pixels: int
    now: Callable[[], datetime]
    read_image: ReadImage = image_file.read
    step: Callable[[str], AbstractContextManager[object]] = nullcontext
    """Watches the steps `load` and `infer`."""

    def __call__(self, instance: StoredInstance, model: ModelInService) -> Read | NotRead:
        """Read one image, or say why not."""
        if instance.reason is Reason.DUPLICATE_UID:
            return NotRead(
                instance=instance,
                reason=instance.reason,
                detail=instance.reason_detail,
                tag=instance.reason_tag,
            )
        try:
            with self.step("load"):
                image = self._image(instance)
        except NotReadable as error:
            return NotRead(instance=instance, reason=error.reason, detail=error.detail, tag=error.tag)
        if image.header is None:
            return NotRead(instance=instance, reason=Reason.NOT_IMAGE, detail=Reason.NOT_IMAGE.sentence)
        with self.database.read() as connection:
            known = results.prediction_of(connection, instance.id, model.description.version)
        with self.step("infer"):
            prediction = restored(known) if known else model.classify(image)
        return Read(instance=instance, reading=reading_of(image, image.header, prediction), fresh=known is None)

    def _image(self, instance: StoredInstance) -> Image:
        """Read the image of a file that is as it was received; one that is not is set aside.

        Raises:
            NotReadable: whatever is the matter with it.
        """
        opened = partial(quarantine.opened, self.database, self.store, integrity.of(instance), self.now())
        return self.read_image(self.store.path(instance.path), self.policy, self.max_pixels, opened=opened)


def reading_of(image: Image, header: Dataset, prediction: Prediction) -> Reading:
    """An image and what a model said of it, for the result objects."""
    return Reading(
        header=header,
        display=image.display(),
        prediction=prediction,
        stored_range=(int(image.stored.min()), int(image.stored.max())),
    )
