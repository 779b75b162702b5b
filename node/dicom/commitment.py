"""Storage commitment on the wire: the Storage Commitment Push Model (DICOM PS3.4 annex J).

Who sent instances asks whoever got them, by N-ACTION, to take over the responsibility for them, under a Transaction
UID of its own. The answer comes as N-EVENT-REPORT, at any time: on the same association or on one that the other
side opens, even before the response to the N-ACTION.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pynetdicom.dsutils import encode
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # pynetdicom makes these at import
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from db.result_records import SopReference
from inference.header import UNREADABLE
from node.errors import RefusedError
from node.header import is_uid

SOP_CLASS, SOP_INSTANCE = str(StorageCommitmentPushModel), str(StorageCommitmentPushModelInstance)
ACTION_REQUEST = 1
ALL_COMMITTED, FAILURES_EXIST = 1, 2
"""Event types (PS3.4 J.3.3)."""

NO_SUCH_INSTANCE, CLASS_CONFLICT = 0x0112, 0x0119
FAILURE_REASONS: Mapping[int, str] = {
    0x0110: "a fault while it looked for the object",
    NO_SUCH_INSTANCE: "it does not have the object",
    0x0213: "it is out of resources",
    0x0122: "it does not commit to this SOP Class",
    CLASS_CONFLICT: "it has the object as another SOP Class",
    0x0131: "it got the same request twice",
}
"""Failure Reason (0008,1197) in words (PS3.3 C.14.1.1)."""

MAX_BYTES = 4 * 1024 * 1024
"""A longer data set is refused; some 30,000 references fit."""
INVALID_ARGUMENT = 0x0115


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The data set of an N-ACTION."""

    transaction_uid: str
    references: tuple[SopReference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The data set of an N-EVENT-REPORT; what failed, each with its reason (PS3.3 C.14.1.1)."""

    transaction_uid: str
    committed: tuple[SopReference, ...]
    failed: tuple[tuple[SopReference, int], ...]

    @property
    def event_type_id(self) -> int:
        """Whether all of the request is committed to."""
        return FAILURES_EXIST if self.failed else ALL_COMMITTED


class Commitment(Protocol):
    """What the node does about storage commitment, in both roles."""

    def asked(self, calling_ae: str, request: Request) -> Report | None:
        """Take a modality's request, durably. Returns the answer if the modality gets it on this association."""

    def told(self, calling_ae: str, transaction_uid: str) -> None:
        """A modality took the answer that it got on its own association."""

    def reported(self, report: Report) -> bool:
        """Take a destination's answer to a request of ours, durably; False if we did not ask."""


def encoded(message: Request | Report, transfer_syntax: UID) -> bytes:
    """The data set's bytes."""
    data = encode(dataset(message), transfer_syntax.is_implicit_VR, transfer_syntax.is_little_endian)
    if data is None:
        raise ValueError("pynetdicom did not encode the data set")
    return data


def dataset(message: Request | Report) -> Dataset:
    """The data set of a request or a report."""
    ds = Dataset()
    ds.TransactionUID = message.transaction_uid
    if isinstance(message, Request):
        ds.ReferencedSOPSequence = [_item(reference) for reference in message.references]
        return ds
    if message.committed or not message.failed:
        ds.ReferencedSOPSequence = [_item(reference) for reference in message.committed]
    if message.failed:
        ds.FailedSOPSequence = [_item(reference) for reference, _ in message.failed]
        for item, (_, reason) in zip(ds.FailedSOPSequence, message.failed, strict=True):
            item.FailureReason = reason
    return ds


def read_request(data: bytes, transfer_syntax: UID) -> Request:
    """Read the data set of an N-ACTION.

    Raises:
        RefusedError: it is malformed, or names no instance.
    """
    ds = _read(data, transfer_syntax)
    references = _references(ds.get("ReferencedSOPSequence"))
    if not references:
        raise RefusedError(INVALID_ARGUMENT, "Referenced SOP Sequence is missing or empty")
    return Request(transaction_uid=_transaction(ds), references=references)


def read_report(data: bytes, transfer_syntax: UID) -> Report:
    """Read the data set of an N-EVENT-REPORT.

    Raises:
        RefusedError: it is malformed.
    """
    return report_of(_read(data, transfer_syntax))


def report_of(ds: Dataset) -> Report:
    """A report from its data set.

    Raises:
        RefusedError: it is malformed.
    """
    try:
        failed = ds.get("FailedSOPSequence") or ()
        reasons = [int(item.get("FailureReason") or 0x0110) for item in failed]
    except UNREADABLE as error:
        raise RefusedError(INVALID_ARGUMENT, "The data set is malformed") from error
    return Report(
        transaction_uid=_transaction(ds),
        committed=_references(ds.get("ReferencedSOPSequence")),
        failed=tuple(zip(_references(failed), reasons, strict=True)),
    )


def _read(data: bytes, transfer_syntax: UID) -> Dataset:
    try:
        ds = read_dataset(BytesIO(data), transfer_syntax.is_implicit_VR, transfer_syntax.is_little_endian)
        ds.get("ReferencedSOPSequence")
    except UNREADABLE as error:
        raise RefusedError(INVALID_ARGUMENT, "The data set is malformed") from error
    return ds


def _transaction(ds: Dataset) -> str:
    uid = str(ds.get("TransactionUID") or "")
    if not is_uid(uid):
        raise RefusedError(INVALID_ARGUMENT, "Transaction UID is missing or not a UID")
    return uid


def _references(items: Sequence[Dataset] | None) -> tuple[SopReference, ...]:
    found = []
    try:
        for item in items or ():
            sop_class_uid, sop_instance_uid = str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)
            if not (is_uid(sop_class_uid) and is_uid(sop_instance_uid)):
                raise RefusedError(INVALID_ARGUMENT, "A reference is not a UID")
            found.append(SopReference(sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid))
    except UNREADABLE as error:
        raise RefusedError(INVALID_ARGUMENT, "A reference is malformed") from error
    return tuple(found)


def _item(reference: SopReference) -> Dataset:
    ds = Dataset()
    ds.ReferencedSOPClassUID = reference.sop_class_uid
    ds.ReferencedSOPInstanceUID = reference.sop_instance_uid
    return ds
