"""Whose turn it is to write to an SQLite database: it has one writer at a time.

Threads of a process queue for it, and processes that share the file look for it every half millisecond. SQLite itself
waits longer and longer, up to a tenth of a second, while the disk is free again after one or two milliseconds.
"""

import fcntl
import os
import threading
import time
from types import TracebackType

LOOK_S = 0.0005


class Turn:
    """A lock of threads and processes.

    It only spares SQLite's wait. Whoever has waited for `patience_s`, or cannot write beside the database, goes on
    without it and is stopped by SQLite's own lock.

    Args:
        database: path of the file; None or empty for one in memory, which no other process has.
    """

    def __init__(self, database: str | None, patience_s: float) -> None:
        self._path = f"{database}-turn" if database and database != ":memory:" else None
        self._patience_s = patience_s
        self._threads = threading.Lock()
        self._fd: int | None = None

    def __enter__(self) -> None:
        self._threads.acquire()
        if self._path is not None:
            self._fd = self._take(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._threads.release()

    def _take(self, path: str) -> int | None:
        try:
            fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        end = time.monotonic() + self._patience_s
        while time.monotonic() < end:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOOK_S)
            else:
                break
        return fd
