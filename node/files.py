"""The store: one file an object, named by us, written once, on disk before anyone is told so.

A file begins as `incoming/<process>/<name>.part` (`node/incoming.py`). It is synchronised, renamed into the folder of
its day, and the folder is synchronised; a name without `.part` is therefore always a whole file. No peer's word is ever
part of a path.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from node.errors import OUT_OF_RESOURCES, RefusedError
from node.incoming import Incoming

QUARANTINE = "quarantine"
"""The folder of objects that are not what they were; nothing reads them, and a person decides what becomes of them."""


class Part(Protocol):
    """An object on its way into the store."""

    path: Path

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""

    def sync(self) -> None:
        """Return when the bytes so far are on disk."""

    def name(self) -> str:
        """Give the object, which is on disk, its name. Returns its path within the store; `settle` makes it last."""

    def commit(self) -> str:
        """Give the object its name, durably. Returns its path within the store."""

    def discard(self) -> None:
        """Leave nothing behind; harmless after `commit`."""


class InstanceStore(Protocol):
    """Where the bytes of received instances and results are."""

    def begin(self) -> Part:
        """Start an object.

        Raises:
            RefusedError: free space is below the floor (status 0xA700).
        """

    def put(self, data: bytes) -> str:
        """Store a whole object, durably. Returns its path within the store."""

    def settle(self, names: Iterable[str]) -> None:
        """Return when these names are on disk: of many objects at once, one look at the disk for each folder."""

    def path(self, name: str) -> Path:
        """Where a committed object lies."""

    def remove(self, name: str) -> None:
        """Take a committed object out again."""

    def set_aside(self, name: str) -> None:
        """Move an object that is not what it was into the quarantine, durably; nothing, if it is not there."""


class Folder:
    """A store in a folder of the file system.

    Args:
        root: made if it is not there, readable by its owner only.
        min_free_bytes: below this much free space nothing new is begun.
    """

    def __init__(self, root: Path, *, min_free_bytes: int = 0) -> None:
        self._root = root
        self._min_free_bytes = min_free_bytes
        self._durable: set[Path] = set()
        root.parent.mkdir(parents=True, exist_ok=True)
        incoming = root / "incoming"
        for folder in (root, incoming):
            folder.mkdir(exist_ok=True, mode=0o700)  # the mode of a parent is not that of `mkdir(parents=True)`
        self._incoming = Incoming(incoming)

    def begin(self) -> "_FolderPart":
        """Start an object (see `InstanceStore`)."""
        if self._min_free_bytes and shutil.disk_usage(self._root).free < self._min_free_bytes:
            raise RefusedError(OUT_OF_RESOURCES, "Out of resources: the disk is nearly full")
        return _FolderPart(self._root, self._incoming.new(), self._make_durable)

    def put(self, data: bytes) -> str:
        """Store a whole object, durably (see `InstanceStore`)."""
        part = self.begin()
        try:
            part.write(data)
            return part.commit()
        finally:
            part.discard()

    def settle(self, names: Iterable[str]) -> None:
        """Return when these names are on disk (see `InstanceStore`)."""
        for folder in {self.path(name).parent for name in names}:
            _sync_folder(folder)

    def path(self, name: str) -> Path:
        """Where a committed object lies."""
        return self._root / name

    def remove(self, name: str) -> None:
        """Take a committed object out again."""
        self.path(name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """Move an object that is not what it was into the quarantine (see `InstanceStore`)."""
        source, quarantine = self.path(name), self._root / QUARANTINE
        self._make_durable(quarantine)
        with suppress(FileNotFoundError):
            source.rename(quarantine / source.name)
            _sync_folder(quarantine)
            _sync_folder(source.parent)

    def months(self) -> list[str]:
        """The folders of committed objects, one a month, such as "2026/03"."""
        return sorted(str(each.relative_to(self._root)) for each in self._root.glob("[0-9]*/[0-9]*"))

    def sweep(self) -> int:
        """Remove what killed processes left half written. Returns how many objects there were."""
        return self._incoming.sweep()

    def close(self) -> None:
        """Begin nothing more; what was begun and not committed is dropped."""
        self._incoming.close()

    def _make_durable(self, folder: Path) -> None:
        """Return when the folder is on disk, with its name in each folder above it.

        That it is there says nothing: another process may have made it just now. What is known is kept.
        """
        if folder in self._durable:
            return
        if folder != self._root:
            self._make_durable(folder.parent)
            folder.mkdir(exist_ok=True, mode=0o700)
        _sync_folder(folder.parent)
        self._durable.add(folder)


class _FolderPart:
    def __init__(self, root: Path, path: Path, make_durable: Callable[[Path], None]) -> None:
        self.path = path
        self._make_durable = make_durable
        self._root = root
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._synced = False
        self._named = False

    def write(self, data: bytes | memoryview) -> None:
        self._synced = False
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def sync(self) -> None:
        if not self._synced:
            os.fsync(self._fd)
            self._synced = True

    def name(self) -> str:
        self.sync()
        name = Path(datetime.now(UTC).strftime("%Y/%m/%d")) / f"{self.path.stem}.dcm"
        target = self._root / name
        self._make_durable(target.parent)
        self.path.rename(target)
        self._named = True
        return str(name)

    def commit(self) -> str:
        name = self.name()
        _sync_folder((self._root / name).parent)
        return name

    def discard(self) -> None:
        self._close()
        if not self._named:
            self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
