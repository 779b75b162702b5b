"""A report as a plain text file: its name is the accession number unless a heading line says another.

Heading lines (`Accession: 4711`, `Patient ID: ...`, `Modality: ...`) stand above the report's own first heading.
"""

import re
from datetime import datetime
from pathlib import Path

from db.report_records import MessageArrival
from node.history import columns, plain

MESSAGE_TYPE = "TEXT"
_HEADING_LINES = 20
_HEADING = re.compile(r"[ \t]*([A-Za-z][A-Za-z _-]{0,40}?)[ \t]*[:=](.*)")


def arrival(text: str, raw: bytes, path: Path, *, facility: str, received_at: datetime) -> MessageArrival:
    """Make the rows' values of a text file's report.

    Args:
        text: its content.
        raw: its bytes.
        path: where it lies.
        facility: the system that the reports come from.
        received_at: now.

    Raises:
        NoReportError: a heading line's value cannot be what it is called.
    """
    headings, rest = _headings(text)
    fields = plain.cleaned({"accession": _stem(path), "text": rest} | headings)
    return plain.arrival(fields, message_type=MESSAGE_TYPE, raw=raw, facility=facility, received_at=received_at)


def _stem(path: Path) -> str:
    name = re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE)
    return re.sub(r"\.te?xt$", "", name, flags=re.IGNORECASE)


def _headings(text: str) -> tuple[dict[str, str], str]:
    """What the heading lines say, and the text without them."""
    found: dict[str, str] = {}
    kept: list[str] = []
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines[:_HEADING_LINES]):
        match = _HEADING.match(line)
        name = columns.field(match[1]) if match else None
        if name in plain.PARTS:
            return found, "".join([*kept, *lines[number:]])
        if match and name and name not in found and plain.understood(name, match[2].strip()):
            found[name] = match[2]
        else:
            kept.append(line)
    return found, "".join([*kept, *lines[_HEADING_LINES:]])
