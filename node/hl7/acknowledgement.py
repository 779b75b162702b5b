"""Answers to a message (HL7 v2.8 §2.9): MSH and MSA in the sender's delimiters, ERR where something is the matter.

Original mode: one application acknowledgement, AA, AE or AR. Enhanced mode, chosen by MSH-15 or MSH-16: an accept
acknowledgement, CA, CE or CR, and an application acknowledgement, each if its field asks for it. Nothing of the
message is repeated but fields of MSH.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from node.hl7.errors import Hl7Error
from node.hl7.escape import STANDARD, escape
from node.hl7.message import VERSIONS, Header

VERSION = "2.5.1"
"""Of an answer to a message whose own version is not known."""
MAX_ECHO_BYTES = 250
"""Kept of a field of MSH that is repeated."""

_ACCEPT = {"AA": "CA", "AE": "CE", "AR": "CR"}
_FRAMING = bytes.maketrans(b"\x0b\x1c\r\n", b"    ")


def codes(header: Header | None, error: Hl7Error | None) -> tuple[str, ...]:
    """MSA-1 of each answer that the sender wants, in order; none if it wants none."""
    application = "AA" if error is None else error.acknowledgement
    accept_type, application_type = (header.code(15), header.code(16)) if header else ("", "")
    if not accept_type and not application_type:
        return (application,)
    accept = (accept_code(application),) if _wanted(accept_type, error) else ()
    if accept and error is not None:
        return accept  # what was not accepted is not processed either
    return accept + ((application,) if _wanted(application_type, error) else ())


def accept_code(application: str) -> str:
    """The accept acknowledgement that says what an application acknowledgement would say."""
    return _ACCEPT[application]


def _wanted(condition: str, error: Hl7Error | None) -> bool:
    """HL7 table 0155; nothing said in enhanced mode is "never"."""
    return {"": False, "NE": False, "ER": error is not None, "SU": error is None}.get(condition, True)


def build(header: Header | None, code: str, error: Hl7Error | None, now: datetime) -> bytes:
    """One answer, without its framing. `header` is None if the message had no usable MSH."""
    delimiters = header.delimiters if header else STANDARD
    field = delimiters.field.encode()
    text = escape(error.text, delimiters).encode() if error else b""
    control_id = _echo(header, 10)
    acknowledgement = field.join((b"MSA", code.encode(), control_id, text)).rstrip(field)
    segments = [_msh(header, now), acknowledgement]
    if error is not None:
        segments.append(_err(header, error))
    return b"".join(segment + b"\r" for segment in segments)


def batch(answers: Sequence[bytes], now: datetime) -> bytes:
    """The answer to a batch: the answers to its messages, as a batch (HL7 v2.8 §2.10.3)."""
    head = f"BHS|^~\\&|||||{_timestamp(now)}|||||{_control_id()}\r"
    return head.encode() + b"".join(answers) + f"BTS|{len(answers)}\r".encode()


def _msh(header: Header | None, now: datetime) -> bytes:
    delimiters = header.delimiters if header else STANDARD
    version = header.code(12) if header else ""
    if not VERSIONS.fullmatch(version):
        version = VERSION
    kind = "ACK" if header is None else delimiters.component.join(_kind(header, version))
    fields = [
        b"MSH",
        delimiters.encoding_characters.encode(),
        *(_echo(header, number) for number in (5, 6, 3, 4)),
        _timestamp(now).encode(),
        b"",
        kind.encode(),
        _control_id().encode(),
        _echo(header, 11) or b"P",
        version.encode(),
    ]
    if character_set := _echo(header, 18):
        fields += [b""] * 5 + [character_set]
    return delimiters.field.encode().join(fields)


def _kind(header: Header, version: str) -> list[str]:
    """MSH-9: the trigger event is the message's, the structure is named since version 2.3.1."""
    event = header.code(9, 2)
    if not event.isalnum() or not event.isascii() or len(event) > 3:
        return ["ACK"]
    return ["ACK", event] if version == "2.3" else ["ACK", event, "ACK"]


def _err(header: Header | None, error: Hl7Error) -> bytes:
    """ERR in the form of its version: since 2.5 code, severity and text have fields of their own."""
    delimiters = header.delimiters if header else STANDARD
    version = header.code(12) if header else VERSION
    meaning = escape(error.condition.meaning, delimiters)
    code = (str(int(error.condition)), meaning, "HL70357")
    if version < "2.5":
        return (f"ERR{delimiters.field}" + delimiters.component * 3 + delimiters.subcomponent.join(code)).encode()
    fields = ("ERR", "", "", delimiters.component.join(code), "E", "", "", "", escape(error.text, delimiters))
    return delimiters.field.join(fields).encode()


def _echo(header: Header | None, number: int) -> bytes:
    return header.field(number)[:MAX_ECHO_BYTES].translate(_FRAMING) if header else b""


def _timestamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")


def _control_id() -> str:
    return uuid.uuid4().hex[:20]  # MSH-10 has 20 characters up to version 2.6
