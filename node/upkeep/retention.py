"""Retention: what a person's settings say is removed from the store, and nothing else ever.

The row is marked and audited first and the file removed then, so that what falls between the two leaves a file too
many, never a row that promises one; the next run removes the files of the last rows once more. While a backup is made
nothing is removed. See `db.retention` for what is spared whatever the settings say.
"""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import audit, hold, holdings, retention
from db.engine import Connection, Database
from db.records import Absence, Holding, StoredFile
from db.retention import Rule
from node.files import Folder

BATCH = 50
"""Files that are removed by one transaction."""
PAUSE_S = 0.2
"""Between two of them: reception goes first."""
YOUNGEST = timedelta(days=1)
"""Nothing younger is removed for want of space."""


@dataclass(slots=True, kw_only=True)
class Removed:
    """How many files were removed, or would be, and their bytes."""

    files: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Removes files by age, and for want of space.

    Args:
        forget: removes what was made of a file, by its SHA-256: pictures go with it.
        rule: of which studies.
        ages: how old a file of each kind may become; None is for ever.
        keep_free_bytes: for so much free space the oldest files go.
        at_most_bytes: above so much in all the oldest files go; None is no limit.
        actor: who removes, for the audit log; by itself the node does.
    """

    database: Database
    store: Folder
    forget: Callable[[str], None]
    rule: Rule
    ages: Mapping[Holding, timedelta | None]
    keep_free_bytes: int
    at_most_bytes: int | None
    now: Callable[[], datetime]
    actor: str = "retention"

    def run(self, stopping: threading.Event) -> Removed:
        """Remove what there is to remove, a few files at a time, until told to stop."""
        done = Removed()
        self._finish()
        for kind, before, enough in self._tasks():
            self._remove(kind, before, enough, done, stopping)
        return done

    def look(self) -> Removed:
        """How much `run` would remove now."""
        found, seen = Removed(), set[tuple[Holding, int]]()
        for kind, before, enough in self._tasks():
            size = 0
            for file in self._removable(kind, before):
                if size >= enough:
                    break
                size += file.size
                if (kind, file.id) not in seen:
                    seen.add((kind, file.id))
                    found.files, found.size = found.files + 1, found.size + file.size
        return found

    def _tasks(self) -> Iterator[tuple[Holding, datetime, float]]:
        """What to remove of each kind: from before which time, and how many bytes are enough."""
        for kind, age in self.ages.items():
            if age is not None:
                yield kind, self.now() - age, float("inf")
        for kind in Holding:
            lacking = self._lacking()
            if lacking > 0:
                yield kind, self.now() - YOUNGEST, lacking

    def _lacking(self) -> int:
        """How many bytes have to go."""
        lacking = self.keep_free_bytes - shutil.disk_usage(self.store.path("")).free if self.keep_free_bytes else 0
        if self.at_most_bytes is not None:
            with self.database.read() as connection:
                lacking = max(lacking, holdings.extent(connection).size - self.at_most_bytes)
        return lacking

    def _removable(self, kind: Holding, before: datetime) -> Iterator[StoredFile]:
        after = 0
        while True:
            with self.database.read() as connection:
                files = self._page(connection, kind, before, after)
            yield from files
            if not files:
                return
            after = files[-1].id

    def _page(self, connection: Connection, kind: Holding, before: datetime, after: int) -> list[StoredFile]:
        return retention.removable(connection, kind, self.rule, before=before, after=after, limit=BATCH)

    def _remove(self, kind: Holding, before: datetime, enough: float, done: Removed, stopping: threading.Event) -> None:
        size = after = 0
        while size < enough and not stopping.is_set():
            files = self._remove_some(kind, before, after, enough - size)
            if not files:
                return
            removed = sum(file.size for file in files)
            size, after = size + removed, files[-1].id
            done.files, done.size = done.files + len(files), done.size + removed
            stopping.wait(PAUSE_S)

    def _remove_some(self, kind: Holding, before: datetime, after: int, enough: float) -> list[StoredFile]:
        """Remove a few files; none, if there are none or a backup is made."""
        with hold.removing(self.database) as allowed:
            if not allowed:
                return []
            with self.database.write() as connection:
                # Looked up in the transaction that marks them: a study whose next image came meanwhile is not done.
                files = _up_to(self._page(connection, kind, before, after), enough)
                self._mark(connection, files)
            for file in files:
                self._let_go(file)
        return files

    def _mark(self, connection: Connection, files: Sequence[StoredFile]) -> None:
        for file in files:
            holdings.mark(connection, file, Absence.REMOVED, self.now())
        if files:
            audit.append(
                connection,
                actor=self.actor,
                action="files.removed",
                subject=files[0].kind,
                now=self.now(),
                detail={"sop_instance_uids": [file.sop_instance_uid for file in files]},
            )

    def _finish(self) -> None:
        """Remove the files of the last rows that were marked: whoever marked them may have been killed."""
        with self.database.read() as connection:
            marked = [file for kind in Holding for file in holdings.last_removed(connection, kind, BATCH)]
        with hold.removing(self.database) as allowed:
            for file in marked if allowed else ():
                self._let_go(file)

    def _let_go(self, file: StoredFile) -> None:
        """Remove a file, and the pictures that the console made of it."""
        self.store.remove(file.path)
        self.forget(file.sha256)


def _up_to(files: Sequence[StoredFile], size: float) -> list[StoredFile]:
    """The first of these, until their bytes are enough."""
    taken, total = [], 0
    for file in files:
        if total >= size:
            break
        taken.append(file)
        total += file.size
    return taken
