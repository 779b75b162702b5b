"""Where objects lie until they are whole: a folder a process, which others leave alone as long as it lives.

Theory of operation. A process holds the system's lock on its folder. The lock ends with it, however it ends, and
whoever sweeps then removes the folder. A kernel knows the locks of its own processes alone, and on one mounting of a
volume alone: NFS keeps a lock on a folder with the client that took it. So a folder has the names of the kernel and of
the mounting under which its process runs, and a lock is believed under both only. Of other folders, of another host or
from before a power cut, nothing is removed but objects that nobody has written to for a day; by then their sender has
long been told to send again.
"""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KERNEL = Path("/proc/sys/kernel/random/boot_id")
"""The running kernel's name, new at each start of the machine; its containers have it too, as they have its locks."""
FORGOTTEN_S = 24 * 3600.0
"""After so long without a byte an object of another kernel is given up; an association waits for minutes at most."""


class Incoming:
    """The folder of this process.

    Args:
        root: has the folders of all, and is there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        kernel = KERNEL.read_text("ascii").strip().replace("-", "")
        self._under = f"{kernel}-{root.stat().st_dev:x}-"
        self._own = root / f"{self._under}{uuid.uuid4().hex}"
        with _alone(root):
            self._own.mkdir(mode=0o700)
            self._alive = _locked(self._own)

    def new(self) -> Path:
        """Where an object may be begun."""
        return self._own / f"{uuid.uuid4().hex}.part"

    def sweep(self) -> int:
        """Remove what killed processes left half written. Returns how many objects there were."""
        with _alone(self._root):
            return sum(map(self._swept, self._root.iterdir()))

    def close(self) -> None:
        """Begin nothing more; what was begun and is not whole is dropped."""
        if self._alive is not None:
            shutil.rmtree(self._own, ignore_errors=True)
            os.close(self._alive)
            self._alive = None

    def _swept(self, folder: Path) -> int:
        if not folder.name.startswith(self._under):
            return _forgotten(folder)
        lock = None if folder == self._own else _locked(folder)
        if lock is None:
            return 0
        count = len(list(folder.glob("*.part")))
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        return count


def _forgotten(folder: Path) -> int:
    """Remove what was forgotten in a folder whose lock says nothing; the folder stays, for its process may live."""
    count = 0
    for part in folder.glob("*.part"):
        with suppress(FileNotFoundError):  # it became whole, or its host was faster
            if time.time() - part.stat().st_mtime > FORGOTTEN_S:
                part.unlink()
                count += 1
    return count


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else under this kernel makes or sweeps folders in this one for now."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _locked(folder: Path) -> int | None:
    """The lock on a process's folder, as a file descriptor; None while that process lives, or has taken it away."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd
