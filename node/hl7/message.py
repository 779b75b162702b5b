"""HL7 version 2 messages in their encoding by delimiters (HL7 v2.8 §2.6): bytes in, segments out. Pure.

Lenient where senders are known to be careless and nothing is lost by it: line ends, a missing MSH-18, fields
beyond those looked at, unescaped delimiters in text. Strict about what the answer depends on: MSH.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

from node.hl7 import charset
from node.hl7.errors import Condition, MalformedMessageError, UnsupportedMessageError
from node.hl7.escape import Delimiters, unescape

MESSAGE_TYPE, TRIGGER_EVENT = "ORU", "R01"
"""MSH-9 of what is taken; the event may be left out."""
VERSIONS = re.compile(r"2\.[3-8](\.[0-9])?")
MAX_MESSAGES = 10_000
"""Messages in one batch."""
MAX_SEGMENTS = 100_000
MAX_FIELDS = 64
"""Fields looked at in a segment; the rest is one piece."""
MAX_VALUE = 200
"""Characters kept of an identifier: the longest that HL7 allows is 199, and an index has its limits."""

BOUNDARY = re.compile(rb"(?:(?<=[\r\n])|\A)(?:(MSH)(?=[^A-Za-z0-9\r\n])|(?:BHS|BTS|FHS|FTS)(?![A-Za-z0-9]))")
"""Where a message or a piece of a batch begins; group 1 is there for a message."""
_MSH = re.compile(rb"MSH(?=[^A-Za-z0-9\r\n])")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\.\d{1,6})?\d*([+-]\d{4})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ANY_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """MSH as it came, for the answer, which repeats some of its fields byte by byte. `fields[0]` is MSH-1."""

    delimiters: Delimiters
    fields: tuple[bytes, ...]

    def field(self, number: int) -> bytes:
        """The field MSH-`number`, empty if it is not there."""
        return self.fields[number - 1] if number <= len(self.fields) else b""

    def code(self, number: int, component: int = 1) -> str:
        """A component of a coded field, for which ASCII is enough."""
        parts = self.field(number).decode("ascii", errors="replace").split(self.delimiters.component)
        return parts[component - 1].strip() if component <= len(parts) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment: `fields[0]` is its name, `fields[1]` its first field; MSH-1 is the delimiter itself."""

    name: str
    fields: tuple[str, ...]

    def field(self, number: int) -> str:
        """The field as it came, empty if it is not there."""
        return self.fields[number] if number < len(self.fields) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message cut into segments; `codec` is Python's name of its character set."""

    header: Header
    segments: tuple[Segment, ...]
    codec: str

    def value(self, segment: Segment, number: int, component: int = 1) -> str:
        """An identifier or code: one component of a field's first repetition, cleaned and of bounded length."""
        return self.pick(segment.field(number).split(self.header.delimiters.repetition, 1)[0], component)

    def pick(self, repetition: str, component: int) -> str:
        """The same from one repetition; of subcomponents, the first."""
        parts = repetition.split(self.header.delimiters.component, component)
        if component > len(parts):
            return ""
        first = parts[component - 1].split(self.header.delimiters.subcomponent, 1)[0]
        return _ANY_CONTROL.sub(" ", self._unescape(first)).strip()[:MAX_VALUE]

    def text(self, segment: Segment, number: int) -> str:
        """A field of text (ST, TX, FT): repetitions and line breaks are line ends, other controls are taken out."""
        lines = segment.field(number).replace(self.header.delimiters.repetition, "\n")
        text = self._unescape(lines).replace("\r\n", "\n").replace("\r", "\n")
        return _CONTROL.sub("", text)

    def _unescape(self, text: str) -> str:
        return unescape(text, self.header.delimiters, self.codec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one frame holds: messages, each to be answered, and whether they came as a batch (HL7 v2.8 §2.10.3)."""

    messages: tuple[bytes, ...]
    batch: bool


def split(content: bytes) -> Contents:
    """Cut a frame's content into messages. What stands before the first MSH is a piece of its own.

    Raises:
        MalformedMessageError: more than MAX_MESSAGES.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    boundaries = list(islice(BOUNDARY.finditer(content), MAX_MESSAGES + 1))
    if len(boundaries) > MAX_MESSAGES:
        raise MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the batch has too many messages")
    starts = [boundary.start() for boundary in boundaries] + [len(content)]
    pieces = [content[: starts[0]]]
    pieces += [content[start:end] for start, end in pairwise(starts)]
    kept = [True] + [boundary[1] is not None for boundary in boundaries]
    messages = tuple(piece for piece, keep in zip(pieces, kept, strict=True) if keep and piece.strip())
    return Contents(messages=messages or (b"",), batch=not all(kept))


def read_header(content: bytes) -> Header:
    """Read MSH, which names the delimiters and the character set of all the rest.

    Raises:
        MalformedMessageError: there is none, or its delimiters are none.
    """
    if not _MSH.match(content):
        raise MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the message does not begin with MSH")
    line = _LINE_END.split(content, 1)[0]
    separator = line[3:4]
    fields = line[4:].split(separator, MAX_FIELDS)
    return Header(delimiters=_delimiters(separator, fields[0]), fields=(separator, *fields))


def _delimiters(separator: bytes, encoding_characters: bytes) -> Delimiters:
    given = (separator + encoding_characters).decode("latin-1")
    # Who needs fewer delimiters may leave the last ones out; a sixth is the truncation character (v2.7).
    letters = (given + "|^~\\&"[len(given) :])[:5]
    usable = all("!" <= letter <= "~" and not letter.isalnum() for letter in letters)
    if not usable or len(set(letters)) < 5 or not 3 <= len(given) <= 6:
        text = "MSH-1 and MSH-2 do not name five different delimiters"
        raise MalformedMessageError(Condition.DATA_TYPE_ERROR, text)
    field, component, repetition, escape, subcomponent = tuple(letters)
    return Delimiters(field=field, component=component, repetition=repetition, escape=escape, subcomponent=subcomponent)


def require_report(header: Header) -> None:
    """Refuse what is not a report message of a version that the node knows.

    Raises:
        UnsupportedMessageError: another type (MSH-9) or version (MSH-12).
        MalformedMessageError: without a control id (MSH-10) no answer finds its message.
    """
    if header.code(9) != MESSAGE_TYPE or header.code(9, 2) not in {TRIGGER_EVENT, ""}:
        text = "only ORU messages of event R01 are taken here"
        raise UnsupportedMessageError(Condition.UNSUPPORTED_MESSAGE_TYPE, text)
    if not VERSIONS.fullmatch(header.code(12)):
        raise UnsupportedMessageError(Condition.UNSUPPORTED_VERSION_ID, "MSH-12 is not a version from 2.3 to 2.8")
    if not header.field(10).strip():
        raise MalformedMessageError(Condition.REQUIRED_FIELD_MISSING, "MSH-10, the control id, is missing")


def parse(content: bytes, header: Header | None = None) -> Message:
    """Cut a message into segments and fields.

    Raises:
        MalformedMessageError: it has no usable MSH, an unknown character set, or too many segments.
    """
    header = header or read_header(content)
    repetitions = header.field(18).decode("ascii", errors="replace").split(header.delimiters.repetition)
    text, codec = charset.decode(content, charset.codec(repetitions))
    segments = tuple(_segments(text, header.delimiters.field))
    return Message(header=header, segments=segments, codec=codec)


def _segments(text: str, separator: str) -> Iterator[Segment]:
    for number, lines in enumerate(_logical_lines(text, separator)):
        if number >= MAX_SEGMENTS:
            raise MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the message has too many segments")
        name, *fields = "\n".join(lines).split(separator, MAX_FIELDS)
        if name == "MSH":
            fields.insert(0, separator)
        yield Segment(name=name, fields=(name, *fields))


def _logical_lines(text: str, separator: str) -> Iterator[Sequence[str]]:
    """Segments; a line that begins none belongs to the one before it (a line end sent bare in text)."""
    lines: list[str] = []
    for line in re.split(r"\r\n|\r|\n", text):
        if _SEGMENT.match(line) and line[3:4] in {separator, ""}:
            if lines:
                yield lines
            lines = [line]
        elif lines and line.strip():
            lines.append(line)
    if lines:
        yield lines


def time(value: str) -> datetime | None:
    """A time (HL7 v2.8 §2.A.22), in UTC; without an offset it is this machine's local time. None if it is none."""
    match = _TIME.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        at = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),  # a leap second
            round(float(fraction or 0) * 1_000_000) % 1_000_000,
            _zone(offset),
        )
        return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
