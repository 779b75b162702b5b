"""A study from its images to its results: one job, read from top to bottom.

Each frontal image is read once by each model version; the report, segmentations and overlays of the study are
built from the readings, stored, and handed to delivery in the transaction that ends the job. Running it again
with the same model and revision builds the same bytes.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydicom.dataset import Dataset

from db import concordance, frontals, jobs, positives, results, studies
from db.engine import Connection, Database
from db.learning_records import Frontal
from db.records import Job, JobState, StoredInstance, Study, StudyState
from db.result_records import REPORT_KINDS, Result, ResultKind
from db.vocabulary import BROKEN, Reason
from inference import image_file
from inference.eligibility import view
from inference.errors import BundleError, NotReadable
from inference.image import Image
from inference.image_file import ReadImage
from inference.policy import Policy
from inference.prediction import Prediction
from node.destinations import routes
from node.destinations.routes import Route
from node.files import InstanceStore
from node.models import shadow
from node.models.predictions import kept, probabilities, restored
from node.models.service import CurrentModel, ModelInService, NoModelError
from node.objects import bundle, encoding, unread
from node.objects.identity import Identity
from node.objects.reading import Reading
from node.objects.result import ResultObject
from node.upkeep import integrity, quarantine
from node.worker import Ending

log = logging.getLogger(__name__)

NO_MODEL_DELAY_S = 30.0
"""How long a study waits before it asks again for a model to be read with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An image that was read: `fresh` if its prediction was made by this job."""

    instance: StoredInstance
    reading: Reading
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """An image that was not, and why."""

    instance: StoredInstance
    reason: Reason
    detail: str
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A result object whose bytes are in the store."""

    result: ResultObject
    model_version: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The handler of `read` jobs."""

    store: InstanceStore
    database: Database
    current_model: CurrentModel
    policy: Policy
    max_pixels: int
    destinations: Sequence[Route]
    now: Callable[[], datetime]
    read_image: ReadImage = image_file.read
    report_unread: bool = False
    """Whether a study that was not read gets a report that says so."""
    language: str = "en"
    """Of the reports' sentences."""
    step: Callable[[str], AbstractContextManager[object]] = nullcontext
    """Watches the steps `load`, `infer`, `build` and `store`."""

    def __call__(self, job: Job) -> Ending:
        """Read a study's revision."""
        study, instances, last, predecessor, earlier_note = self._remember(job)
        if study.revision > job.revision:
            sentence = f"Revision {study.revision} of the study reads these images too."
            return Ending(state=JobState.DONE, error_code="superseded", error=sentence)
        try:
            model = self.current_model()
        except (NoModelError, BundleError) as error:  # a promotion mends it, and the study loses no attempt by it
            return Ending(state=JobState.QUEUED, error_code=jobs.NO_MODEL, error=str(error), delay_s=NO_MODEL_DELAY_S)
        looks = [self._look(instance, model) for instance in instances]
        read = [look for look in looks if isinstance(look, Read)]
        not_read = [look for look in looks if isinstance(look, NotRead)]
        identity = Identity(
            study_instance_uid=study.study_instance_uid,
            revision=job.revision,
            model_version=model.description.version,
        )
        if not read:
            note = self._unread(not_read, identity, model, job, predecessor)
            return self._nothing_read(job, not_read, note)
        same_model = last is not None and last.model_version == model.description.version
        if same_model and not any(look.fresh for look in read):
            return _nothing_new(job, not_read)
        with self.step("build"):
            objects = bundle.build(
                [look.reading for look in read],
                identity=identity,
                model=model.description,
                created=job.created_at,
                predecessor=name_of(earlier_note or predecessor, study.study_instance_uid),
                kinds=routes.kinds_of(self.destinations),
                language=self.language,
            )
        stored = [self._store(result, model.description.version) for result in objects]
        return Ending(
            state=JobState.DONE,
            record=lambda connection: self._record(connection, job, read, not_read, stored),
        )

    def _remember(self, job: Job) -> tuple[Study, list[StoredInstance], Result | None, Result | None, Result | None]:
        """The study, its instances, the report before, the one to name as predecessor, and this revision's note.

        A report that was taken back is not named any more; neither is it made again if there is nothing new to say. The
        note says that this revision was not read, where a person has asked again since and now it is.
        """
        with self.database.read() as connection:
            return (
                studies.get(connection, job.subject_id),
                studies.instances(connection, job.subject_id),
                results.previous(connection, job.subject_id, job.revision, (ResultKind.SR,)),
                results.predecessor(connection, job.subject_id, job.revision, REPORT_KINDS),
                results.note(connection, job.subject_id, job.revision, ResultKind.NOT_PROCESSED),
            )

    def _look(self, instance: StoredInstance, model: ModelInService) -> Read | NotRead:
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
            return NotRead(instance=instance, reason=Reason.NOT_IMAGE, detail=Reason.NOT_IMAGE.sentence, tag=None)
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

    def _unread(
        self,
        not_read: Sequence[NotRead],
        identity: Identity,
        model: ModelInService,
        job: Job,
        predecessor: Result | None,
    ) -> StoredObject | None:
        """The report that a study was not read, if that is wanted and any of its headers is one."""
        if not self.report_unread:
            return None
        note = unread.build(
            [(self.store.path(look.instance.path), look.reason) for look in not_read],
            identity=identity,
            model=model.description,
            created=job.created_at,
            predecessor=name_of(predecessor, identity.study_instance_uid),
            language=self.language,
        )
        return None if note is None else self._store(note, model.description.version)

    def _nothing_read(self, job: Job, not_read: Sequence[NotRead], note: StoredObject | None) -> Ending:
        """No image of the study can be read: its reason is the gravest of theirs."""
        broken = next((look for look in not_read if look.reason in BROKEN), None)
        cause = broken or not_read[0]
        where = f" {cause.tag}" if cause.tag else ""

        def record(connection: Connection) -> list[int]:
            _record_looks(connection, (), not_read, job.created_at)
            state = StudyState.FAILED if broken else StudyState.NOT_READ
            studies.end_revision(connection, job.subject_id, job.revision, state)
            return self._record_note(connection, job, note) if note else []

        return Ending(
            state=JobState.FAILED if broken else JobState.DONE,
            error_code=cause.reason,
            error=f"{cause.detail}{where}",
            record=record,
        )

    def _record_note(self, connection: Connection, job: Job, note: StoredObject) -> list[int]:
        """The row of a note and its deliveries; where a person asked again, the first one stands."""
        overtaken = studies.get(connection, job.subject_id).revision > job.revision
        if overtaken or results.under(connection, note.result.sop_instance_uid) is not None:
            self.store.remove(note.path)
            return []
        made = [(_add_result(connection, job, note), note.result.kind)]
        new_jobs = routes.dispatch(connection, self.destinations, job, made, above=False, now=self.now())
        return [job_id for job_id in new_jobs if job_id is not None]

    def _store(self, result: ResultObject, model_version: str) -> StoredObject:
        with self.step("store"):
            data = encoding.encode(result.dataset)
            path = self.store.put(data)
        return StoredObject(
            result=result,
            model_version=model_version,
            path=path,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def _record(
        self,
        connection: Connection,
        job: Job,
        read: Sequence[Read],
        not_read: Sequence[NotRead],
        stored: Sequence[StoredObject],
    ) -> list[int]:
        """The rows of a read study; its deliveries are queued with them."""
        if studies.get(connection, job.subject_id).revision > job.revision:
            return []  # overtaken while it ran: the newer revision reads and reports these images
        now = self.now()
        _record_looks(connection, read, not_read, now)
        result_ids = [_add_result(connection, job, item) for item in stored]
        studies.end_revision(connection, job.subject_id, job.revision, StudyState.READ)
        concordance.refresh(connection, [job.subject_id])
        positives.replace(connection, job.subject_id, probabilities(seen.reading.prediction for seen in read))
        made = [(result_id, item.result.kind) for result_id, item in zip(result_ids, stored, strict=True)]
        above = any(score.present for seen in read for score in seen.reading.prediction.scores)
        new_jobs = routes.dispatch(connection, self.destinations, job, made, above=above, now=now)
        new_jobs.append(shadow.queue(connection, job, now))
        return [job_id for job_id in new_jobs if job_id is not None]


def _nothing_new(job: Job, not_read: Sequence[NotRead]) -> Ending:
    """What came late was no image to read: the results there are still say all."""

    def record(connection: Connection) -> list[int]:
        _record_looks(connection, (), not_read, job.created_at)
        studies.end_revision(connection, job.subject_id, job.revision, StudyState.READ)
        return []

    return Ending(state=JobState.DONE, record=record)


def _record_looks(connection: Connection, read: Sequence[Read], not_read: Sequence[NotRead], now: datetime) -> None:
    for look in not_read:
        studies.set_reason(connection, look.instance.id, look.reason, look.detail, look.tag)
    frontals.record(
        connection, [Frontal(instance_id=seen.instance.id, view=view(seen.reading.header)) for seen in read]
    )
    for seen in read:
        if seen.instance.reason is not None:
            studies.clear_reason(connection, seen.instance.id)
        if seen.fresh:
            results.add_prediction(connection, kept(seen.instance.id, seen.reading.prediction), now)


def _add_result(connection: Connection, job: Job, stored: StoredObject) -> int:
    return results.add_result(
        connection,
        job_id=job.id,
        study_id=job.subject_id,
        revision=job.revision,
        kind=stored.result.kind,
        model_version=stored.model_version,
        sop_class_uid=stored.result.sop_class_uid,
        sop_instance_uid=stored.result.sop_instance_uid,
        series_instance_uid=stored.result.series_instance_uid,
        path=stored.path,
        size=stored.size,
        sha256=stored.sha256,
        created_at=job.created_at,
    )


def reading_of(image: Image, header: Dataset, prediction: Prediction) -> Reading:
    """An image and what a model said of it, for the result objects."""
    return Reading(
        header=header,
        display=image.display(),
        prediction=prediction,
        stored_range=(int(image.stored.min()), int(image.stored.max())),
    )


def name_of(previous: Result | None, study_instance_uid: str) -> tuple[str, str, str, str] | None:
    """How a report names the one before it."""
    if previous is None:
        return None
    return previous.sop_class_uid, previous.sop_instance_uid, previous.series_instance_uid, study_instance_uid
