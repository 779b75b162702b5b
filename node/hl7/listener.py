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
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from node.hl7.connection import READ_BYTES, Connection, Limits
from node.hl7.intake import Received

log = logging.getLogger(__name__)

BACKLOG = 512
STOP_S = 5.0
"""How long a stop waits for commits that are under way."""
MAX_COMMIT_FRAMES = 128
MAX_COMMIT_BYTES = 32 * 1024 * 1024
"""What one commit gathers at most."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Receive = Callable[[Sequence[Received]], list[list[bytes]]]
"""The intake: frames to the answers of each. Called in a thread, one call at a time."""
OnReject = Callable[[str, str], None]
"""Called with address and reason when a caller is turned away; in a thread."""


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
        self._connections: dict[asyncio.Task[None], Connection] = {}
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
        connection = Connection(reader, writer, address, self._limits, self._ask)
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
