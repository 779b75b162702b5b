"""MLLP framing (HL7 Transport Specification: MLLP, release 1): bytes in, frames out. No network, no clock.

Theory of operation. Outside a frame everything but a start block (0x0B) is noise. Inside one, 0x1C 0x0D ends it;
another start block begins it anew, so that a sender that was cut off resynchronises. A frame that grows past the
limit is refused at once, and what follows of it is noise already answered. Nothing but a frame is kept in memory.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

START, END = b"\x0b", b"\x1c\r"
_MARK = re.compile(rb"\x0b|\x1c\r")


class Fault(Enum):
    """What came instead of a frame; each is answered once."""

    NOISE = auto()
    TOO_LARGE = auto()


class Deframer:
    """The state of one connection.

    Args:
        limit: bytes that a frame may hold.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._seen = 0
        self._noise = 0
        self._answered = False
        self.inside = False
        """Whether a frame has begun and not ended."""
        self.begun = 0
        """Start blocks seen."""

    @property
    def noisy(self) -> bool:
        """Whether there is noise that has not been answered."""
        return self._noise > 0 and not self._answered

    def feed(self, data: bytes) -> Iterator[bytes | Fault]:
        """Take bytes in; hand out what they complete. To be used up before the next call."""
        self._buffer += data
        while (match := _MARK.search(self._buffer, self._seen)) is not None:
            before, after = match.span()
            starts = match[0] == START
            if self.inside and not starts:
                content = bytes(self._buffer[:before])
                self._reset(after, inside=False)
                yield content if len(content) <= self._limit else Fault.TOO_LARGE
            elif starts:
                self._reset(after, inside=True)
            else:
                self._count(before)
                fault = self.noisy
                self._reset(after, inside=False)
                if fault:
                    yield Fault.NOISE
        # The end mark may be cut in two.
        kept = 1 if self._buffer.endswith(END[:1]) else 0
        self._seen = len(self._buffer) - kept
        if not self.inside:
            self._count(self._seen)
            del self._buffer[: self._seen]
            self._seen = 0
            if self.noisy and self._noise > self._limit:
                self._answered = True
                yield Fault.TOO_LARGE
        elif len(self._buffer) > self._limit:
            self.give_up()
            yield Fault.TOO_LARGE

    def give_up(self) -> None:
        """Drop what is incomplete; the rest of it will be noise that needs no answer."""
        self._reset(len(self._buffer), inside=False)
        self._answered = True

    def _count(self, end: int) -> None:
        self._noise += len(bytes(self._buffer[:end]).strip())

    def _reset(self, consumed: int, *, inside: bool) -> None:
        del self._buffer[:consumed]
        self._seen = 0
        self._noise = 0
        self._answered = False
        self.inside = inside
        self.begun += inside


def frame(content: bytes) -> bytes:
    """Put a message into a frame."""
    return START + content + END
