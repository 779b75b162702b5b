"""Delivery: the results of a study's revision to one destination.

Theory of operation. A job runs through the deliveries that are not settled: what waits is sent, and where the
destination has to commit to what it took, it is asked to; then the job waits for the answer, which may come at any time
and on any association (`node/destinations/commitment.py`). An answer that does not come, or is a failure, leads to
another try, and after some of them to a person. What a destination said of an object is its row, so that whatever
interrupts the job, it goes on from there.

A destination that is down makes its own deliveries wait, longer each time,
and nothing else. What is sent twice is the same SOP Instance, byte for byte; a stored object that is not what it was is
not sent.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom.filereader import read_file_meta_info

from db import awakening, deliveries, jobs
from db.deliveries import AsSent
from db.engine import Connection, Database
from db.records import Absence, Job, JobKind, JobState
from db.result_records import DeliveryState, Parcel, Result, ResultKind, SopReference
from node.destinations.ending import (
    DAMAGED,
    GIVEN_UP,
    LOST,
    NO_ANSWER,
    NOT_OFFERED,
    Record,
    Run,
    again,
    nowhere,
    settled,
)
from node.destinations.routes import queue_for_results
from node.dicom.commitment import Request
from node.dicom.outgoing import NO_CONTEXT, Answer, Line, OpenLine, Outgoing
from node.errors import UnreachableError
from node.files import InstanceStore
from node.upkeep import integrity, quarantine
from node.worker import Ending

_KEPT_BACK = (DeliveryState.WITHHELD, DeliveryState.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A destination: how to open a line to it, and whether it has to commit to what it takes within `wait_s`."""

    open_line: OpenLine
    commitment: bool = False
    wait_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The handler of `deliver` jobs, and of `retract` jobs once their note is there."""

    store: InstanceStore
    database: Database
    destinations: Mapping[str, Recipient]
    now: Callable[[], datetime]
    on_arrival: Callable[[Connection, str, int, int], None] = lambda _connection, _destination, _study_id, _objects: (
        None
    )
    """Told that a destination took so many objects of a study, in the transaction that says so."""

    def __call__(self, job: Job) -> Ending:
        """Send what has not reached the job's destination yet, and see to it that it is kept there."""
        recipient = self.destinations.get(job.destination or "")
        if recipient is None:
            return nowhere(job.destination or "")
        run = Run(parcels=self._prepared(job, recipient))
        self._deliver(job, recipient, run)
        return self._ended(job, recipient, run)

    def _parcels(self, job: Job) -> list[Parcel]:
        with self.database.read() as connection:
            found = deliveries.parcels(connection, job.subject_id, job.revision, job.destination or "")
        return [each for each in found if self._goes(job, each)]

    def _goes(self, job: Job, parcel: Parcel) -> bool:
        """Whether a parcel is the job's: rejection notes have jobs of their own; what was taken back goes nowhere."""
        if (parcel.result.kind == ResultKind.REJECTION) is not (job.kind is JobKind.RETRACT):
            return False
        return parcel.result.retracted_at is None and parcel.delivery.state not in _KEPT_BACK

    def _prepared(self, job: Job, recipient: Recipient) -> list[Parcel]:
        """The job's parcels: a person's retry opens again what was given up, and an answer that is late is none."""
        parcels = self._parcels(job)
        retried = job.error_code is None and any(each.delivery.state in GIVEN_UP for each in parcels)
        deadline = self.now() - timedelta(seconds=recipient.wait_s)
        late = [
            each.delivery.id
            for each in parcels
            if each.delivery.state is DeliveryState.ASKED and (each.delivery.asked_at or deadline) <= deadline
        ]
        if not retried and not late:
            return parcels
        with self.database.write() as connection:
            if retried:
                deliveries.reopen(connection, [each.delivery.id for each in parcels])
            deliveries.unanswered(connection, late, NO_ANSWER)
        return self._parcels(job)

    def _deliver(self, job: Job, recipient: Recipient, run: Run) -> None:
        """Send and ask what is to be sent and asked now."""
        waiting = [each for each in run.parcels if each.delivery.state is DeliveryState.WAITING]
        run.tried = frozenset(each.delivery.id for each in waiting)
        absences = {each.delivery.id: self._absence(each.result) for each in waiting}
        intact = [each for each in waiting if absences[each.delivery.id] is None]
        run.lost = [delivery_id for delivery_id, absence in absences.items() if absence is Absence.LOST]
        run.damaged = [each for each, absence in absences.items() if absence not in (None, Absence.LOST)]
        unasked = [each for each in run.parcels if each.delivery.state is DeliveryState.SENT and recipient.commitment]
        if not intact and not unasked:
            return
        objects = [self._outgoing(each) for each in intact]
        try:
            with recipient.open_line(objects) as line:
                for parcel, answer in zip(intact, line.send(objects), strict=True):
                    run.take(parcel, answer)
                if recipient.commitment:
                    self._ask(line, job, run, unasked)
        except UnreachableError as error:
            run.broken = error
        if recipient.commitment:
            with self.database.write() as connection:
                self._record(connection, job, run)
            run.parcels = self._parcels(job)

    def _absence(self, result: Result) -> Absence | None:
        """What is the matter with the stored object, which then is set aside; None if it is as it was built."""
        return quarantine.inspect(self.database, self.store, integrity.of(result), self.now())

    def _outgoing(self, parcel: Parcel) -> Outgoing:
        result, delivery = parcel.result, parcel.delivery
        path = self.store.path(result.path)
        pinned = None
        if delivery.sop_class_uid is not None:
            pinned = delivery.sop_class_uid, delivery.sop_instance_uid or "", delivery.sha256 or ""
        return Outgoing(
            path=path,
            sop_class_uid=result.sop_class_uid,
            sop_instance_uid=result.sop_instance_uid,
            transfer_syntax_uid=str(read_file_meta_info(path).TransferSyntaxUID),
            sha256=result.sha256,
            pinned=pinned,
        )

    def _ask(self, line: Line, job: Job, run: Run, unasked: Sequence[Parcel]) -> None:
        """Ask to commit to what was just taken, and to what was taken before.

        The rows are written first: the answer may come before the response (PS3.4 J.3.2.1.4 allows it).
        """
        taken = [(parcel.delivery.id, _reference(answer)) for parcel, answer in run.pairs if answer.stored]
        earlier = [
            (each.delivery.id, _named(each.delivery.sop_class_uid, each.delivery.sop_instance_uid)) for each in unasked
        ]
        asked = [*taken, *earlier]
        if not asked:
            return
        ids, transaction_uid = [delivery_id for delivery_id, _ in asked], f"2.25.{uuid.uuid4().int}"
        with self.database.write() as connection:
            self._record(connection, job, run)
            deliveries.ask(connection, ids, transaction_uid, self.now())
        words, status = NO_ANSWER, None
        try:
            references = tuple(reference for _, reference in asked)
            status = line.ask(Request(transaction_uid=transaction_uid, references=references))
            words = NOT_OFFERED if status == NO_CONTEXT else f"it answered {status:#06x} to the commitment request"
        finally:
            if status != 0:
                with self.database.write() as connection:
                    deliveries.unanswered(connection, ids, words, final=status == NO_CONTEXT)

    def _record(self, connection: Connection, job: Job, run: Run) -> None:
        """Write what the destination answered."""
        now = self.now()
        taken = [parcel.result.study_id for parcel, answer in run.pairs if answer.stored]
        for parcel, answer in run.pairs:
            if answer.stored:
                deliveries.sent(connection, parcel.delivery.id, _as_sent(answer, parcel), now)
            elif not answer.later:
                deliveries.mark(connection, [parcel.delivery.id], DeliveryState.REFUSED, error=answer.words)
        if taken:
            self.on_arrival(connection, job.destination or "", taken[0], len(taken))
        run.pairs.clear()
        deliveries.mark(connection, run.damaged, DeliveryState.WAITING, error=DAMAGED)
        deliveries.mark(connection, run.lost, DeliveryState.WITHDRAWN, error=LOST)

    def _ended(self, job: Job, recipient: Recipient, run: Run) -> Ending:
        name = job.destination or ""
        states = {each.delivery.id: (each.delivery.state, each.delivery.error) for each in run.parcels}
        for parcel, answer in run.pairs:
            if not answer.later:
                state = DeliveryState.SENT if answer.stored else DeliveryState.REFUSED
                states[parcel.delivery.id] = state, answer.words

        def record(connection: Connection) -> list[int]:
            self._record(connection, job, run)
            if run.arrived and not run.broken and not run.exhausted:
                awakening.wake(connection, name, self.now())
            return self._joined(connection, job, run)

        if run.broken:
            return again(job, run.broken.code, f"{run.broken}.", record)
        if run.exhausted:
            return again(job, "out_of_resources", f"{name} is out of resources.", record)
        if recipient.commitment:
            unasked = [error for state, error in states.values() if state is DeliveryState.SENT]
            if unasked:
                return again(job, "commitment_failed", f"{name}: {unasked[0]}.", record)
            if any(state is DeliveryState.ASKED for state, _ in states.values()):
                return self._awaiting(job, recipient, run, record)
        return settled(name, states, run, record)

    def _joined(self, connection: Connection, job: Job, run: Run) -> list[int]:
        """Let the job run again for results that were added to it while it ran (see `routes.dispatch`)."""
        queue_for_results(connection, job)
        found = deliveries.parcels(connection, job.subject_id, job.revision, job.destination or "")
        waiting = [each for each in found if each.delivery.state is DeliveryState.WAITING and self._goes(job, each)]
        if run.tried.issuperset(each.delivery.id for each in waiting):
            return []
        return awakening.reopen(
            connection,
            kind=job.kind,
            subject_id=job.subject_id,
            revision=job.revision,
            destination=job.destination or "",
            now=self.now(),
        )

    def _awaiting(self, job: Job, recipient: Recipient, run: Run, record: Record) -> Ending:
        """All is sent and asked for: the job sleeps until the answer comes, or is late."""
        times = [each.delivery.asked_at for each in run.parcels if each.delivery.state is DeliveryState.ASKED]
        first = min((time for time in times if time is not None), default=self.now())
        delay_s = max((first - self.now()).total_seconds() + recipient.wait_s, 0.0)

        def record_and_look(connection: Connection) -> list[int]:
            new_jobs = record(connection)
            found = deliveries.parcels(connection, job.subject_id, job.revision, job.destination or "")
            if not any(each.delivery.state is DeliveryState.ASKED and self._goes(job, each) for each in found):
                awakening.wake_one(connection, job.id, self.now())  # the answer came before this job lay down
                new_jobs = [*new_jobs, job.id]
            return new_jobs

        sentence = f"{job.destination} took {len(times)} objects and has not said yet that it keeps them."
        return Ending(
            state=JobState.QUEUED, error_code=jobs.AWAITING, error=sentence, delay_s=delay_s, record=record_and_look
        )


def _as_sent(answer: Answer, parcel: Parcel) -> AsSent:
    sent = answer.sent
    if sent is None:
        raise ValueError(f"result {parcel.result.id} was stored without being sent")
    return AsSent(
        sop_class_uid=sent.sop_class_uid,
        sop_instance_uid=sent.sop_instance_uid,
        transfer_syntax_uid=sent.transfer_syntax_uid,
        sha256=sent.sha256,
        warning=answer.words if answer.status else None,
    )


def _reference(answer: Answer) -> SopReference:
    sent = answer.sent
    return _named(sent.sop_class_uid, sent.sop_instance_uid) if sent else _named(None, None)


def _named(sop_class_uid: str | None, sop_instance_uid: str | None) -> SopReference:
    return SopReference(sop_class_uid=sop_class_uid or "", sop_instance_uid=sop_instance_uid or "")
