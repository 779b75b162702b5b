"""Pictures that were made once and are kept while there is room; each can be made again, so any may go at any time."""

import os
import uuid
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from node.settings import MIB, Settings

PNG_END = b"IEND\xaeB`\x82"


class Size(StrEnum):
    """How large a picture of a radiograph is wanted: to begin with, or with all its pixels."""

    FIRST = "first"
    FULL = "full"


class Shelf:
    """PNG files in a folder of its own, readable by their owner only; what was not asked for longest goes first.

    Several processes may share it. A file is named for the digest of its image and its size, so it says nothing of a
    patient.

    Args:
        root: made with the first picture.
        most_bytes: what all of them together may take.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes

    def find(self, digest: str, size: Size) -> bytes | None:
        """A picture, if it is there and whole: after a power failure a file may be shorter than it was."""
        path = self._path(digest, size)
        try:
            data = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return data if data.endswith(PNG_END) else None

    def put(self, digest: str, size: Size, data: bytes) -> None:
        """Keep a picture, and let others go where there is no room."""
        self._root.mkdir(exist_ok=True, mode=0o700)
        part = self._root / f"{uuid.uuid4().hex}.part"
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(data)
        part.rename(self._path(digest, size))
        self._make_room()

    def forget(self, digest: str) -> None:
        """Let the pictures of one image go."""
        for size in Size:
            self._path(digest, size).unlink(missing_ok=True)

    def _path(self, digest: str, size: Size) -> Path:
        return self._root / f"{digest}-{size}.png"

    def _make_room(self) -> None:
        files = []
        for entry in os.scandir(self._root):
            with suppress(FileNotFoundError):  # another process let it go
                found = entry.stat()
                files.append((found.st_mtime, found.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._most_bytes:
                break
            Path(path).unlink(missing_ok=True)
            total -= size


def open_shelf(settings: Settings) -> Shelf:
    """The pictures of a node's settings."""
    return Shelf(settings.data / "pictures", settings.console.pictures_mb * MIB)
