"""One association seen from its acceptor: the DICOM upper layer (PS3.8 section 9) over a blocking socket.

Theory of operation. A connection starts in Sta2: the one PDU expected is A-ASSOCIATE-RQ, answered by `accept` or
`reject`. Accepted, it is in Sta6: `receive` hands out one message at a time, its command set whole, its data set
as fragments straight from the socket's buffer, and `respond` answers it; `request_operation` asks something of the
peer, whose response is one of the messages that `receive` hands out. A-RELEASE-RQ ends `receive` after
A-RELEASE-RP is sent; A-ABORT, a closed connection, a PDU out of place, above its size or behind its deadline
end it with an exception. Every wait is bounded: `idle_s` for the next PDU's header, `pdu_s` for the rest of it.

Why not pynetdicom's own acceptor: its two polling threads an association and its 4 KiB reads bound it to less than
a forking C server receives, and a PDU is read whole before its size is looked at. Its PDU classes are used here.
"""

import socket
import ssl
import struct
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, MaximumLengthNotification

from node.dicom import command
from node.dicom.command import Command
from node.errors import PeerClosedError, PeerError

ASSOCIATE_RQ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 1, 4, 5, 6, 7
COMMAND_FRAGMENT, LAST_FRAGMENT = 1, 2

MAX_COMMAND_BYTES = 64 * 1024
PDV_HEADER = struct.Struct(">LBB")
PDU_HEADER = struct.Struct(">BxL")
SLACK_BYTES = 64
"""Peers disagree whether the maximum length counts the PDU's own header (PS3.8 D.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much an association may take."""

    max_pdu_bytes: int = 256 * 1024
    """The largest PDU accepted, told to the peer."""
    request_s: float = 10.0
    """From the connection to a whole A-ASSOCIATE-RQ."""
    idle_s: float = 60.0
    """From one PDU to the header of the next."""
    pdu_s: float = 30.0
    """From a PDU's header to its last byte."""
    tick_s: float = 1.0
    """How often a waiting thread looks at its deadline."""


@dataclass(frozen=True, slots=True)
class Message:
    """A DIMSE request. `fragments` must be used up before the next message; each is valid until the next one."""

    context_id: int
    command: Command
    fragments: Iterator[memoryview]


class Association:
    """An accepted TCP connection (see the module's theory of operation)."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self._sock = sock
        self._limits = limits
        self._buffer = memoryview(bytearray(limits.max_pdu_bytes + SLACK_BYTES))
        # One call fills the buffer where the kernel can do that; TLS has no such flag, and waits on by itself when the
        # kernel's time is up, so there the time is Python's.
        self._secure = isinstance(sock, ssl.SSLSocket)
        self._flags = 0 if self._secure else socket.MSG_WAITALL
        self._pdvs = self._receive_pdvs()
        self._peers_max_pdu_bytes = 0
        if self._secure:
            sock.settimeout(limits.tick_s)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(limits.tick_s))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(limits.pdu_s))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self) -> A_ASSOCIATE:
        """Wait for the A-ASSOCIATE-RQ.

        Raises:
            PeerError: something else came, or it did not come in time.
        """
        kind, body = self._receive_pdu(self._limits.request_s, whole=True)
        if kind != ASSOCIATE_RQ:
            raise PeerError(f"PDU type {kind:#04x} instead of A-ASSOCIATE-RQ")
        pdu = A_ASSOCIATE_RQ()
        try:
            pdu.decode(PDU_HEADER.pack(kind, len(body)) + bytes(body))
            request = pdu.to_primitive()
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            struct.error,
            NotImplementedError,
            AssertionError,
        ) as error:
            raise PeerError(f"malformed A-ASSOCIATE-RQ ({type(error).__name__})") from error
        if not request.application_context_name:
            raise PeerError("an A-ASSOCIATE-RQ without an application context")
        contexts = request.presentation_context_definition_list
        if not all(context.abstract_syntax and context.transfer_syntax for context in contexts):
            raise PeerError("a presentation context without its syntaxes")
        for item in request.user_information:
            if isinstance(item, MaximumLengthNotification):
                self._peers_max_pdu_bytes = item.maximum_length_received or 0
        return request

    def accept(self, answer: A_ASSOCIATE) -> None:
        """Send A-ASSOCIATE-AC."""
        self._send(A_ASSOCIATE_AC(answer).encode())

    def reject(self, result: int, source: int, reason: int) -> None:
        """Send A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
        pdu = A_ASSOCIATE_RJ()
        pdu.result, pdu.source, pdu.reason_diagnostic = result, source, reason
        self._send(pdu.encode())

    def abort(self) -> None:
        """Send A-ABORT, if the peer still listens."""
        self._send(PDU_HEADER.pack(ABORT, 4) + bytes([0, 0, 2, 0]))

    def receive(self) -> Message | None:
        """The next request, or None when the peer released the association.

        Raises:
            PeerError: a limit or a rule was broken.
        """
        parts = bytearray()
        for context_id, flags, fragment in self._pdvs:
            if not flags & COMMAND_FRAGMENT:
                raise PeerError("a data set without a command")
            parts += fragment
            if len(parts) > MAX_COMMAND_BYTES:
                raise PeerError("a command set above its limit")
            if flags & LAST_FRAGMENT:
                received = command.decode(bytes(parts))
                fragments = self._data_set(context_id) if received.has_data_set else iter(())
                return Message(context_id, received, fragments)
        return None

    def respond(self, to: Message, status: int, comment: str = "") -> None:
        """Answer a request."""
        body = command.response(to.command, status, comment)
        pdv = PDV_HEADER.pack(len(body) + 2, to.context_id, COMMAND_FRAGMENT | LAST_FRAGMENT) + body
        self._send(PDU_HEADER.pack(P_DATA, len(pdv)) + pdv)

    def request_operation(self, context_id: int, command_set: bytes, data_set: bytes) -> None:
        """Ask for an operation with a data set; its response is among the messages that come."""
        for flags, data in ((COMMAND_FRAGMENT, command_set), (0, data_set)):
            room = (self._peers_max_pdu_bytes or self._limits.max_pdu_bytes) - PDV_HEADER.size
            for begin in range(0, len(data), room):
                part = data[begin : begin + room]
                last = LAST_FRAGMENT if begin + room >= len(data) else 0
                pdv = PDV_HEADER.pack(len(part) + 2, context_id, flags | last) + part
                self._send(PDU_HEADER.pack(P_DATA, len(pdv)) + pdv)

    def close(self) -> None:
        """Close the connection; what the peer has not read yet still reaches it."""
        self._sock.close()

    def _data_set(self, context_id: int) -> Iterator[memoryview]:
        for pdv_context_id, flags, fragment in self._pdvs:
            if flags & COMMAND_FRAGMENT or pdv_context_id != context_id:
                raise PeerError("a data set interrupted by another message")
            yield fragment
            if flags & LAST_FRAGMENT:
                return
        raise PeerError("the association was released inside a data set")

    def _receive_pdvs(self) -> Generator[tuple[int, int, memoryview], None, None]:
        """Presentation data values, one after the other, until the peer releases (PS3.8 9.3.5)."""
        while True:
            kind, body = self._receive_pdu(self._limits.idle_s)
            if kind == RELEASE_RQ:
                self._send(PDU_HEADER.pack(RELEASE_RP, 4) + bytes(4))
                return
            if kind != P_DATA:
                raise PeerError(f"PDU type {kind:#04x} out of place")
            position = 0
            while position < len(body):
                if position + PDV_HEADER.size > len(body):
                    raise PeerError("a PDU ends inside a PDV header")
                length, context_id, flags = PDV_HEADER.unpack_from(body, position)
                end = position + 4 + length
                if length < 2 or end > len(body):
                    raise PeerError("a PDV longer than its PDU")
                yield context_id, flags, body[position + PDV_HEADER.size : end]
                position = end

    def _receive_pdu(self, idle_s: float, *, whole: bool = False) -> tuple[int, memoryview]:
        """One PDU; its header within `idle_s`, its body within `pdu_s` of that, or the `whole` of it in `idle_s`."""
        deadline = time.monotonic() + idle_s
        self._fill(self._buffer[: PDU_HEADER.size], deadline)
        kind, length = PDU_HEADER.unpack_from(self._buffer)
        if kind == ABORT:
            raise PeerClosedError("the peer aborted the association")
        if length > len(self._buffer):
            raise PeerError(f"a PDU of {length} bytes, above the limit")
        body = self._buffer[:length]
        self._fill(body, deadline if whole else time.monotonic() + self._limits.pdu_s)
        return kind, body

    def _fill(self, view: memoryview, deadline: float) -> None:
        while view:
            try:
                count = self._sock.recv_into(view, 0, self._flags)
            except (BlockingIOError, TimeoutError):
                count = -1
            except OSError as error:
                raise PeerClosedError("the connection broke") from error
            if count == 0:
                raise PeerClosedError("the peer closed the connection")
            view = view[max(count, 0) :]
            if view and time.monotonic() > deadline:
                raise PeerError("the peer was too slow")

    def _send(self, data: bytes) -> None:
        try:
            if self._secure:
                self._sock.settimeout(self._limits.pdu_s)
            self._sock.sendall(data)
            if self._secure:
                self._sock.settimeout(self._limits.tick_s)
        except OSError as error:
            raise PeerClosedError("the connection broke") from error


def _timeval(seconds: float) -> bytes:
    """A socket timeout; never 0, which would be for ever."""
    return struct.pack("ll", *divmod(max(int(seconds * 1_000_000), 1), 1_000_000))
