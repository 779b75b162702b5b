"""The parts of a multipart/related response, as they arrive (RFC 2046 section 5.1.1, DICOM PS3.18 section 8.6.1)."""

from collections.abc import Callable, Iterator

from node.dicom.source import SourceError

MAX_PART_HEADER_BYTES = 16 * 1024
READ_BYTES = 256 * 1024
NOT_MULTIPART = "what it sends is not multipart/related"
BROKEN_OFF = "what it sends ends in the middle of an object"

Read = Callable[[int], bytes]
"""Gives at most so many bytes; none at the end."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names.

    Raises:
        SourceError: it is none of several parts.
    """
    kind, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if kind.strip().lower() == "multipart/related" and name.lower() == "boundary" and value.strip('"'):
            return value.strip().strip('"').encode("latin-1", "replace")
    raise SourceError(NOT_MULTIPART)


class Parts:
    """Reads one part after the other; each part's fragments are to be used up before the next is asked for."""

    def __init__(self, read: Read, boundary: bytes) -> None:
        self._read = read
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # so that the first delimiter is like the others

    def __iter__(self) -> Iterator[Iterator[bytes]]:
        """Each part's content, in fragments.

        Raises:
            SourceError: the response is malformed, or ends before its last delimiter.
        """
        for _ in self._until_delimiter():  # the preamble
            pass
        while self._another():
            content = self._until_delimiter()
            yield content
            for _ in content:  # what was left unread
                pass

    def _another(self) -> bool:
        """Whether a part follows this delimiter; its header is passed over."""
        while len(self._buffer) < 2:
            self._fill()
        if self._buffer[:2] == b"--":
            return False
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_PART_HEADER_BYTES:
                raise SourceError(NOT_MULTIPART)
            self._fill()
        del self._buffer[: end + 4]
        return True

    def _until_delimiter(self) -> Iterator[bytes]:
        keep = len(self._delimiter) - 1
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > keep:
                fragment = bytes(self._buffer[:-keep])
                del self._buffer[:-keep]
                yield fragment
            self._fill()
        fragment = bytes(self._buffer[:end])
        del self._buffer[: end + len(self._delimiter)]
        if fragment:
            yield fragment

    def _fill(self) -> None:
        data = self._read(READ_BYTES)
        if not data:
            raise SourceError(BROKEN_OFF)
        self._buffer += data
