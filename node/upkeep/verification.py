"""Verification: every file of the store against its row, and every file against the rows there are.

Rows are gone through in their order, and how far is noted now and then, so that one that was interrupted goes on from
there; a node may be running. A file that no row names may be one whose rows are being written: it is told of a day
later.
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
from node.upkeep import bookmark, quarantine
from node.upkeep.bookmark import Bookmark

PAGE = 500
"""Rows that are asked for at a time."""
NOTED_EVERY_S = 5.0
"""How long it goes on before it notes again how far it has come."""
ON_ITS_WAY = timedelta(days=1)
"""How old a file is, at least, before rows should name it: the longest job is much shorter."""


class StoreAwayError(NodeError):
    """The store has no files at all, and rows name some: its volume is not mounted, or the data folder is another."""


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was found, by this verification and by those interrupted ones that it went on from.

    `faults` are the files that are not what their rows say, `accepted` is how many more a person has accepted as lost,
    `orphans` are paths that no row names.
    """

    began_at: datetime
    checked: int = 0
    size: int = 0
    faults: list[tuple[StoredFile, Absence]] = field(default_factory=list)
    returned: int = 0
    accepted: int = 0
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
        look_only: set nothing aside and write nothing, not even how far it has come.
    """

    database: Database
    store: Folder
    now: Callable[[], datetime]
    one_in: int = 1
    bytes_per_s: float | None = None
    look_only: bool = False

    def interrupted(self) -> Bookmark | None:
        """Where one like this was interrupted; None if there is none to go on with."""
        if self.look_only:
            return None
        with self.database.read() as connection:
            return bookmark.find(connection, self.one_in)

    def run(self, on_file: Callable[[int], None] = lambda _: None, place: Bookmark | None = None) -> Verified:
        """Look at all there is, or at what is left after `place`; `on_file` is told the bytes of each file.

        Raises:
            StoreAwayError: the store is empty, and nothing is marked as missing for it.
        """
        found = self._begun(place)
        if found.database:
            return found
        self._require_store()
        self._look_at_files(found, place, on_file)
        if self.one_in == 1:
            found.orphans.extend(self._orphans())
        with self.database.read() as connection:
            found.accepted = holdings.counts(connection, [Absence.LOST]).get(Absence.LOST, 0)
        if not self.look_only:
            with self.database.write() as connection:
                bookmark.take_out(connection)
        return found

    def _begun(self, place: Bookmark | None) -> Verified:
        """What was found up to the place; of the database's structure it is always asked anew."""
        faults = structure.faults(self.database)
        if place is None or faults:
            return Verified(began_at=self.now(), database=faults)
        found = Verified(began_at=place.began_at, checked=place.checked, size=place.size, returned=place.returned)
        with self.database.read() as connection:
            for kind, until in place.passed:
                files = holdings.faulty(connection, kind, until=until, every=self.one_in)
                found.faults.extend((file, file.absence) for file in files if file.absence is not None)
        return found

    def _require_store(self) -> None:
        with self.database.read() as connection:
            named = holdings.extent(connection).files
        if named and not self.store.months():
            raise StoreAwayError(f"the store is empty, and rows name {named} files: is its volume mounted?")

    def _look_at_files(self, found: Verified, place: Bookmark | None, on_file: Callable[[int], None]) -> None:
        began = noted = time.monotonic()
        before = found.size
        for file in self._files(place):
            self._look(file, found)
            on_file(file.size)
            if self.bytes_per_s:
                time.sleep(max(0.0, began + (found.size - before) / self.bytes_per_s - time.monotonic()))
            if time.monotonic() - noted > NOTED_EVERY_S and not self.look_only:
                self._note(file, found)
                noted = time.monotonic()

    def _files(self, place: Bookmark | None) -> Iterator[StoredFile]:
        """Every file, or those after the place."""
        for kind in Holding if place is None else place.ahead:
            after = place.after if place and kind is place.kind else 0
            while True:
                with self.database.read() as connection:
                    files = holdings.page(connection, kind, after=after, limit=PAGE, every=self.one_in)
                if not files:
                    break
                yield from files
                after = files[-1].id

    def _note(self, file: StoredFile, found: Verified) -> None:
        place = Bookmark(
            one_in=self.one_in,
            began_at=found.began_at,
            kind=file.kind,
            after=file.id,
            checked=found.checked,
            size=found.size,
            returned=found.returned,
        )
        with self.database.write() as connection:
            bookmark.put(connection, place, self.now())

    def _look(self, file: StoredFile, found: Verified) -> None:
        fault = quarantine.examine(self.store, file)
        if not self.look_only and not quarantine.enforce(self.database, self.store, file, fault, self.now()):
            return  # removed, or received anew, since its row was read
        found.checked += 1
        found.size += file.size
        if fault is None:
            found.returned += file.absence is not None
        elif fault is not Absence.LOST:
            found.faults.append((file, fault))

    def _orphans(self) -> Iterator[str]:
        """Files that no row names, and that should be named by now."""
        latest = (self.now() - ON_ITS_WAY).timestamp()
        for month in self.store.months():
            files = [path for path in self.store.path(month).rglob("*") if path.is_file()]
            old = {str(path.relative_to(self.store.path(""))) for path in files if path.stat().st_mtime < latest}
            with self.database.read() as connection:
                yield from sorted(old - holdings.paths_under(connection, month))
