"""A report that came without HL7, as a CSV row or a text, as the database takes it: a message and a report.

Its identity is its own words: the same row or text again, from whichever file, is not stored again.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from db.report_records import OLDEST, MessageArrival, ReportArrival, ReportSection, ReportStatus
from node.history.entry import NoReportError
from node.hl7 import message
from node.hl7.report import STATUS, UID

APPLICATION = "cxr reports import"
"""Stands where a message names its sending application (MSH-3)."""
_SUFFIX = {"indication": "", "comparison": "", "findings": "GDT", "impression": "IMP", "text": ""}
"""The observation suffix of each part (HL7 v2.5.1 §7.2.4); a part without one is read by its heading."""
PARTS = frozenset(_SUFFIX)
"""The fields that are text of the report."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ROOTED_UID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){3,}")
_STATUS = STATUS | {str(status).upper(): status for status in ReportStatus} | {"CANCELED": ReportStatus.CANCELLED}


def arrival(
    fields: Mapping[str, str], *, message_type: str, raw: bytes, facility: str, received_at: datetime
) -> MessageArrival:
    """Make the rows' values of a report.

    Args:
        fields: its values by the names of `columns.FIELDS`, as `cleaned` gives them.
        message_type: CSV or TEXT.
        raw: what it was made of.
        facility: the system that it comes from, by the name that it gives itself in HL7 (MSH-4).
        received_at: now.

    Raises:
        NoReportError: it has no key, or a value cannot be what it is called.
    """
    key = fields.get("uid") or fields.get("accession") or fields.get("study_instance_uid") or ""
    if not key:
        raise NoReportError("no accession number, uid or study_instance_uid")
    if max(len(fields.get(name, "")) for name in ("uid", "accession", "patient_id")) > message.MAX_VALUE:
        raise NoReportError(f"an identifier of more than {message.MAX_VALUE} characters")
    text, sections = _text(fields)
    version_at = _time(fields["time"]) if "time" in fields else OLDEST
    if version_at is None:
        raise NoReportError("the time is not one like 2026-03-01 12:00 or 202603011200")
    report = ReportArrival(
        source=facility,
        report_key=key,
        accession_number=fields.get("accession", ""),
        study_instance_uid=_study(fields),
        patient_id=fields.get("patient_id", ""),
        modality=fields.get("modality", "")[:16],
        procedure=fields.get("procedure", "")[: message.MAX_VALUE],
        status=_STATUS.get(fields.get("status", "").upper(), ReportStatus.UNKNOWN),
        version_at=version_at,
        message_at=version_at,
        text=text,
        sections=sections,
    )
    return MessageArrival(
        sending_application=APPLICATION,
        sending_facility=facility,
        control_id=key,
        message_type=message_type,
        version="",
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        peer_address="",
        answer="",
        received_at=received_at,
        reports=(report,),
    )


def cleaned(fields: Mapping[str, str]) -> dict[str, str]:
    """Values as they are kept; those that are empty are left out."""
    return {name: clear for name, value in fields.items() if (clear := _clean(name, value))}


def _clean(name: str, value: str) -> str:
    """Text with plain line ends, everything else on one line, no control characters."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if name not in _SUFFIX:
        value = " ".join(value.split())
    return _CONTROL.sub("", value).strip()


def _text(fields: Mapping[str, str]) -> tuple[str, tuple[ReportSection, ...]]:
    """The whole report under headings, and where its parts stand; those with a suffix without their heading."""
    text = ""
    sections: list[ReportSection] = []
    for name, suffix in _SUFFIX.items():
        if value := fields.get(name):
            text += "\n\n" if text else ""
            start = len(text)
            if name != "text":
                text += f"{name.upper()}: "
            start = len(text) if suffix else start
            text += value
            sections.append(ReportSection(suffix=suffix, start=start, end=len(text)))
    return text, tuple(sections)


def _study(fields: Mapping[str, str]) -> str | None:
    """The study by its UID; a `uid` that can be no report's own number is the study's too."""
    named, uid = fields.get("study_instance_uid", ""), fields.get("uid", "")
    if named and not (len(named) <= 64 and UID.fullmatch(named)):
        raise NoReportError("study_instance_uid is not a UID")
    return named or (uid if len(uid) <= 64 and _ROOTED_UID.fullmatch(uid) else None)


def understood(name: str, value: str) -> bool:
    """Whether the value of a heading line is what its name says, as far as that can be told."""
    if name == "status":
        return value.upper() in _STATUS
    return name != "time" or _time(value) is not None


def _time(value: str) -> datetime | None:
    """When this version was made: ISO 8601 or as HL7 writes it; without an offset it is this machine's local time."""
    try:
        return message.time(value) or datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
