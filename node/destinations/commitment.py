"""Storage commitment, both ways (DICOM PS3.4 annex J).

Destinations answer for our results: the answer settles the deliveries of its transaction and lets their jobs go on.
Modalities ask whether what they sent is safe here: the request is a row and a job before they hear success, and only
what has its rows and its whole file is committed to. The answer goes to the modality on an association of ours if the
settings say where it listens, else on its own, at once.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import awakening, commitments, deliveries, jobs, studies, trials
from db.engine import Connection, Database
from db.records import Job, JobKind, JobState, StoredInstance
from node.dicom.commitment import CLASS_CONFLICT, FAILURE_REASONS, NO_SUCH_INSTANCE, Report, Request
from node.dicom.opening import Address
from node.dicom.reporter import SendReport
from node.errors import UnreachableError
from node.files import InstanceStore
from node.worker import Announce, Ending

log = logging.getLogger(__name__)

RESEND_DELAY_S = 10.0
"""How long to wait before an object that a destination lost is sent again."""
FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 600.0
PATIENCE = timedelta(days=2)
"""How long a modality may be away before nobody tries any more to tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Takes what peers say about commitment (see `node.dicom.commitment.Commitment`).

    Args:
        reachable: the AE titles of modalities that the settings give a host and port.
    """

    database: Database
    store: InstanceStore
    reachable: Collection[str]
    announce: Announce
    now: Callable[[], datetime]

    def asked(self, calling_ae: str, request: Request) -> Report | None:
        """Keep a modality's request, and either queue its answer or return it."""
        with self.database.write() as connection:
            kept = commitments.record(
                connection,
                transaction_uid=request.transaction_uid,
                calling_ae=calling_ae,
                references=request.references,
                now=self.now(),
            )
            if calling_ae not in self.reachable:
                return self._answer(connection, request)
            job_id = jobs.add(
                connection,
                kind=JobKind.COMMIT,
                subject_id=kept.id,
                revision=kept.asked,
                destination=calling_ae,
                now=self.now(),
            )
        if job_id is not None:
            self.announce(job_id)
        return None

    def told(self, calling_ae: str, transaction_uid: str) -> None:
        """A modality took the answer on its own association."""
        with self.database.write() as connection:
            commitments.answer(connection, calling_ae, transaction_uid, self.now())

    def reported(self, report: Report) -> bool:
        """Settle the deliveries that a destination answers for; False if none of ours is meant."""
        failed = {
            reference.sop_instance_uid: FAILURE_REASONS.get(reason, f"it answered {reason:#06x} for the object")
            for reference, reason in report.failed
        }
        now = self.now()
        again = now + timedelta(seconds=RESEND_DELAY_S if failed else 0)
        with self.database.write() as connection:
            found = deliveries.answered(connection, report.transaction_uid, failed, now)
            for study_id, revision, destination in found:
                awakening.wake_answered(connection, study_id, revision, destination, again)
            known = bool(found) or trials.answered(connection, report.transaction_uid, failed, now)
        fields = {"transaction_uid": report.transaction_uid, "failed": len(failed)}
        log.info("commitment reported" if known else "report of an unknown transaction", extra={"fields": fields})
        return known

    def answer(self, request: Request) -> Report:
        """What of a request is safe here."""
        with self.database.read() as connection:
            return self._answer(connection, request)

    def _answer(self, connection: Connection, request: Request) -> Report:
        found = studies.with_uids(connection, [each.sop_instance_uid for each in request.references])
        committed, failed = [], []
        for reference in request.references:
            instances = found.get(reference.sop_instance_uid, ())
            here = [each for each in instances if self._whole(each)]
            if any(each.sop_class_uid == reference.sop_class_uid for each in here):
                committed.append(reference)
            else:
                failed.append((reference, CLASS_CONFLICT if here else NO_SUCH_INSTANCE))
        return Report(transaction_uid=request.transaction_uid, committed=tuple(committed), failed=tuple(failed))

    def _whole(self, instance: StoredInstance) -> bool:
        """Whether the file is there with all its bytes; the store is durable, so it then is on disk.

        What was set aside, or removed by retention, is not here.
        """
        if instance.absence is not None:
            return False
        try:
            return self.store.path(instance.path).stat().st_size >= instance.size
        except OSError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The handler of `commit` jobs: tells a modality what is safe here, until it listens."""

    database: Database
    desk: Desk
    modalities: Mapping[str, Address]
    send: SendReport
    now: Callable[[], datetime]

    def __call__(self, job: Job) -> Ending:
        """Answer a modality's request."""
        with self.database.read() as connection:
            request = commitments.get(connection, job.subject_id)
        address = self.modalities.get(request.calling_ae)
        if address is None:
            sentence = f"{request.calling_ae} has no host and port in [[dicom.peers]]; give them, then retry."
            return Ending(state=JobState.FAILED, error_code="no_address", error=sentence)
        wanted = Request(transaction_uid=request.transaction_uid, references=request.references)
        try:
            self.send(address, self.desk.answer(wanted))
        except UnreachableError as error:
            if self.now() - request.received_at > PATIENCE:
                return Ending(state=JobState.FAILED, error_code=error.code, error=f"{error}; it was given up.")
            delay_s = min(FIRST_DELAY_S * 2 ** min(job.postponed, 10), LONGEST_DELAY_S)
            return Ending(state=JobState.QUEUED, error_code=error.code, error=f"{error}.", delay_s=delay_s)

        def record(connection: Connection) -> list[int]:
            commitments.answer(connection, request.calling_ae, request.transaction_uid, self.now())
            return []

        return Ending(state=JobState.DONE, record=record)
