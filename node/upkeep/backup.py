"""A backup of a node that may be running and receiving: the database first, then every file that its rows name.

What arrives meanwhile is in the next one. Stored files are never changed, so a backup into a folder that holds one
copies only what is new. The manifest is written last; until then the folder is the backup that it was before, or none.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from db import copying, hold, holdings
from db.engine import Database
from node.files import Folder
from node.learning.snapshots import FOLDER as SNAPSHOTS
from node.process.implementation import SOFTWARE_VERSION
from node.upkeep import manifest, transfer
from node.upkeep.manifest import DATA, STORE, BackupError, Manifest, Part, copy_durably, line_of
from training.pseudonym import KEY_FILE

KEPT = ("models", SNAPSHOTS, KEY_FILE)
"""What of the data folder is backed up besides the store and the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Makes backups of a node in a folder."""

    database: Database
    store: Folder
    data: Path
    target: Path
    now: Callable[[], datetime]

    def make(self, on_file: Callable[[int], None] = lambda _: None) -> Manifest:
        """Make the folder a backup of the node as it is now; `on_file` is told the bytes of each stored file.

        Raises:
            BackupError: the folder holds something else.
            db.errors.CopyError: the database cannot be copied.
        """
        self._require_target()
        stamp = self.now().strftime("%Y%m%dT%H%M%S%f")
        database, listing = self.target / f"database-{stamp}", self.target / f"files-{stamp}.jsonl"
        with hold.held(self.database):
            wanted = self.target / f"wanted-{stamp}"
            self._copy_database(database, wanted)
            files, size, lost = self._copy_files(wanted, listing, on_file)
        made = Manifest(
            made_at=self.now().isoformat(),
            software_version=SOFTWARE_VERSION,
            kind="sqlite" if copying.kind(self.database) == "sqlite" else "postgresql",
            database=Part.of(database, self.target),
            listing=Part.of(listing, self.target),
            files=files,
            size=size,
            others=self._copy_others(),
            lost=tuple(lost),
        )
        made.write(self.target)
        self._tidy({database.name, listing.name})
        return made

    def _require_target(self) -> None:
        self.target.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.target.resolve().is_relative_to(self.data.resolve()):
            raise BackupError(f"{self.target} is in the data folder itself: name one on another disk")
        ours = (manifest.NAME, STORE, DATA, "database-", "files-", "wanted-")
        foreign = [each.name for each in self.target.iterdir() if not each.name.startswith(ours)]
        if foreign:
            raise BackupError(f"{self.target} holds {foreign[0]!r}, which is of no backup: name an empty folder")

    def _copy_database(self, database: Path, wanted: Path) -> None:
        """Copy the database and list the files that the copy's rows name."""
        with copying.copied(self.database, database) as connection, wanted.open("w", encoding="ascii") as lines:
            for file in holdings.present(connection):
                lines.write(line_of(file))
        database.chmod(0o600)
        with database.open("rb") as stream:
            os.fsync(stream.fileno())

    def _copy_files(self, wanted: Path, listing: Path, on_file: Callable[[int], None]) -> tuple[int, int, list[str]]:
        files, size, lost = 0, 0, list[str]()
        with listing.open("w", encoding="ascii") as lines:
            for file in manifest.listed(wanted):
                if transfer.bring(file, self.store.path(""), self.target / STORE):
                    lines.write(line_of(file))
                    files, size = files + 1, size + file.size
                else:
                    lost.append(file.path)
                on_file(file.size)
            lines.flush()
            os.fsync(lines.fileno())
        return files, size, lost

    def _copy_others(self) -> tuple[Part, ...]:
        """Copy models, snapshots and the secret, whether they are there already or not: they are few."""
        parts = []
        for name in KEPT:
            root = self.data / name
            for path in [root] if root.is_file() else sorted(root.rglob("*")):
                if path.is_file():
                    goal = self.target / DATA / path.relative_to(self.data)
                    beside = goal.with_name(f"{goal.name}.part")
                    copy_durably(path, beside)
                    beside.rename(goal)
                    parts.append(Part.of(goal, self.target))
        return tuple(parts)

    def _tidy(self, needed: set[str]) -> None:
        """Remove the databases and listings of backups before, and of those that were cut off."""
        for path in self.target.iterdir():
            if path.name.startswith(("database-", "files-", "wanted-")) and path.name not in needed:
                path.unlink()
