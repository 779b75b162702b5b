"""Verification: every file of the store against its row, and every file against the rows there are.

Rows are gone through in their order, so it can be begun again at any time; a node may be running. A file that no row
names may be one whose rows are being written: it is told of a day later.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from db import holdings, structure
from db.engine import Database
from db.records import Absence, Holding, StoredFile
from node.errors import NodeError
from node.files import Folder
from node.upkeep import quarantine

PAGE = 500
"""Rows that are asked for at a time."""
ON_ITS_WAY = timedelta(days=1)
"""How old a file is, at least, before rows should name it: the longest job is much shorter."""


class StoreAwayError(NodeError):
    """The store has no files at all, and rows name some: its volume is not mounted, or the data folder is another."""


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was found. `faults` are the files that are not what their rows say, `orphans` paths that no row names."""

    checked: int = 0
    size: int = 0
    faults: list[tuple[StoredFile, Absence]] = field(default_factory=list)
    returned: int = 0
    orphans: list[str] = field(default_factory=list)
    database: list[str] = field(default_factory=list)

    @property
    def damage(self) -> bool:
        """Whether a person has to do something."""
        return bool(self.faults or self.database)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Looks at files.

    Args:
        one_in: look at one row in so many.
        bytes_per_s: read no faster; None reads as fast as the disk does.
        look_only: set nothing aside and write nothing.
    """

    database: Database
    store: Folder
    now: Callable[[], datetime]
    one_in: int = 1
    bytes_per_s: float | None = None
    look_only: bool = False

    def run(self, on_file: Callable[[int], None] = lambda _: None) -> Verified:
        """Look at all there is; `on_file` is told the bytes of each file.

        Raises:
            StoreAwayError: the store is empty, and nothing is marked as missing for it.
        """
        found = Verified(database=structure.faults(self.database))
        if found.database:
            return found
        self._require_store()
        began = time.monotonic()
        for file in self._files():
            self._look(file, found)
            on_file(file.size)
            if self.bytes_per_s:
                time.sleep(max(0.0, began + found.size / self.bytes_per_s - time.monotonic()))
        if self.one_in == 1:
            found.orphans.extend(self._orphans())
        return found

    def _require_store(self) -> None:
        with self.database.read() as connection:
            named = holdings.extent(connection).files
        if named and not self.store.months():
            raise StoreAwayError(f"the store is empty, and rows name {named} files: is its volume mounted?")

    def _files(self) -> Iterator[StoredFile]:
        for kind in Holding:
            after = 0
            while True:
                with self.database.read() as connection:
                    files = holdings.page(connection, kind, after=after, limit=PAGE, every=self.one_in)
                if not files:
                    break
                yield from files
                after = files[-1].id

    def _look(self, file: StoredFile, found: Verified) -> None:
        fault = quarantine.examine(self.store, file)
        if not self.look_only and not quarantine.enforce(self.database, self.store, file, fault, self.now()):
            return  # removed, or received anew, since its row was read
        found.checked += 1
        found.size += file.size
        if fault is not None:
            found.faults.append((file, fault))
        elif file.absence is not None:
            found.returned += 1

    def _orphans(self) -> Iterator[str]:
        """Files that no row names, and that should be named by now."""
        latest = (self.now() - ON_ITS_WAY).timestamp()
        for month in self.store.months():
            files = [path for path in self.store.path(month).rglob("*") if path.is_file()]
            old = {str(path.relative_to(self.store.path(""))) for path in files if path.stat().st_mtime < latest}
            with self.database.read() as connection:
                yield from sorted(old - holdings.paths_under(connection, month))
