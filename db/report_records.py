"""What the product remembers of radiologists' reports, as frozen records: messages, versions, links, readings.

Standard library only; see `db.records`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from db.vocabulary import Assertion, Examination, Unlinked

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a report version that names none: any version that names one is later."""


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

    def __str__(self) -> str:
        """For a person; what was published with the images was mined by nobody here."""
        if self == PUBLISHED:
            return "published with the images"
        return f"lexicon {self.lexicon_version}, rules {self.rules_version}, policy {self.policy}"


PUBLISHED = MinerIdentity(lexicon_version="published", rules_version="", language_model="", policy="published")
"""Stands where a miner does for labels that were published (`db.published`); no miner reads these reports."""


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
