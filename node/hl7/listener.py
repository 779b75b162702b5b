"""The MLLP listener: where radiologists' reports arrive.

Theory of operation. One thread runs an event loop; each connection is a task that reads bytes, cuts them into
frames and waits for the answer to each before it reads on, so that answers keep the order of their messages. One
more task commits: it takes every frame that is waiting, hands them to the intake in a worker thread, and gives
each its answers. While one commit is on its way to the disk the next one gathers.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from node.hl7.errors import Condition, Hl7Error, MalformedMessageError, UnsupportedMessageError
from node.hl7.framing import Deframer, Fault, frame
from node.hl7.intake import Received

log = logging.getLogger(__name__)

BACKLOG = 512
STOP_S = 5.0
"""How long a stop waits for commits that are under way."""
READ_BYTES = 256 * 1024
MAX_COMMIT_FRAMES = 128
MAX_COMMIT_BYTES = 32 * 1024 * 1024
"""What one commit gathers at most."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Receive = Callable[[Sequence[Received]], list[list[bytes]]]
"""The intake: frames to the answers of each. Called in a thread, one call at a time."""
OnReject = Callable[[str, str], None]
"""Called with address and reason when a caller is turned away; in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much a connection may take."""

    max_message_bytes: int = 16 * 1024 * 1024
    """The largest frame."""
    message_s: float = 30.0
    """From a frame's start block to its end, and for the peer to take an answer."""
    idle_s: float = 3600.0
    """From one frame to the start of the next."""
    noise_s: float = 2.0
    """Of silence after bytes outside a frame, until they are answered."""
    max_connections: int = 64
    """Open connections; the next is closed."""


class Listener:
    """A listening port.

    Args:
        networks: who may connect.
        receive: where frames go.
        on_reject: told of each refused connection.
        tls: for MLLP over TLS.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        networks: Sequence[Network],
        receive: Receive,
        on_reject: OnReject,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._networks = networks
        self._receive = receive
        self._on_reject = on_reject
        self._limits = limits or Limits()
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="mllp", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._serving = threading.Event()
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()
        self._serving.wait()

    def stop(self) -> None:
        """Close the port, let messages that are being stored be answered, then cut the connections."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._serving.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        committer = asyncio.create_task(self._commit())
        handshake_s = 10.0 if self._tls else None
        server = await asyncio.start_server(
            self._accept,
            sock=self._listener,
            ssl=self._tls,
            ssl_handshake_timeout=handshake_s,
            backlog=BACKLOG,
            limit=READ_BYTES,
        )
        self._serving.set()
        await self._stopping.wait()
        server.close()
        await self._end_connections()
        committer.cancel()
        with suppress(asyncio.CancelledError):
            await committer

    async def _end_connections(self) -> None:
        """Let those that wait for a commit hear its outcome, and cut the others."""
        for task, connection in self._connections.items():
            if not connection.end():
                task.cancel()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=STOP_S)
            for task in late:
                task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._stopping.is_set():
            writer.close()
            return
        address = _address(writer)
        connection = _Connection(reader, writer, address, self._limits, self._ask)
        self._connections[task] = connection
        try:
            reason = self._refusal(address)
            if reason is None:
                await connection.serve()
            else:
                log.warning("connection refused", extra={"fields": {"address": address, "reason": reason}})
                await asyncio.to_thread(self._report_refusal, address, reason)
        except OSError:
            log.info("connection broke", extra={"fields": {"address": address}})
        except asyncio.CancelledError:
            log.info("connection ended by stop", extra={"fields": {"address": address}})
        finally:
            self._connections.pop(task, None)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)

    def _refusal(self, address: str) -> str | None:
        if not _admitted(address, self._networks):
            return "address not admitted"
        if len(self._connections) > self._limits.max_connections:
            return "too many connections"
        return None

    def _report_refusal(self, address: str, reason: str) -> None:
        try:
            self._on_reject(address, reason)
        except Exception:
            log.exception("refusal not audited")

    async def _ask(self, received: Received) -> list[bytes]:
        """Wait for the answers to a frame."""
        waiting = _Waiting(received, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(waiting)
        return await waiting.answers

    async def _commit(self) -> None:
        while True:
            gathered = [await self._waiting.get()]
            size = len(gathered[0].received.content)
            while len(gathered) < MAX_COMMIT_FRAMES and size < MAX_COMMIT_BYTES and not self._waiting.empty():
                gathered.append(self._waiting.get_nowait())
                size += len(gathered[-1].received.content)
            frames = [each.received for each in gathered]
            try:
                answers = await asyncio.to_thread(self._receive, frames)
            except Exception:
                log.exception("fault")
                answers = [[] for _ in gathered]  # no answer: the sender sends again
            for each, given in zip(gathered, answers, strict=True):
                if not each.answers.done():
                    each.answers.set_result(given)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame and where its answers are to be put."""

    received: Received
    answers: asyncio.Future[list[bytes]]


class _Connection:
    """One peer."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
        limits: Limits,
        ask: Callable[[Received], Awaitable[list[bytes]]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._address = address
        self._limits = limits
        self._ask = ask
        self._deframer = Deframer(limits.max_message_bytes)
        self._busy = False
        self._ending = False

    def end(self) -> bool:
        """Ask it to end after the answer it waits for; False if it waits for none."""
        self._ending = True
        return self._busy

    async def serve(self) -> None:
        """Answer frames until the peer closes the connection or is silent for too long."""
        now = asyncio.get_running_loop().time
        idle_since = began = now()
        while not self._ending:
            begun = self._deframer.begun
            try:
                async with asyncio.timeout_at(self._deadline(idle_since, began, now())):
                    data = await self._reader.read(READ_BYTES)
            except TimeoutError:
                if not await self._overdue():
                    return
                idle_since = now()
                continue
            if not data:
                await self._overdue()
                return
            for event in self._deframer.feed(data):
                await self._answer(event)
                idle_since = now()
            if self._deframer.begun != begun:
                began = now()

    def _deadline(self, idle_since: float, began: float, now: float) -> float:
        if self._deframer.inside:
            return began + self._limits.message_s
        idle = idle_since + self._limits.idle_s
        return min(idle, now + self._limits.noise_s) if self._deframer.noisy else idle

    async def _overdue(self) -> bool:
        """Say what is the matter with what is incomplete; False if nothing is, and the connection is only idle."""
        error: Hl7Error
        if self._deframer.inside:
            error = MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the message's end did not come in time")
        elif self._deframer.noisy:
            error = _FAULTS[Fault.NOISE]
        else:
            return False
        self._deframer.give_up()
        await self._exchange(self._received(error=error))
        return True

    async def _answer(self, event: bytes | Fault) -> None:
        received = self._received(error=_FAULTS[event]) if isinstance(event, Fault) else self._received(event)
        await self._exchange(received)

    async def _exchange(self, received: Received) -> None:
        self._busy = True
        await self._send(await self._ask(received))
        self._busy = False

    def _received(self, content: bytes = b"", error: Hl7Error | None = None) -> Received:
        return Received(content=content, peer_address=self._address, error=error)

    async def _send(self, answers: list[bytes]) -> None:
        if answers:
            self._writer.write(b"".join(frame(answer) for answer in answers))
            async with asyncio.timeout(self._limits.message_s):
                await self._writer.drain()


_FAULTS: dict[Fault, Hl7Error] = {
    Fault.NOISE: MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "no MLLP start block before the message"),
    Fault.TOO_LARGE: UnsupportedMessageError(Condition.DATA_TYPE_ERROR, "the message is above the size limit"),
}


def _address(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _admitted(address: str, networks: Sequence[Network]) -> bool:
    try:
        caller = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped is not None:
        caller = caller.ipv4_mapped
    return any(caller in network for network in networks)
