"""What a person does to a study: have it read again, have its results sent again, take them back.

Each act is one transaction with its entry in the audit log. Who asks says in which state they saw what they act on, so
that of two people at once, or of one who clicks twice, the second changes nothing and is told.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from db import audit, awakening, deliveries, dossier, jobs, retractions, studies
from db.dossier import READ_AGAIN, RETRACT, SEND_AGAIN, Dossier
from db.engine import Connection, Database
from db.jobs import UNFINISHED
from db.records import Job, JobKind, JobState, StudyState
from db.retractions import TakenBack, Wanted
from db.vocabulary import RejectionReason
from node.errors import NodeError

ENDED = (JobState.DONE, JobState.FAILED, JobState.DEAD)
MEANWHILE = "Somebody has asked for that already, or the study has changed since you looked."


class UnknownStudyError(NodeError):
    """The node does not know the study."""

    def __init__(self) -> None:
        super().__init__("no study has this UID; `cxr studies` lists them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an act: a sentence for who asked, and whether anything was changed."""

    sentence: str
    changed: bool


def seen(study_revision: int, job: Job | None) -> str:
    """The state of a job as somebody saw it, to be given back with an act; it is another after every attempt."""
    return f"{study_revision}.{job.id}.{job.attempts}" if job else f"{study_revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Does what people ask for, in their names."""

    database: Database
    now: Callable[[], datetime]

    def read_again(self, study_instance_uid: str, actor: str, saw: str | None = None) -> Outcome:
        """Have a study read once more, by the model that is in service then.

        A job that failed is tried again; else the study gets a new revision, whose results take the place of those
        before. Where the same model has read the same images there is nothing new to say, and nothing is sent.

        Raises:
            UnknownStudyError: there is no such study.
        """
        with self.database.write() as connection:
            found = _known(connection, study_instance_uid)
            if saw not in (None, seen(found.study.revision, found.reading)):
                return Outcome(sentence=MEANWHILE, changed=False)
            if found.study.settle_at is not None:
                return Outcome(sentence="It is still arriving, and is read as soon as it is quiet.", changed=False)
            if found.reading is not None and found.reading.state in UNFINISHED:
                return Outcome(sentence="It is waiting to be read already.", changed=False)
            if not self._queue_reading(connection, found):
                return Outcome(sentence=MEANWHILE, changed=False)
            self._note(connection, actor, READ_AGAIN, study_instance_uid)
        return Outcome(sentence="It is waiting to be read again.", changed=True)

    def _queue_reading(self, connection: Connection, found: Dossier) -> bool:
        """Whether this was first to do so."""
        study, job, now = found.study, found.reading, self.now()
        if job is not None and job.state is not JobState.DONE:
            studies.end_revision(connection, study.id, study.revision, StudyState.QUEUED)
            return bool(awakening.retry(connection, job.id, now))
        revision = studies.begin_revision(connection, study)
        if revision is None:
            return False
        jobs.add(connection, kind=JobKind.READ, subject_id=study.id, revision=revision, now=now)
        return True

    def send_again(self, study_instance_uid: str, destination: str, actor: str, saw: str | None = None) -> Outcome:
        """Send what stands of a study's newest results to a destination once more, as the same instances.

        Raises:
            UnknownStudyError: there is no such study.
        """
        with self.database.write() as connection:
            found = _known(connection, study_instance_uid)
            job = found.sending(destination)
            if job is None:
                return Outcome(sentence=f"Nothing that stands is to go to {destination}.", changed=False)
            if saw not in (None, seen(found.study.revision, job)):
                return Outcome(sentence=MEANWHILE, changed=False)
            if job.state in UNFINISHED or not self._reopen(connection, job):
                return Outcome(sentence=f"It is on its way to {destination} already.", changed=False)
            mine = {each.id for each in found.standing if each.revision == job.revision}
            objects = deliveries.send_again(
                connection,
                [each.id for each in found.deliveries if each.result_id in mine and each.destination == destination],
            )
            self._note(connection, actor, SEND_AGAIN, study_instance_uid, destination=destination, objects=objects)
        return Outcome(sentence=f"{objects} objects are on their way to {destination} again.", changed=True)

    def _reopen(self, connection: Connection, job: Job) -> bool:
        return bool(
            awakening.reopen(
                connection,
                kind=job.kind,
                subject_id=job.subject_id,
                revision=job.revision,
                destination=job.destination or "",
                now=self.now(),
                states=ENDED,
            )
        )

    def take_back(self, study_instance_uid: str, reason: RejectionReason, actor: str) -> Outcome:
        """Take all results of a study back that stand; each destination that got some is told.

        Raises:
            UnknownStudyError: there is no such study.
        """
        with self.database.write() as connection:
            study = _known(connection, study_instance_uid).study
            wanted = Wanted(study_instance_uid=study_instance_uid)
            taken = take_back(connection, study.id, wanted, reason, actor=actor, now=self.now())
        if taken is None:
            return Outcome(sentence="Its results were taken back already, or there are none.", changed=False)
        to = f" {', '.join(taken.destinations)} will be told." if taken.destinations else ""
        return Outcome(sentence=f"Taken back: {taken.objects} of its results.{to}", changed=True)

    def _note(self, connection: Connection, actor: str, action: str, subject: str, **detail: object) -> None:
        audit.append(connection, actor=actor, action=action, subject=subject, now=self.now(), detail=detail)


def take_back(
    connection: Connection, study_id: int, wanted: Wanted, reason: RejectionReason, *, actor: str, now: datetime
) -> TakenBack | None:
    """Take the wanted results of one study back, and write down who did it; None if somebody else was faster."""
    done = retractions.retract(connection, study_id, wanted, reason, now)
    if done is None:
        return None
    detail = {"reason": reason} | {name: str(value) for name, value in asdict(wanted).items() if value is not None}
    audit.append(
        connection,
        actor=actor,
        action=RETRACT,
        subject=done.study_instance_uid,
        now=now,
        detail=detail | {"objects": done.objects, "destinations": list(done.destinations)},
    )
    return done


def _known(connection: Connection, study_instance_uid: str) -> Dossier:
    found = dossier.of_study(connection, study_instance_uid)
    if found is None:
        raise UnknownStudyError
    return found
