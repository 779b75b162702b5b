"""How a run of a delivery job ends: settled, again later, or waiting for a person, in codes and words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from db import jobs
from db.engine import Connection
from db.records import Job, JobState
from db.result_records import DeliveryState, Parcel
from node.dicom.outgoing import Answer
from node.errors import UnreachableError
from node.worker import Ending

Record = Callable[[Connection], list[int]]
"""Writes the rows of a run in the transaction that ends it, and returns the jobs to be announced."""

FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 120.0
DAMAGED = "the stored object is gone or was changed"
FILE_LOST, LOST = "file_lost", "the stored object is lost, and a person has accepted that"
NOT_OFFERED = "it does not offer storage commitment: enable it there, or set commitment = false"
NO_ANSWER = "it did not answer whether it keeps the object"

GIVEN_UP: Mapping[DeliveryState, tuple[str, str]] = {
    DeliveryState.REFUSED: ("refused", "refused"),
    DeliveryState.LOST: ("lost", "accepted and did not keep"),
    DeliveryState.UNCONFIRMED: (jobs.UNCONFIRMED, "did not commit to"),
}
"""States in which a delivery waits for a person: its job's error code, and what the destination did."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run of a job came to: `parcels` as they are now, `pairs` the answers that are not in the database yet.

    `tried` are the deliveries that were to be sent when it began.
    """

    parcels: list[Parcel]
    tried: frozenset[int] = frozenset()
    pairs: list[tuple[Parcel, Answer]] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    exhausted: bool = False
    arrived: bool = False
    broken: UnreachableError | None = None

    def take(self, parcel: Parcel, answer: Answer) -> None:
        """The destination answered."""
        self.pairs.append((parcel, answer))
        self.arrived = self.arrived or answer.stored
        self.exhausted = self.exhausted or answer.later


def nowhere(name: str) -> Ending:
    """The settings do not lead there; what goes back to a sender has its AE title in its name (`routes.back_to`)."""
    destination, _, sender = name.partition(":")
    if sender:
        sentence = f"{sender}, which sent the study, has no host and port in [[dicom.peers]]; give them, then retry."
        return Ending(state=JobState.FAILED, error_code="no_address", error=sentence)
    sentence = f"The settings have no destination {destination!r} any more."
    return Ending(state=JobState.FAILED, error_code="no_destination", error=sentence)


def settled(
    name: str,
    states: Mapping[int, tuple[DeliveryState, str | None]],
    run: Run,
    record: Record,
) -> Ending:
    """Nothing more is to be expected: the job is done, or a person has to look."""
    if run.damaged:
        sentence = f"{len(run.damaged)} of the results: {DAMAGED}; restore the store, then retry."
        return Ending(state=JobState.FAILED, error_code="damaged", error=sentence, record=record)
    for state, (code, verb) in GIVEN_UP.items():
        reasons = [error for other, error in states.values() if other is state]
        if reasons:
            sentence = f"{name} {verb} {len(reasons)} of {len(states)} objects: {reasons[0]}."
            return Ending(state=JobState.FAILED, error_code=code, error=sentence, record=record)
    if run.lost:
        sentence = f"{len(run.lost)} of the results: {LOST}; nothing more is to be sent."
        return Ending(state=JobState.DONE, error_code=FILE_LOST, error=sentence, record=record)
    return Ending(state=JobState.DONE, record=record)


def again(job: Job, code: str, sentence: str, record: Record) -> Ending:
    delay_s = min(FIRST_DELAY_S * 2 ** min(job.postponed, 10), LONGEST_DELAY_S)
    return Ending(state=JobState.QUEUED, error_code=code, error=sentence, delay_s=delay_s, record=record)
