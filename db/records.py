"""What the product remembers, as frozen records, and the states these go through.

Standard library only. Times are aware and in UTC. Nothing here does I/O: `db.studies`, `db.jobs` and their
neighbours read and write these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from db.vocabulary import Assertion, Examination, Reason, Split, Unlinked

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a report version that names none: any version that names one is later."""


class StudyState(StrEnum):
    """arriving -> queued -> read | not_read | failed; a late instance takes it back to arriving.

    `kept` is a study that was imported to learn from and not to be read; an instance that is received, or an import
    that asks for it, makes it arriving.
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
    """

    READ = "read"
    DELIVER = "deliver"
    MINE = "mine"
    SHADOW = "shadow"


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
    """waiting -> sent | refused. A destination that is down leaves it waiting."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


class ModelState(StrEnum):
    """candidate -> current -> retired. At most one model is current.

    A rollback makes the current one a candidate again and a retired one current. At most one model that is not current
    is the shadow, which reads after the current one and is heard by nobody.
    """

    CANDIDATE = "candidate"
    CURRENT = "current"
    RETIRED = "retired"
    SHADOW = "shadow"


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
    """A study as the node knows it. `settle_at` is when its quiet period ends, None once it is settled."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInstance:
    """An instance in the store, kept as received. `path` is relative to the store; `size` in bytes."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One unit of work. `subject_id` is the row it is about: of a study, or of a report where the kind is MINE.

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
    """A result object as built and stored; every sending sends these bytes."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One result on its way to one destination."""

    id: int
    result_id: int
    destination: str
    state: DeliveryState
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model in the registry; `path` is its bundle folder, `card` what the bundle says of itself.

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


class ReportStatus(StrEnum):
    """What a radiologist's report is at the time of its message (HL7 tables 0123 and 0085)."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    ADDENDUM = "addendum"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """Where in a report's text the lines under one observation suffix stand: GDT, IMP ..., or "" for none."""

    suffix: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportArrival:
    """One version of a report, on its way into the database.

    `report_key` is the same in every version: its filler or placer order number, which is unique within `source`, the
    sending facility (MSH-4). `modality` (OBR-24) and `procedure` (OBR-4) say what examination it is of, as far as the
    sender told. `version_at` is when the
    radiologist's system changed it (OBR-22), `message_at` when it said so (MSH-7); versions are in order of these.
    """

    source: str
    report_key: str
    accession_number: str
    study_instance_uid: str | None
    patient_id: str
    modality: str
    procedure: str
    status: ReportStatus
    version_at: datetime
    message_at: datetime
    text: str
    sections: tuple[ReportSection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageArrival:
    """An HL7 message with its reports, on its way into the database. `raw` is as received, framing taken off."""

    sending_application: str
    sending_facility: str
    control_id: str
    message_type: str
    version: str
    raw: bytes
    sha256: str
    peer_address: str
    answer: str
    received_at: datetime
    reports: tuple[ReportArrival, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A stored version of a report. `examination` is what its modality and procedure say it is a report of."""

    id: int
    message_id: int
    source: str
    report_key: str
    accession_number: str
    study_instance_uid: str | None
    patient_id: str
    modality: str
    procedure: str
    examination: Examination
    status: ReportStatus
    version_at: datetime
    message_at: datetime
    text: str
    sections: tuple[ReportSection, ...]
    received_at: datetime


class LinkedBy(StrEnum):
    """What a report and a study have in common."""

    STUDY_INSTANCE_UID = "study_uid"
    ACCESSION_NUMBER = "accession"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLink:
    """The version of a report that holds now, without its text, and what it is linked to.

    `study_instance_uids` are those of the linked studies; without any, `unlinked` says why.
    """

    report_id: int
    source: str
    report_key: str
    accession_number: str
    status: ReportStatus
    version_at: datetime
    modality: str
    procedure: str
    examination: Examination
    study_instance_uids: tuple[str, ...]
    unlinked: Unlinked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportText:
    """What there is to mine of a stored version of a report. `id` is the version's."""

    id: int
    text: str
    sections: tuple[ReportSection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinerIdentity:
    """All that decides what mining says of a text: one reading of a report version is kept for each."""

    lexicon_version: str
    rules_version: str
    language_model: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedMention:
    """A concept where a report mentions it, and what was decided of it; `fired` names all rules that spoke.

    `finding` is the label it counts as, None where it has none. `start` and `end` are characters of the report's text.
    """

    concept: str
    code: str
    scheme: str
    kind: str
    finding: str | None
    assertion: Assertion
    sentence: str
    start: int
    end: int
    section: str
    rule_id: str
    fired: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mining:
    """One reading of one report version.

    `readability` is "mined", or says why there is nothing. `labels` has for each finding that is positive, negative or
    uncertain the place of the deciding mention in `mentions`; every other finding is unmentioned.
    """

    report_id: int
    miner: MinerIdentity
    readability: str
    normal: bool
    mined_at: datetime
    mentions: tuple[MinedMention, ...]
    labels: Mapping[str, int]

    def state(self, finding: str) -> Assertion:
        """What the report says of a finding."""
        place = self.labels.get(finding)
        return Assertion.UNMENTIONED if place is None else self.mentions[place].assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlookedImage:
    """A stored instance of which nobody has looked at the header yet."""

    instance_id: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontal:
    """That an instance is a frontal chest radiograph, which the node reads.

    `view` is PA, AP or "" where its header does not say; `collection` the public set it is of, "" for the site's own.
    """

    instance_id: int
    view: str
    collection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontalImage:
    """A frontal image with all that a snapshot says of it; `source` is its collection or else the calling AE."""

    instance_id: int
    study_id: int
    study_instance_uid: str
    patient_id: str
    path: str
    sha256: str
    view: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBox:
    """A radiologist's box on an image, as parts of its width and height in [0, 1]; `origin` says whose."""

    finding: str
    x: float
    y: float
    width: float
    height: float
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSnapshot:
    """A snapshot that was made here. `folder` is its name among the snapshots; `about` is the snapshot's own."""

    id: int
    sha256: str
    folder: str
    created_at: datetime
    findings: tuple[str, ...]
    images: Mapping[Split, int]
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLabels:
    """What was published of one image: its findings, under the report that stands for them.

    `findings` are those that are there; of the `unknown` nothing was published, and they are kept as uncertain;
    `normal` says that nothing is there. `message` holds one report.
    """

    message: MessageArrival
    findings: tuple[str, ...]
    unknown: tuple[str, ...]
    normal: bool
