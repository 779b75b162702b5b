"""What the product remembers of its results, as frozen records: objects, deliveries, commitment.

Standard library only; see `db.records`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from db.records import Absence


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
