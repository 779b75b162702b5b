"""What came of a study, written down in the transaction that ends its job: images, predictions, results, deliveries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from db import concordance, frontals, positives, results, studies
from db.engine import Connection
from db.learning_records import Frontal
from db.records import Job, StudyState
from db.result_records import ResultKind
from inference.eligibility import view
from node.destinations import routes
from node.destinations.routes import Route
from node.models import shadow
from node.models.predictions import kept, probabilities
from node.objects.result import ResultObject
from node.study.look import NotRead, Read


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A result object whose bytes are in the store."""

    result: ResultObject
    model_version: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Writes it down. Each method returns the ids of the jobs that are to be announced."""

    destinations: Sequence[Route]
    now: Callable[[], datetime]
    discard: Callable[[str], None]
    """Removes the stored bytes of an object that gets no row."""

    def read(
        self,
        connection: Connection,
        job: Job,
        read: Sequence[Read],
        not_read: Sequence[NotRead],
        stored: Sequence[StoredObject],
    ) -> list[int]:
        """A study that was read."""
        if _overtaken(connection, job):
            return []  # the newer revision reads and reports these images
        now = self.now()
        _looks(connection, read, not_read, now)
        made = [(_result(connection, job, each), each.result.kind) for each in stored]
        studies.end_revision(connection, job.subject_id, job.revision, StudyState.READ)
        concordance.refresh(connection, [job.subject_id])
        positives.replace(connection, job.subject_id, probabilities(seen.reading.prediction for seen in read))
        above = any(score.present for seen in read for score in seen.reading.prediction.scores)
        return [*self._sent(connection, job, made, above=above), *_announced(shadow.queue(connection, job, now))]

    def nothing_new(self, connection: Connection, job: Job, not_read: Sequence[NotRead]) -> list[int]:
        """A study whose results there are say all: what came late was no image to read."""
        _looks(connection, (), not_read, job.created_at)
        studies.end_revision(connection, job.subject_id, job.revision, StudyState.READ)
        return []

    def not_read(
        self,
        connection: Connection,
        job: Job,
        not_read: Sequence[NotRead],
        state: StudyState,
        note: StoredObject | None,
    ) -> list[int]:
        """A study in which no image could be read, with the note that says so, if one is made."""
        _looks(connection, (), not_read, job.created_at)
        studies.end_revision(connection, job.subject_id, job.revision, state)
        if note is None:
            return []
        if _overtaken(connection, job) or results.under(connection, note.result.sop_instance_uid) is not None:
            self.discard(note.path)  # where a person asked again, the first one stands
            return []
        return self._sent(connection, job, [(_result(connection, job, note), note.result.kind)], above=False)

    def _sent(
        self, connection: Connection, job: Job, made: Sequence[tuple[int, ResultKind]], *, above: bool
    ) -> list[int]:
        return _announced(*routes.dispatch(connection, self.destinations, job, made, above=above, now=self.now()))


def _overtaken(connection: Connection, job: Job) -> bool:
    """Whether the study has grown while the job ran."""
    return studies.get(connection, job.subject_id).revision > job.revision


def _announced(*job_ids: int | None) -> list[int]:
    return [each for each in job_ids if each is not None]


def _looks(connection: Connection, read: Sequence[Read], not_read: Sequence[NotRead], now: datetime) -> None:
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


def _result(connection: Connection, job: Job, stored: StoredObject) -> int:
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
