"""What the product remembers, as frozen records, and the states these go through.

Standard library only. Times are aware and in UTC. Nothing here does I/O: `db.studies`, `db.jobs` and their
neighbours read and write these.
"""

from collections.abc import Mapping
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


class DeliveryState(StrEnum):
    """waiting -> sent | refused. A destination that is down leaves it waiting.

    Where the destination has to commit: waiting -> sent -> asked -> committed. A failed commitment leads back to
    waiting and in the end to `lost` (it accepted the object and has it no more); without an answer the end is
    `unconfirmed`. `withheld` was not sent because no finding is above its operating point, `withdrawn` because the
    result was taken back first, or its file is lost; if it names a SOP Instance, it was tried or lost before, and
    may be there all the same.
    """

    WAITING = "waiting"
    SENT = "sent"
    ASKED = "asked"
    COMMITTED = "committed"
    REFUSED = "refused"
    LOST = "lost"
    UNCONFIRMED = "unconfirmed"
    WITHHELD = "withheld"
    WITHDRAWN = "withdrawn"


class ResultKind(StrEnum):
    """What a result object is, as its row says.

    SR: the study's report. SEG: masks. OVERLAY: the picture with heat map and boxes. GSPS: boxes for a viewer to lay
    over the image. HEATMAP: the heat maps as fractional masks. CAD: the report as Chest CAD SR. REJECTION: a note
    that other results are taken back. NOT_PROCESSED: a report that the study was not read, and why.
    """

    SR = "sr"
    SEG = "seg"
    OVERLAY = "overlay"
    GSPS = "gsps"
    HEATMAP = "heatmap"
    CAD = "cad"
    REJECTION = "rejection"
    NOT_PROCESSED = "not_processed"


READ_KINDS = frozenset(
    {ResultKind.SR, ResultKind.SEG, ResultKind.OVERLAY, ResultKind.GSPS, ResultKind.HEATMAP, ResultKind.CAD}
)
"""The kinds that are built of a study that was read, any of them on request."""

REPORT_KINDS = (ResultKind.SR, ResultKind.NOT_PROCESSED)
"""The kinds of which the latest says what holds of a study; each names the one before it as its predecessor."""

DEFAULT_KINDS = frozenset({ResultKind.SR, ResultKind.SEG, ResultKind.OVERLAY})
"""The kinds that are built where nobody asks for others."""


class ModelState(StrEnum):
    """candidate -> current -> retired. At most one model is current.

    A rollback makes the current one a candidate again and a retired one current. At most one model that is not current
    is the shadow, which reads after the current one and is heard by nobody.
    """

    CANDIDATE = "candidate"
    CURRENT = "current"
    RETIRED = "retired"
    SHADOW = "shadow"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A result object as built and stored; every sending sends these bytes.

    `retracted_at` and `retraction_reason` say when and why it was taken back; it then goes nowhere any more.
    `absence` says why its file is not there any more, `absent_at` since when.
    """

    id: int
    job_id: int
    study_id: int
    revision: int
    kind: str
    model_version: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    path: str
    size: int
    sha256: str
    created_at: datetime
    retracted_at: datetime | None
    retraction_reason: str | None
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
class Delivery:
    """One result on its way to one destination.

    The four fields from `sop_class_uid` on are as it was sent, None before: a destination may get it as another SOP
    Class or in another transfer syntax than it is stored. `transaction_uid` and `asked_at` are of the last commitment
    request, `tries` counts those that came to nothing.
    """

    id: int
    result_id: int
    destination: str
    state: DeliveryState
    sent_at: datetime | None
    error: str | None
    sop_class_uid: str | None
    sop_instance_uid: str | None
    transfer_syntax_uid: str | None
    sha256: str | None
    transaction_uid: str | None
    asked_at: datetime | None
    committed_at: datetime | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A result and its delivery to one destination."""

    result: Result
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class SopReference:
    """An instance by its class and its own UID, as storage commitment names it."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentRequest:
    """A modality's question whether the instances it sent are safe here. `asked` counts its repetitions."""

    id: int
    transaction_uid: str
    calling_ae: str
    references: tuple[SopReference, ...]
    asked: int
    received_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model in the registry; `path` is its bundle's folder in the data folder, `card` what the bundle says of itself.

    `promoted_at` and `promoted_by` are of its last promotion, None if there is none that was not rolled back.
    """

    id: int
    name: str
    version: str
    path: str
    state: ModelState
    card: Mapping[str, Any]
    registered_at: datetime
    promoted_at: datetime | None
    promoted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to what; each entry's digest covers the one before it."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChain:
    """What the audit log looks like when all its digests are worked out again."""

    entries: int
    """How many there are, up to the broken one."""
    last_id: int
    """The last of them; 0 where there is none."""
    digest: str
    """Its digest; noted elsewhere, it proves later that nothing up to it was changed."""
    broken_id: int | None
    """The first entry that is not what it was, or does not follow the one before it."""
    fault: str | None
    """What is the matter, in a sentence; None if the chain holds."""


class Role(StrEnum):
    """What a person may do in the console; each role includes the one before it.

    viewer: look. radiologist: judge results as well. administrator: change what the node does.
    """

    VIEWER = "viewer"
    RADIOLOGIST = "radiologist"
    ADMINISTRATOR = "administrator"

    def includes(self, needed: "Role") -> bool:
        """Whether who has this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who may log in to the console; after `disabled_at`, no more."""

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None
