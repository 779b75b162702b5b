"""Delivery: the results of a study's revision to one destination, over one association.

A destination that is down makes its own deliveries wait, longer each time, and nothing else. What was sent and
answered is sent; what is sent twice is the same SOP Instance, byte for byte. A stored object that is not what it was
is not sent.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydicom.uid import ExplicitVRLittleEndian

from db import deliveries, jobs
from db.engine import Connection, Database
from db.records import DeliveryState, Job, JobState, Result
from node.dicom.sender import Answer, Destination, Outgoing, Sender
from node.errors import UnreachableError
from node.files import InstanceStore
from node.worker import Ending

FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 120.0
DAMAGED = "the stored object is gone or was changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The handler of `deliver` jobs."""

    store: InstanceStore
    database: Database
    sender: Sender
    destinations: Mapping[str, Destination]
    now: Callable[[], datetime]

    def __call__(self, job: Job) -> Ending:
        """Send what has not reached the job's destination yet."""
        name = job.destination or ""
        destination = self.destinations.get(name)
        if destination is None:
            sentence = f"The settings have no destination {name!r} any more."
            return Ending(state=JobState.FAILED, error_code="no_destination", error=sentence)
        with self.database.read() as connection:
            waiting = deliveries.waiting(connection, job.subject_id, job.revision, name)
        if not waiting:
            return Ending(state=JobState.DONE)
        intact = [result for result in waiting if self._intact(result)]
        answers, broken = self._send(destination, intact) if intact else ([], None)
        damaged = [result.id for result in waiting if result not in intact]
        return self._ended(job, name, list(zip(intact, answers, strict=False)), damaged, broken)

    def _intact(self, result: Result) -> bool:
        """Whether the store has the object as it was built."""
        try:
            with self.store.path(result.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == result.sha256
        except OSError:
            return False

    def _send(self, destination: Destination, waiting: Sequence[Result]) -> tuple[list[Answer], str | None]:
        """The answers, and what broke the association if it broke before the last of them."""
        answers: list[Answer] = []
        try:
            for answer in self.sender(destination, [self._outgoing(result) for result in waiting]):
                answers.append(answer)
        except UnreachableError as error:
            return answers, f"{error}."
        return answers, None

    def _outgoing(self, result: Result) -> Outgoing:
        return Outgoing(
            path=self.store.path(result.path),
            sop_class_uid=result.sop_class_uid,
            transfer_syntax_uid=str(ExplicitVRLittleEndian),
        )

    def _ended(
        self, job: Job, name: str, pairs: Sequence[tuple[Result, Answer]], damaged: Sequence[int], broken: str | None
    ) -> Ending:
        sent = [result.id for result, answer in pairs if answer.stored]
        refused = [(result.id, answer.words) for result, answer in pairs if not answer.stored and not answer.later]
        exhausted = any(answer.later for _, answer in pairs)

        def record(connection: Connection) -> list[int]:
            now = self.now()
            deliveries.mark(connection, sent, name, DeliveryState.SENT, now=now)
            for result_id, words in refused:
                deliveries.mark(connection, [result_id], name, DeliveryState.REFUSED, now=now, error=words)
            deliveries.mark(connection, damaged, name, DeliveryState.WAITING, now=now, error=DAMAGED)
            if sent and not broken and not exhausted:
                jobs.wake(connection, name, now)
            return []

        if broken:
            return _again(job, "unreachable", broken, record)
        if exhausted:
            return _again(job, "out_of_resources", f"{name} is out of resources.", record)
        if damaged:
            sentence = f"{len(damaged)} of the results: {DAMAGED}; restore the store, then retry."
            return Ending(state=JobState.FAILED, error_code="damaged", error=sentence, record=record)
        if refused:
            sentence = f"{name} refused {len(refused)} of {len(pairs)} objects: {refused[0][1]}."
            return Ending(state=JobState.FAILED, error_code="refused", error=sentence, record=record)
        return Ending(state=JobState.DONE, record=record)


def _again(job: Job, code: str, sentence: str, record: Callable[[Connection], list[int]]) -> Ending:
    delay_s = min(FIRST_DELAY_S * 2 ** min(job.postponed, 10), LONGEST_DELAY_S)
    return Ending(state=JobState.QUEUED, error_code=code, error=sentence, delay_s=delay_s, record=record)
