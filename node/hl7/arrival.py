"""A report message as the database takes it, whichever way it came: over MLLP or from a file."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from db.report_records import MessageArrival
from node.hl7 import report
from node.hl7.message import Message
from node.hl7.report import AccessionField

_LINE_END = re.compile(rb"\r\n|\r|\n")


def make_arrival(
    of: Message,
    raw: bytes,
    *,
    accession_from: Sequence[AccessionField],
    peer_address: str,
    answer: str,
    received_at: datetime,
) -> MessageArrival:
    """Make the rows' values of a parsed message.

    Args:
        of: the message.
        raw: its bytes as received, framing taken off.
        accession_from: where the site puts the accession number.
        peer_address: who sent it; empty for a message from a file.
        answer: the code that it is answered with; empty for one that nobody waits for.
        received_at: the time of a message that names none.

    Raises:
        MalformedMessageError: there is no report in it, or too many.
    """
    msh = of.segments[0]
    return MessageArrival(
        sending_application=of.value(msh, 3),
        sending_facility=of.value(msh, 4),
        control_id=of.value(msh, 10),
        message_type="^".join(part for part in (of.value(msh, 9, 1), of.value(msh, 9, 2)) if part),
        version=of.value(msh, 12),
        raw=raw,
        sha256=digest(raw),
        peer_address=peer_address,
        answer=answer,
        received_at=received_at,
        reports=report.reports(of, accession_from, received_at),
    )


def digest(raw: bytes) -> str:
    """The SHA-256 of a message with the line ends that HL7 prescribes: a carriage return after each segment.

    A message that was kept in a file has often got others, and is the same message.
    """
    lines = (line for line in _LINE_END.split(raw) if line.strip())
    return hashlib.sha256(b"".join(line + b"\r" for line in lines)).hexdigest()
