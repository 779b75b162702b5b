"""HL7 messages in a file: one, several one below the other, in batches (FHS, BHS), or in MLLP frames.

They go the way of a message over MLLP, so one that comes by both is stored once.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import BinaryIO

from node.history.entry import Entry
from node.hl7 import message
from node.hl7.arrival import make_arrival
from node.hl7.errors import Hl7Error
from node.hl7.framing import START
from node.hl7.report import AccessionField

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
_FRAME = re.compile(START)
_FRAME_END = b"\x1c"
_BATCH = (b"FHS", b"BHS", b"BTS", b"FTS")
TOO_LARGE = "a message above the size limit, hl7.max_message_mb"
CUT_OFF = "a message whose MLLP frame has no end"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReader:
    """Reads messages as the listener does."""

    accession_from: Sequence[AccessionField]
    max_bytes: int
    now: Callable[[], datetime]

    def read(self, file: BinaryIO, name: str) -> Iterator[Entry]:
        """Every message of a file, read piece by piece."""
        number = 0
        for piece in self._pieces(file):
            for raw in [piece] if isinstance(piece, str) else piece:
                number += 1
                yield self._entry(raw, f"{name} message {number}")
        if number == 0:
            yield Entry(place=name, refusal="there is no message in the file")

    def _pieces(self, file: BinaryIO) -> Iterator[Sequence[bytes] | str]:
        """Messages that lie together, or what is the matter with them."""
        start = file.read(max(CHUNK, 16)).lstrip(b"\xef\xbb\xbf\r\n\t \x1c")
        framed = start.startswith(START)
        for piece in _cut(file, start, _FRAME if framed else message.BOUNDARY, self.max_bytes):
            if len(piece) > self.max_bytes:
                yield TOO_LARGE
            elif framed:
                yield _framed(piece)
            elif not piece.startswith(_BATCH):
                yield [piece]

    def _entry(self, raw: bytes | str, place: str) -> Entry:
        """The door for a message from a file: past it goes no exception."""
        if isinstance(raw, str):
            return Entry(place=place, refusal=raw)
        try:
            header = message.read_header(raw)
            message.require_report(header)
            arrival = make_arrival(
                message.parse(raw, header),
                raw,
                accession_from=self.accession_from,
                peer_address="",
                answer="",
                received_at=self.now(),
            )
        except Hl7Error as error:
            return Entry(place=place, refusal=error.text)
        except Exception:
            log.exception("fault")
            return Entry(place=place, refusal="a fault in the node")
        return Entry(place=place, arrival=arrival)


def _framed(piece: bytes) -> Sequence[bytes] | str:
    """The messages of a frame, which may be a batch."""
    content, end, _ = piece.rpartition(_FRAME_END)
    if not end:
        return CUT_OFF
    try:
        return [raw for raw in message.split(content[len(START) :]).messages if raw]
    except Hl7Error as error:
        return error.text


def _cut(file: BinaryIO, start: bytes, boundary: re.Pattern[bytes], limit: int) -> Iterator[bytes]:
    """Cut a file before each boundary. Of a piece above the limit only so much is given that this can be seen."""
    buffer = bytearray(start)
    seen, dropping = 0, False
    while True:
        begins = [match.start() for match in boundary.finditer(buffer, seen)]
        chunk = file.read(CHUNK)
        ends = begins if chunk else [*begins, len(buffer)]
        for begin, end in pairwise([0, *ends]):
            if end > begin and not dropping and buffer[begin:end].strip():
                yield bytes(buffer[begin:end])
            dropping = False
        if not chunk:
            return
        if begins:
            del buffer[: begins[-1]]
        if len(buffer) > limit:
            if not dropping:
                yield bytes(buffer[: limit + 1])
            dropping = True
            del buffer[:-8]
        seen = max(len(buffer) - 8, 1)
        buffer += chunk
