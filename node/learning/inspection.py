"""Look at the headers of stored images: which of them are frontal chest radiographs, and of which view.

An image is looked at when it is read. What nobody has read (imported to learn from, or received before this was
kept) is looked at here, once: a frontal one gets its row, another one its reason.
"""

from collections.abc import Callable
from pathlib import Path

from db import frontals, studies
from db.engine import Database
from db.learning_records import Frontal, UnlookedImage
from inference import image_file
from inference.errors import NotReadable
from inference.policy import Policy
from node.files import InstanceStore

BATCH = 500
"""Images of one transaction."""


def look(database: Database, store: InstanceStore, policy: Policy, on_batch: Callable[[int], None]) -> int:
    """Look at every image that nobody has looked at; what was done stays done if it is cut off.

    Args:
        database: where the rows are.
        store: where the images are.
        policy: what is let through where a header is silent.
        on_batch: called with the number of images after each batch.

    Returns:
        How many files could not be opened; they are looked at again the next time.
    """
    after = missing = 0
    while True:
        with database.read() as connection:
            batch = frontals.unlooked(connection, after=after, limit=BATCH)
        if not batch:
            return missing
        after = batch[-1].instance_id
        looks = [_look(each, store.path(each.path), policy) for each in batch]
        missing += looks.count(None)
        with database.write() as connection:
            frontals.record(connection, [each for each in looks if isinstance(each, Frontal)])
            for image, each in zip(batch, looks, strict=True):
                if isinstance(each, NotReadable):
                    studies.set_reason(connection, image.instance_id, each.reason, each.detail, each.tag)
        on_batch(len(batch))


def _look(image: UnlookedImage, path: Path, policy: Policy) -> Frontal | NotReadable | None:
    try:
        return Frontal(instance_id=image.instance_id, view=image_file.frontal_view(path, policy))
    except NotReadable as reason:
        return reason
    except OSError:
        return None
