"""What makes a folder a backup: a manifest, written last, that names the rest by SHA-256.

TARGET/manifest.json             this, small; without it the folder is no backup
TARGET/database-<stamp>          a copy of the database
TARGET/files-<stamp>.jsonl       a line a stored file that the copy's rows name
TARGET/store/2026/03/14/...      these files, as they lie in the node's store
TARGET/data/...                  models, snapshots and the secret of the pseudonyms
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from db.records import Absence, Holding, StoredFile
from node.errors import NodeError

NAME = "manifest.json"
STORE, DATA = "store", "data"


class BackupError(NodeError):
    """A folder is no whole backup, or cannot become one, or cannot be restored; the text says which and what to do."""


class Part(BaseModel):
    """A file of a backup: its path in the folder, its bytes and their SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path, folder: Path) -> Self:
        """A file that lies in the folder."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(path=str(path.relative_to(folder)), size=path.stat().st_size, sha256=digest)

    def require(self, folder: Path) -> Path:
        """Where it lies, if it is what it was.

        Raises:
            BackupError: it is not.
        """
        path = folder / self.path
        if not path.is_file() or Part.of(path, folder) != self:
            raise BackupError(f"{path} is missing or was changed: take another backup")
        return path


class Manifest(BaseModel):
    """A whole backup.

    `files` is how many stored files there are and `size` their bytes; `lost` are those that a row names and that were
    not in the store any more, or damaged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    made_at: str
    software_version: str
    kind: Literal["sqlite", "postgresql"]
    database: Part
    listing: Part
    files: int
    size: int
    others: tuple[Part, ...]
    lost: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Make the folder a backup, durably and at once; one that it was before is it until then."""
        write_durably(folder / NAME, self.model_dump_json(indent=2).encode())


def read(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        BackupError: there is none: the folder is another, or the backup was never finished.
    """
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError as error:
        raise BackupError(f"{folder} holds no finished backup: begin cxr backup again, or name another") from error
    except ValidationError as error:
        raise BackupError(f"{folder / NAME} is not a manifest of this version: use the node that made it") from error


@contextmanager
def written_into(folder: Path) -> Iterator[None]:
    """What is written meanwhile goes into this folder, or below.

    Raises:
        BackupError: there is no room for it.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BackupError(f"{folder} has no room left: make room there; the same command goes on") from error


def listed(path: Path) -> Iterator[StoredFile]:
    """The stored files of a listing."""
    with path.open("r", encoding="ascii") as lines:
        for line in lines:
            fields = json.loads(line)
            absence = None if fields["absence"] is None else Absence(fields["absence"])
            yield StoredFile(**{**fields, "kind": Holding(fields["kind"]), "absence": absence})


def line_of(file: StoredFile) -> str:
    """A stored file as a line of a listing."""
    return json.dumps(asdict(file)) + "\n"


def write_durably(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, readable by its owner only."""
    beside = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    beside.rename(path)
    sync_folder(path.parent)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file beside its target, on disk; `rename` then makes it the target's."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        source.open("rb") as reading,
        os.fdopen(os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as writing,
    ):
        while chunk := reading.read(1 << 20):
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
