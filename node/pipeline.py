"""A study from its images to its results: one job, read from top to bottom.

Each frontal image is read once by each model version; the report, segmentations and overlays of the study are
built from the readings, stored, and handed to delivery in the transaction that ends the job. Running it again
with the same model and revision builds the same bytes.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from db import jobs
from db.engine import Database
from db.records import Job, JobState, Study, StudyState
from db.result_records import Result
from db.vocabulary import BROKEN
from inference.errors import BundleError
from node.destinations import routes
from node.files import InstanceStore
from node.models.service import CurrentModel, ModelInService, NoModelError
from node.objects import bundle, encoding, unread
from node.objects.identity import Identity
from node.objects.result import ResultObject
from node.study.known import Known, name_of, remember
from node.study.look import Look, NotRead, Read
from node.study.outcome import Outcome, StoredObject
from node.worker import Ending

NO_MODEL_DELAY_S = 30.0
"""How long a study waits before it asks again for a model to be read with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The handler of `read` jobs."""

    store: InstanceStore
    database: Database
    current_model: CurrentModel
    look: Look
    outcome: Outcome
    report_unread: bool = False
    """Whether a study that was not read gets a report that says so."""
    language: str = "en"
    """Of the reports' sentences."""
    step: Callable[[str], AbstractContextManager[object]] = nullcontext
    """Watches the steps `build` and `store`."""

    def __call__(self, job: Job) -> Ending:
        """Read a study's revision."""
        with self.database.read() as connection:
            known = remember(connection, job)
        if known.study.revision > job.revision:
            sentence = f"Revision {known.study.revision} of the study reads these images too."
            return Ending(state=JobState.DONE, error_code="superseded", error=sentence)
        try:
            model = self.current_model()
        except (NoModelError, BundleError) as error:  # a promotion mends it, and the study loses no attempt by it
            return Ending(state=JobState.QUEUED, error_code=jobs.NO_MODEL, error=str(error), delay_s=NO_MODEL_DELAY_S)
        looks = [self.look(instance, model) for instance in known.instances]
        read = [look for look in looks if isinstance(look, Read)]
        not_read = [look for look in looks if isinstance(look, NotRead)]
        if not read:
            return self._nothing_read(known, not_read, model, job)
        if _is_said(known.last, model, read):
            return Ending(
                state=JobState.DONE,
                record=lambda connection: self.outcome.nothing_new(connection, job, not_read),
            )
        stored = [self._store(result, model) for result in self._results(known, read, model, job)]
        return Ending(
            state=JobState.DONE,
            record=lambda connection: self.outcome.read(connection, job, read, not_read, stored),
        )

    def _results(self, known: Known, read: Sequence[Read], model: ModelInService, job: Job) -> tuple[ResultObject, ...]:
        with self.step("build"):
            return bundle.build(
                [look.reading for look in read],
                identity=_identity(known.study, model, job),
                model=model.description,
                created=job.created_at,
                predecessor=name_of(known.note or known.predecessor, known.study.study_instance_uid),
                kinds=routes.kinds_of(self.outcome.destinations),
                language=self.language,
            )

    def _nothing_read(self, known: Known, not_read: Sequence[NotRead], model: ModelInService, job: Job) -> Ending:
        """No image of the study can be read: its reason is the gravest of theirs."""
        broken = next((look for look in not_read if look.reason in BROKEN), None)
        cause = broken or not_read[0]
        where = f" {cause.tag}" if cause.tag else ""
        state = StudyState.FAILED if broken else StudyState.NOT_READ
        note = self._note(known, not_read, model, job) if self.report_unread else None
        return Ending(
            state=JobState.FAILED if broken else JobState.DONE,
            error_code=cause.reason,
            error=f"{cause.detail}{where}",
            record=lambda connection: self.outcome.not_read(connection, job, not_read, state, note),
        )

    def _note(self, known: Known, not_read: Sequence[NotRead], model: ModelInService, job: Job) -> StoredObject | None:
        """The report that a study was not read, if any of its headers is one."""
        note = unread.build(
            [(self.store.path(look.instance.path), look.reason) for look in not_read],
            identity=_identity(known.study, model, job),
            model=model.description,
            created=job.created_at,
            predecessor=name_of(known.predecessor, known.study.study_instance_uid),
            language=self.language,
        )
        return None if note is None else self._store(note, model)

    def _store(self, result: ResultObject, model: ModelInService) -> StoredObject:
        with self.step("store"):
            data = encoding.encode(result.dataset)
            path = self.store.put(data)
        return StoredObject(
            result=result,
            model_version=model.description.version,
            path=path,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )


def _is_said(last: Result | None, model: ModelInService, read: Sequence[Read]) -> bool:
    """Whether the report before says all there is to say: by this model, and of these images."""
    same_model = last is not None and last.model_version == model.description.version
    return same_model and not any(look.fresh for look in read)


def _identity(study: Study, model: ModelInService, job: Job) -> Identity:
    return Identity(
        study_instance_uid=study.study_instance_uid,
        revision=job.revision,
        model_version=model.description.version,
    )
