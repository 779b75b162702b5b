"""The files of a history: of a folder and those in it, each folder once, whatever links lead to it."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from node.history.entry import Entry


def walk(paths: Iterable[Path]) -> Iterator[Path | Entry]:
    """Files in a lasting order, so that of two equal reports the same one is always the first.

    What begins with a dot is left out. A folder that cannot be listed is an entry with its reason.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path.is_dir():
            yield from _folder(path, seen)
        else:
            yield path


def size(paths: Iterable[Path]) -> int:
    """The bytes of all the files, for whoever shows progress."""
    return sum(_size(path) for path in walk(paths) if isinstance(path, Path))


def _folder(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path | Entry]:
    try:
        status = folder.stat()
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208  names only
    except OSError as error:
        yield Entry(place=str(folder), refusal=unreadable(error))
        return
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from _folder(path, seen)
        else:
            yield path


def unreadable(error: OSError) -> str:
    """The reason for a file that the system does not give out."""
    return f"cannot be read: {error.strerror or type(error).__name__}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
