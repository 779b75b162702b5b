"""A node from a backup: the files first, the database last, into an empty data folder.

A mark in the data folder stands from the first file to the last row. While it does, no command works there and the same
backup may be restored again, so a restore that was cut off is begun again and goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from db import copying
from db.engine import connect
from node.database import RESTORING
from node.settings import DATABASE_FILE
from node.upkeep import integrity, manifest, transfer
from node.upkeep.manifest import DATA, STORE, BackupError, Manifest, copy_durably, sync_folder, write_durably


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Makes a node of a backup.

    Args:
        source: the backup's folder.
        data: the node's data folder, empty or not there.
        url: the node's database, empty or not there.
    """

    source: Path
    data: Path
    url: str

    def check(self, on_file: Callable[[int], None] = lambda _: None) -> tuple[Manifest, list[str]]:
        """Read every byte of the backup. Returns what it is, and the stored files that are not what they were.

        Raises:
            BackupError: it is not whole.
        """
        found = self._manifest()
        spoilt = []
        for file in manifest.listed(self.source / found.listing.path):
            if integrity.fault(self.source / STORE / file.path, file) is not None:
                spoilt.append(file.path)
            on_file(file.size)
        return found, spoilt

    def run(self, on_file: Callable[[int], None] = lambda _: None) -> tuple[Manifest, list[str]]:
        """Restore. Returns what was restored, and the stored files that could not be; their rows are there.

        Raises:
            BackupError: it is not whole, or the data folder or database is not empty.
            db.errors.CopyError: the database cannot be made.
        """
        found = self._manifest()
        self._begin(found)
        spoilt = []
        for file in manifest.listed(self.source / found.listing.path):
            if not transfer.bring(file, self.source / STORE, self.data / STORE):
                spoilt.append(file.path)
            on_file(file.size)
        for part in found.others:
            goal = self.data / Path(part.path).relative_to(DATA)
            copy_durably(self.source / part.path, goal)
        self._make_database(found)
        (self.data / RESTORING).unlink()
        sync_folder(self.data)
        return found, spoilt

    def _manifest(self) -> Manifest:
        found = manifest.read(self.source)
        for part in (found.database, found.listing, *found.others):
            part.require(self.source)
        if found.kind != self.url.partition(":")[0].partition("+")[0]:
            raise BackupError(f"the backup is of {found.kind}: name a database of that kind in [database]")
        return found

    def _begin(self, found: Manifest) -> None:
        """Mark the data folder as one that is being restored.

        Raises:
            BackupError: a node has worked there, or another backup is being restored there.
        """
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark, name = self.data / RESTORING, f"{found.database.sha256}\n"
        if mark.exists():
            if mark.read_text("ascii") != name:
                raise BackupError(f"another backup is being restored into {self.data}: empty it, or go on with that")
            return
        if any(each.name != f"{RESTORING}.part" for each in self.data.iterdir()):  # not the mark, half written
            raise BackupError(f"{self.data} is not empty: name an empty data folder")
        if found.kind == "postgresql" and not self._empty():
            raise BackupError("the database is not empty: name an empty one in [database]")
        write_durably(mark, name.encode("ascii"))

    def _empty(self) -> bool:
        database = connect(self.url)
        try:
            return copying.is_empty(database)
        finally:
            database.close()

    def _make_database(self, found: Manifest) -> None:
        copy = self.source / found.database.path
        if found.kind == "sqlite":
            for journal in ("-wal", "-shm"):
                (self.data / f"{DATABASE_FILE}{journal}").unlink(missing_ok=True)
            beside = self.data / f"{DATABASE_FILE}.part"
            copy_durably(copy, beside)
            beside.rename(self.data / DATABASE_FILE)
            return
        database = connect(self.url)
        try:
            if copying.is_empty(database):
                copying.fill(database, copy)
        finally:
            database.close()
