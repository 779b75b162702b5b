"""The reports in an ORU^R01: one for each order, its text, status, times and what links it to a study.

An order is an OBR with the OBX after it (HL7 v2.8 §7.3.1); orders of one number in one message are one report.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from db.examination import examination
from db.report_records import ReportArrival, ReportSection, ReportStatus
from db.vocabulary import Examination
from node.hl7 import message
from node.hl7.errors import Condition, MalformedMessageError
from node.hl7.message import Message, Segment

AccessionField = Literal["OBR-3", "ORC-3", "OBR-18"]
MAX_REPORTS = 1000

TEXT_TYPES = {"ST", "TX", "FT", ""}
"""OBX-2 of what is read; pointers, pictures and documents are left in the raw message."""
STUDY_UID_CODES = {"113014", "110180", "DICOM STUDY", "STUDY INSTANCE UID", "STUDYINSTANCEUID"}
"""OBX-3 of an observation whose value is a Study Instance UID (DICOM PS3.16: 113014, 110180)."""
UID = re.compile(r"[0-9]+(\.[0-9]+)+")

STATUS = {
    "A": ReportStatus.ADDENDUM,
    "B": ReportStatus.ADDENDUM,
    "ADDENDUM": ReportStatus.ADDENDUM,
    "C": ReportStatus.CORRECTED,
    "CORRECTED": ReportStatus.CORRECTED,
    "D": ReportStatus.CANCELLED,
    "F": ReportStatus.FINAL,
    "FINAL": ReportStatus.FINAL,
    "P": ReportStatus.PRELIMINARY,
    "PRELIM": ReportStatus.PRELIMINARY,
    "PRELIMINARY": ReportStatus.PRELIMINARY,
    "R": ReportStatus.PRELIMINARY,
    "S": ReportStatus.PRELIMINARY,
    "WET READ": ReportStatus.PRELIMINARY,
    "X": ReportStatus.CANCELLED,
    "W": ReportStatus.CANCELLED,
}
"""OBR-25 and OBX-11 (tables 0123 and 0085), and the words that senders put there instead."""


@dataclass(slots=True, kw_only=True)
class _Order:
    """An OBR, the ORC before it, the OBX after it, and whose it is."""

    patient: Segment | None
    common: Segment | None
    request: Segment
    observations: list[Segment] = field(default_factory=list)
    study_instance_uid: str | None = None


def reports(of: Message, accession_from: Sequence[AccessionField], received_at: datetime) -> tuple[ReportArrival, ...]:
    """Every report in a message.

    Args:
        accession_from: where the site puts the accession number; the first of these that is filled.
        received_at: the time of a message that names none.

    Raises:
        MalformedMessageError: there is no order in it, or more than MAX_REPORTS.
    """
    merged: dict[str, list[_Order]] = {}
    for order in _orders(of):
        merged.setdefault(_key(of, order), []).append(order)
    if not merged:
        raise MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the message has no OBR segment")
    if len(merged) > MAX_REPORTS:
        raise MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the message has too many OBR segments")
    message_at = message.time(of.value(of.segments[0], 7)) or received_at
    return tuple(_report(of, key, orders, accession_from, message_at) for key, orders in merged.items())


def _orders(of: Message) -> list[_Order]:
    orders: list[_Order] = []
    patient: Segment | None = None
    common: Segment | None = None
    for segment in of.segments:
        if segment.name == "PID":
            patient, common = segment, None
        elif segment.name == "ORC":
            common = segment
        elif segment.name == "OBR":
            orders.append(_Order(patient=patient, common=common, request=segment))
            common = None
        elif segment.name == "OBX" and orders:
            orders[-1].observations.append(segment)
            orders[-1].study_instance_uid = orders[-1].study_instance_uid or _observed_uid(of, segment)
        elif segment.name == "ZDS" and orders:
            orders[-1].study_instance_uid = _uid(of.value(segment, 1)) or orders[-1].study_instance_uid
    return _of_one_study(orders)


def _of_one_study(orders: list[_Order]) -> list[_Order]:
    """A message that names one study names it for all its orders (IHE RAD TF-2, the ZDS segment)."""
    uids = {order.study_instance_uid for order in orders if order.study_instance_uid}
    if len(uids) == 1:
        for order in orders:
            (order.study_instance_uid,) = uids
    return orders


def _key(of: Message, order: _Order) -> str:
    """What stays the same in every version: the filler's order number, else the placer's."""
    common = order.common or Segment(name="ORC", fields=("ORC",))
    candidates = (
        of.value(order.request, 3),
        of.value(common, 3),
        of.value(order.request, 2),
        of.value(common, 2),
        of.value(of.segments[0], 10),
    )
    return next((candidate for candidate in candidates if candidate), "")


def _report(
    of: Message,
    key: str,
    orders: list[_Order],
    accession_from: Sequence[AccessionField],
    message_at: datetime,
) -> ReportArrival:
    first = orders[0]
    text, sections = _text(of, [segment for order in orders for segment in order.observations])
    versions = [at for order in orders if (at := message.time(of.value(order.request, 22)))]
    modality = " ".join(_each(of.value(order.request, 24) for order in orders))[:16]
    accessions = [number for order in orders if (number := _accession(of, order, accession_from))]
    return ReportArrival(
        source=of.value(of.segments[0], 4),
        report_key=key,
        accession_number=accessions[0] if accessions else "",
        study_instance_uid=next((order.study_instance_uid for order in orders if order.study_instance_uid), None),
        patient_id=_patient_id(of, first.patient),
        modality=modality,
        procedure="; ".join(_each(_procedure(of, order, modality) for order in orders)),
        status=_status(of, orders),
        version_at=max(versions, default=message_at),
        message_at=message_at,
        text=text,
        sections=sections,
    )


def _each(values: Iterable[str]) -> list[str]:
    """What is filled, each once, in order."""
    return [value for value in dict.fromkeys(values) if value]


def _procedure(of: Message, order: _Order, modality: str) -> str:
    """What was ordered (OBR-4): its text, else its code; in brackets another of these, if that one says more.

    Where the text does not say what examination it is, the code or the alternate text (HL7 v2.5.1 §2.A.13) may.
    """
    said, *others = _each(of.value(order.request, 4, component) for component in (2, 5, 1, 4)) or [""]
    for other in others:
        if examination(modality, said) is not Examination.UNKNOWN:
            break
        if examination(modality, f"{said} [{other}]") is not Examination.UNKNOWN:
            said = f"{said} [{other}]"
    return said


def _accession(of: Message, order: _Order, accession_from: Sequence[AccessionField]) -> str:
    for place in accession_from:
        segment = order.common if place.startswith("ORC") else order.request
        if segment is not None and (number := of.value(segment, int(place[4:]))):
            return number
    return ""


def _patient_id(of: Message, patient: Segment | None) -> str:
    """The medical record number (PID-3, type MR), else the first identifier, else PID-2 of older versions."""
    if patient is None:
        return ""
    identifiers = patient.field(3).split(of.header.delimiters.repetition, 20)[:20]
    records = [each for each in identifiers if of.pick(each, 5) == "MR"]
    return of.pick((records or identifiers)[0], 1) or of.value(patient, 2)


def _status(of: Message, orders: list[_Order]) -> ReportStatus:
    said = [of.value(order.request, 25) for order in orders]
    said += [of.value(segment, 11) for order in orders for segment in order.observations]
    known = (STATUS[word.upper()] for word in said if word.upper() in STATUS)
    return next(known, ReportStatus.UNKNOWN)


def _text(of: Message, observations: list[Segment]) -> tuple[str, tuple[ReportSection, ...]]:
    """The text of all OBX, one below the other, and where each run of one suffix (&GDT, &IMP ...) stands in it."""
    pieces: list[str] = []
    sections: list[ReportSection] = []
    position = 0
    for suffix, text in _lines(of, observations):
        start, end = position, position + len(text)
        if sections and sections[-1].suffix == suffix:
            start = sections.pop().start
        sections.append(ReportSection(suffix=suffix, start=start, end=end))
        pieces.append(text)
        position = end + 1
    return "\n".join(pieces), tuple(sections)


def _lines(of: Message, observations: list[Segment]) -> Iterator[tuple[str, str]]:
    for segment in observations:
        if of.value(segment, 2) in TEXT_TYPES and _observed_uid(of, segment) is None:
            yield _suffix(of, segment), of.text(segment, 5)


def _suffix(of: Message, segment: Segment) -> str:
    """The observation suffix (HL7 v2.5.1 §7.2.4): the second subcomponent of OBX-3.1."""
    identifier = segment.field(3).split(of.header.delimiters.component, 1)[0]
    parts = identifier.split(of.header.delimiters.subcomponent, 2)
    return of.pick(parts[1], 1)[:16].upper() if len(parts) > 1 else ""


def _observed_uid(of: Message, segment: Segment) -> str | None:
    codes = {of.value(segment, 3, component).upper() for component in (1, 2)}
    return _uid(of.value(segment, 5)) if codes & STUDY_UID_CODES else None


def _uid(value: str) -> str | None:
    return value if len(value) <= 64 and UID.fullmatch(value) else None
