"""The shadow: a model that reads what the current one has read, and is heard by nobody.

Each revision of a study that was read leaves a job of its own kind, in the transaction that stores its results. The
job lets the shadow model read the same images and keeps its predictions; it builds and sends nothing. It stands back:
as long as a study waits to be read or is being read, no image of the shadow's is begun, and then on one thread. It
does not wait in its place, since that may be the only place where studies are read.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from db import backlog, jobs, models, results, studies
from db.engine import Connection, Database
from db.records import Job, JobKind, JobState, StoredInstance, StoredPrediction
from inference import image_file
from inference.errors import BundleError, NotReadable
from inference.image_file import ReadImage
from inference.policy import Policy
from node.files import InstanceStore
from node.models.predictions import kept
from node.models.service import CurrentModel, ModelInService, NoModelError
from node.worker import Ending

BROKEN_DELAY_S = 300.0
"""How long a job waits before it asks again for a shadow that cannot be loaded."""
Record = Callable[[Connection], list[int]]

STAND_BACK_S = 1.0
"""How long a job stands back before it looks again whether studies wait."""


def queue(connection: Connection, read: Job, now: datetime) -> int | None:
    """Leave a job for the shadow, if there is one, with the rows of a revision that was read. Returns its id."""
    if models.shadow(connection) is None:
        return None
    return jobs.add(connection, kind=JobKind.SHADOW, subject_id=read.subject_id, revision=read.revision, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """The handler of `shadow` jobs."""

    store: InstanceStore
    database: Database
    model: CurrentModel
    policy: Policy
    max_pixels: int
    now: Callable[[], datetime]
    read_image: ReadImage = image_file.read
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job: Job) -> Ending:
        """Let the shadow read a study."""
        try:
            model = self.model()
        except NoModelError:
            return Ending(state=JobState.DONE, error_code="no_shadow", error="No model reads in the shadow any more.")
        except BundleError as error:
            return Ending(state=JobState.QUEUED, error_code="shadow_broken", error=str(error), delay_s=BROKEN_DELAY_S)
        made: list[StoredPrediction] = []

        def record(connection: Connection) -> list[int]:
            for prediction in made:
                results.add_prediction(connection, prediction, self.now())
            return []

        for instance in self._unread(job, model.description.version):
            if self._stopping.is_set():
                return _later("stopped", "The node stopped; it goes on later.", record)
            if self._studies_wait():
                return _later("stands_back", "Studies wait to be read; it goes on after them.", record)
            prediction = self._read(instance, model)
            if prediction is not None:
                made.append(prediction)
        return Ending(state=JobState.DONE, record=record)

    def stop(self) -> None:
        """Begin no further image."""
        self._stopping.set()

    def _unread(self, job: Job, version: str) -> list[StoredInstance]:
        """What a model in service has read of the study, and the shadow has not.

        Only these: what the shadow says of an image must not make it look reported (see `Pipeline`).
        """
        with self.database.read() as connection:
            by_version = results.readers(connection, job.subject_id)
            found = studies.instances(connection, job.subject_id)
        here = [each for each in found if each.absence is None]
        return [each for each in here if by_version.get(each.id) and version not in by_version[each.id]]

    def _studies_wait(self) -> bool:
        with self.database.read() as connection:
            return backlog.any_at_hand(connection, JobKind.READ, self.now())

    def _read(self, instance: StoredInstance, model: ModelInService) -> StoredPrediction | None:
        try:
            image = self.read_image(self.store.path(instance.path), self.policy, self.max_pixels)
        except NotReadable:
            return None  # it was read before; the settings or the store have changed, and the study's own job says so
        return kept(instance.id, model.classify(image))


def _later(code: str, sentence: str, record: Record) -> Ending:
    """Back to the queue; what was read is kept and not read again."""
    return Ending(state=JobState.QUEUED, error_code=code, error=sentence, delay_s=STAND_BACK_S, record=record)
