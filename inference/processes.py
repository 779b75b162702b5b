"""Work in processes of their own, for what may kill who does it.

A process is a plain one that takes an item at a time over a socket and gives its answer back. It does not import what
its starter imported, and it ends when its starter ends, however that ends. If it dies of an item, that item is lost and
another process takes its place. A thread waits for each, so that a process has its next item as soon as it is free.
"""

import math
import os
import resource
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import LifoQueue
from typing import Any, Generic, Self, TypeVar

import cv2

from inference.errors import ProcessError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

START_S = 60.0
"""How long a process may take to begin."""
ITEM_S = 120.0
"""How long it may take over one item before it is ended."""
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
"""Keeps memory from one image to the next (glibc's mallopt(3)); to ask the system for it anew costs as much as decoding
an uncompressed image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one item may cost its process: seconds, and bytes of memory beyond those that it has when it begins."""

    item_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Instead of an answer: the process that worked on the item ended, or was ended because it took too long.

    Attributes:
        why: which of them, as the end of a sentence.
        late: it took too long.
    """

    why: str
    late: bool = False


class Processes(Generic[Item, Answer]):
    """Some processes that all do the same, started when they are first needed."""

    def __init__(self, function: Callable[[Item], Answer], size: int, limits: Limits | None = None) -> None:
        """Start nothing yet.

        Args:
            function: what to do with an item; it is in a module, for a process to import.
            size: how many processes.
            limits: what an item may cost; without them `ITEM_S`, and memory as there is.
        """
        self._function = function
        self._limits = limits
        self._waiting = ThreadPoolExecutor(size)
        self._idle: LifoQueue[_Process | None] = LifoQueue()  # the last one in is running
        for _ in range(size):
            self._idle.put(None)
        self._lock = threading.Lock()
        self._running: set[_Process] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Start a process, which else the first item has to wait for; returns at once, and fails as an item would."""
        self._waiting.submit(self._prepare)

    def submit(self, item: Item) -> "Future[Answer | Lost]":
        """Let the next free process do it; the future raises ProcessError if no process can be started."""
        return self._waiting.submit(self._ask, item)

    def close(self) -> None:
        """End the processes at once, whatever they are at."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.end()
        self._waiting.shutdown(cancel_futures=True)

    def _prepare(self) -> None:
        process = self._idle.get()
        try:
            process = process or self._started()
        finally:
            self._idle.put(process)

    def _ask(self, item: Item) -> Answer | Lost:
        process, kept = self._idle.get(), None
        try:
            process = process or self._started()
            answer: Answer | Lost = process.ask(item)
            kept = process
        except TimeoutError:
            seconds = self._limits.item_s if self._limits else ITEM_S
            answer = Lost(why=f"took longer than {seconds:.0f} seconds", late=True)
        except (EOFError, OSError):
            answer = Lost(why="died")
        finally:
            self._idle.put(kept)
            if process is not None and kept is None:
                self._end(process)
        return answer

    def _started(self) -> "_Process":
        """Start a process.

        Raises:
            ProcessError: it did not begin, or all is being closed.
        """
        with self._lock:
            if self._closed:
                raise ProcessError("the processes that decode images have been ended")
            try:
                process = _Process(self._function, self._limits)
            except OSError as error:
                raise _unstartable() from error
            self._running.add(process)
        try:
            process.begin()
        except (EOFError, OSError) as error:
            self._end(process)
            raise _unstartable() from error
        return process

    def _end(self, process: "_Process") -> None:
        with self._lock:
            self._running.discard(process)
        process.end()


class _Process:
    """One process, seen from its starter."""

    def __init__(self, function: Callable[[Any], Any], limits: Limits | None) -> None:
        self._function = function
        self._limits = limits
        self._socket, theirs = Pipe()
        command = [sys.executable, "-P", "-m", "inference.processes", str(theirs.fileno())]
        path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
        self._process = subprocess.Popen(  # noqa: S603  our own module, and no shell
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # a library's words may quote a header
            env=MEMORY | os.environ | {"PYTHONPATH": path},
        )
        theirs.close()

    def begin(self) -> None:
        """Wait until it has imported what it needs."""
        self._socket.send((self._function, self._limits))
        self._take(START_S)

    def ask(self, item: Any) -> Any:
        self._socket.send(item)
        return self._take(self._limits.item_s if self._limits else ITEM_S)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _take(self, seconds: float) -> Any:
        if not self._socket.poll(seconds):
            raise TimeoutError
        return self._socket.recv()


def _unstartable() -> ProcessError:
    return ProcessError("no process that decodes images can be started; see whether memory is free, or use none")


def in_order(futures: Iterable["Future[Answer]"], ahead: int) -> Iterator[Answer]:
    """The results in order; so many futures are drawn before the first is waited for, and no more."""
    drawn: deque[Future[Answer]] = deque()
    try:
        for future in futures:
            drawn.append(future)
            if len(drawn) > ahead:
                yield drawn.popleft().result()
        while drawn:
            yield drawn.popleft().result()
    finally:
        for future in drawn:
            future.cancel()


def _serve(socket: Connection) -> None:
    """A process's life: item after item until the starter is gone. What it does not expect, it dies of."""
    function, limits = socket.recv()
    if limits is not None:
        _limit_memory(limits.memory_bytes)
    socket.send(None)
    while True:
        item = socket.recv()
        if limits is not None:
            signal.alarm(math.ceil(limits.item_s) + 1)  # for a starter that is no more and cannot end it
        socket.send(function(item))
        signal.alarm(0)


def _limit_memory(more: int) -> None:
    """Let this process have so many bytes more than it has now; beyond, memory is refused to it and nobody else.

    Only what it may write to counts (RLIMIT_DATA, setrlimit(2)): libraries reserve addresses that they never use.
    """
    status = Path("/proc/self/status").read_text("ascii")
    now = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (now + more, now + more))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever started it ends it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what it dies of is a patient's image
    cv2.setNumThreads(1)
    with suppress(EOFError, OSError):
        _serve(Connection(int(sys.argv[1])))
