"""Receiver processes on one port: the kernel shares connections out among them (SO_REUSEPORT).

Theory of operation. One interpreter's lock lets one thread run; two receivers use two cores. The parent holds the port
without listening on it, so that it keeps its number, and starts receivers, each a fresh process with a pipe to the
parent. A receiver says when it listens. It stops, and lets its associations end, when the parent says so; when the pipe
breaks the parent is dead, and it ends at once, so that a restarted node finds nobody in its place. A receiver that dies
is replaced: its connections break, nothing that it acknowledged is lost.
"""

import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from node.errors import NodeError

log = logging.getLogger(__name__)

READY_S = 60.0
"""How long a receiver may take until it listens."""
STOP_S = 10.0
"""How long it may take to end its associations; then it is cut."""
RESTART_S = 0.5
"""How long a dead one's place is empty, so that one that cannot live does not keep a core busy."""

READY, STOP = "ready", "stop"


class ReceiverError(NodeError):
    """A receiver process did not come up; the log says why."""


class Receiver(Protocol):
    """What receives in such a process."""

    def start(self) -> None:
        """Listen."""

    def stop(self) -> None:
        """Let associations end, and listen no more."""


Make = Callable[[int], Receiver]
"""Puts a receiver on this port together; a function of a module, so that a fresh process finds it."""


@dataclass(frozen=True, slots=True)
class _Child:
    process: SpawnProcess
    pipe: Connection


class Receivers:
    """So many processes that receive on one port.

    Raises:
        OSError: the port is in use.
    """

    def __init__(self, *, host: str, port: int, count: int, make: Make) -> None:
        self._make = make
        self._count = count
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Alone first: with SO_REUSEPORT another node's port would be shared, and nobody told.
        socket.create_server((host, port), family=family).close()
        self._holder = socket.socket(family)
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._holder.bind((host, port))
        self.port: int = self._holder.getsockname()[1]
        self._children: list[_Child] = []
        self._stopping = threading.Event()
        self._waker, self._woken = multiprocessing.Pipe()
        self._watcher = threading.Thread(target=self._watch, name="receivers", daemon=True)

    def start(self) -> None:
        """Start the processes; returns when all listen.

        Raises:
            ReceiverError: one did not; none is left.
        """
        self._children = [self._begin() for _ in range(self._count)]
        try:
            for child in self._children:
                _await_ready(child)
        except ReceiverError:
            self.stop()
            raise
        self._watcher.start()

    def stop(self) -> None:
        """Let associations end, then the processes."""
        self._stopping.set()
        self._waker.send(STOP)
        if self._watcher.is_alive():
            self._watcher.join()
        for child in self._children:
            _tell_to_stop(child)
        for child in self._children:
            child.process.join(STOP_S)
            _cut(child)
        self._holder.close()

    def _begin(self) -> _Child:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_receive, args=(self._make, self.port, theirs), name="receiver", daemon=True)
        process.start()
        theirs.close()
        return _Child(process, ours)

    def _watch(self) -> None:
        """Put a new process where one has died."""
        while not self._stopping.is_set():
            dead = wait([self._woken, *(child.process.sentinel for child in self._children)])
            for child in [each for each in self._children if each.process.sentinel in dead]:
                log.error("receiver died", extra={"fields": {"exit_code": child.process.exitcode}})
                _cut(child)
                self._children.remove(child)
                if not self._stopping.wait(RESTART_S):
                    self._children.append(self._begin())


def _await_ready(child: _Child) -> None:
    try:
        if child.pipe.poll(READY_S) and child.pipe.recv() == READY:
            return
    except EOFError:
        pass
    raise ReceiverError("a receiver process did not come up; the log says why")


def _tell_to_stop(child: _Child) -> None:
    with suppress(OSError):  # it may be dead
        child.pipe.send(STOP)


def _cut(child: _Child) -> None:
    child.process.kill()
    child.process.join()
    child.process.close()
    child.pipe.close()


def _receive(make: Make, port: int, pipe: Connection) -> None:
    """A receiver's process."""
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent says what is to be done
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    receiver = make(port)
    receiver.start()
    pipe.send(READY)
    try:
        pipe.recv()
    except (EOFError, OSError):
        os._exit(1)  # the parent is dead: as after a power cut, and a new one wants this place
    receiver.stop()
