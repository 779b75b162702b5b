"""What the product remembers, as frozen records, and the states these go through.

Standard library only. Times are aware and in UTC. Nothing here does I/O: `db.studies`, `db.jobs` and their
neighbours read and write these.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from db.vocabulary import Reason


class StudyState(StrEnum):
    """arriving -> queued -> read | not_read | failed; a late instance takes it back to arriving.

    `kept` is a study that was imported or pulled to learn from and not to be read; an instance that is received,
    or an import or pull that asks for it, makes it arriving.
    """

    KEPT = "kept"
    ARRIVING = "arriving"
    QUEUED = "queued"
    READ = "read"
    NOT_READ = "not_read"
    FAILED = "failed"


UNDER_WAY = (StudyState.ARRIVING, StudyState.QUEUED, StudyState.FAILED)
"""In these are few of many studies: something is still to be done for them, by the node or by a person."""


class JobKind(StrEnum):
    """What there is to do, each with its subject.

    READ: read a settled study. DELIVER: deliver one revision's results of a study to one destination.
    MINE: mine every report version up to this one that the miner in force has not mined.
    SHADOW: let the shadow model read what the current one has read of a study; nothing is sent.
    COMMIT: tell the modality of one commitment request which of its instances are safe here.
    RETRACT: tell one destination which of a study's results were taken back when the job was made; its `revision` is
    the latest of theirs.
    TRAIN: train the model of one training run. COMPARE: set a candidate beside the model that reads.
    """

    READ = "read"
    DELIVER = "deliver"
    MINE = "mine"
    SHADOW = "shadow"
    COMMIT = "commit"
    RETRACT = "retract"
    TRAIN = "train"
    COMPARE = "compare"


class JobState(StrEnum):
    """queued -> running -> done | failed | dead.

    `failed` ended for a reason that no repetition mends, `dead` after its last attempt; both wait for a person.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"


class Absence(StrEnum):
    """Why the store has no file for a row any more, or none that is to be used.

    DAMAGED: it was not what the row says, and lies in the quarantine. MISSING: it is not there. REMOVED: retention
    removed it, because a person switched that on. LOST: it was damaged or missing, and a person accepted that. The same
    bytes, received again or put back, end each of these.
    """

    DAMAGED = "damaged"
    MISSING = "missing"
    REMOVED = "removed"
    LOST = "lost"


GONE = (Absence.DAMAGED, Absence.MISSING, Absence.LOST)
"""Why files are not there; those that retention removed may be a million, and wait for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An instance whose bytes are in the store, on its way into the database."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    patient_name: str
    accession_number: str
    study_date: str
    path: str
    size: int
    sha256: str
    calling_ae: str
    calling_address: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study as the node knows it. `settle_at` is when its quiet period ends, None once it is settled.

    `calling_ae` sent its first instance.
    """

    id: int
    study_instance_uid: str
    patient_id: str
    patient_name: str
    accession_number: str
    study_date: str
    state: StudyState
    revision: int
    settle_at: datetime | None
    first_received_at: datetime
    last_received_at: datetime
    calling_ae: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInstance:
    """An instance in the store, kept as received. `path` is relative to the store; `size` is the data set's, in bytes.

    `absence` says why its file is not there any more, `absent_at` since when; None while it is.
    """

    id: int
    study_id: int
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    series_instance_uid: str
    path: str
    size: int
    sha256: str
    calling_ae: str
    calling_address: str
    received_at: datetime
    reason: Reason | None
    reason_detail: str
    reason_tag: str | None
    absence: Absence | None
    absent_at: datetime | None


class Holding(StrEnum):
    """Of what a file of the store is."""

    INSTANCE = "instance"
    RESULT = "result"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of the store as its row describes it.

    `size` in bytes is that of the data set for an instance, which its File Meta Information comes on top of, and that
    of the whole file for a result; `sha256` is of the same bytes. A result's `transfer_syntax_uid` is empty.
    """

    kind: Holding
    id: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    path: str
    size: int
    sha256: str
    absence: Absence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One unit of work. `subject_id` is the row it is about, by its kind: of a study, a report, a training run ...

    `attempts` counts at each claim and is the fencing token at the end; `postponed` is how many of them were no
    fault of the job.
    """

    id: int
    kind: JobKind
    key: str
    subject_id: int
    revision: int
    destination: str | None
    state: JobState
    attempts: int
    postponed: int
    owner: str | None
    lease_until: datetime | None
    not_before: datetime
    error_code: str | None
    error: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPrediction:
    """What one model version said of one instance: scores as the model gave them, the CAM as float32 bytes."""

    instance_id: int
    model_version: str
    rows: int
    columns: int
    scores: list[dict[str, Any]]
    cam: bytes
    cam_shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePair:
    """What two model versions said of one instance, as `StoredPrediction.scores`."""

    instance_id: int
    study_id: int
    first: list[dict[str, Any]]
    second: list[dict[str, Any]]
