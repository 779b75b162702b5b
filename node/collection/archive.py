"""A folder of DICOM files into the node, by the intake that C-STORE has: durable, bit for bit, and each file once.

What has been stored is known by its bytes, so an import that was cut off is begun again from the start. Some files
are on their way at once, and share their commits.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from db import linking, standing, studies
from db.engine import Connection, Database
from node.collection import part10
from node.collection.part10 import NotTakenError
from node.errors import OUT_OF_RESOURCES, RefusedError, SettingsError
from node.history.entry import Entry
from node.history.importer import Tally
from node.intake import Intake

AT_ONCE = 4
GROUP = 200
"""Files after which the studies so far are linked."""
T = TypeVar("T")
Begun = dict[tuple[str, str], Path]
"""The first file of each instance (UID and digest) among those that are on their way together."""
FULL = "the disk of the data folder is nearly full; make room and begin again, nothing is lost or doubled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file: `refusal` says why it is not here; `new` whether it came now."""

    place: str
    size: int = 0
    study_instance_uid: str = ""
    new: bool = False
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Imports files. `read` has their studies read by the node; otherwise they are kept to learn from."""

    intake: Intake
    database: Database
    max_bytes: int
    read: bool
    now: Callable[[], datetime]

    def store(self, files: Iterable[Path | Entry], on_group: Callable[[Tally, int], None]) -> Tally:
        """Store every file that the node takes, and count.

        Args:
            files: as `node.history.folder.walk` gives them.
            on_group: called after each group with the tally so far and the number of bytes that were read.

        Raises:
            SettingsError: the disk is nearly full.
            db.errors.DatabaseError: the database does not answer.
        """
        tally = Tally()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for group in groups(files, GROUP):
                begun: Begun = {}
                outcomes = list(pool.map(lambda file, begun=begun: self._store(file, begun), group))
                for outcome in outcomes:
                    if outcome.refusal is None:
                        tally.store(new=outcome.new)
                    else:
                        tally.refuse(outcome.place, outcome.refusal)
                self._settle(sorted({each.study_instance_uid for each in outcomes if each.study_instance_uid}))
                on_group(tally, sum(each.size for each in outcomes))
        return tally

    def _store(self, file: Path | Entry, begun: Begun) -> Outcome:
        if isinstance(file, Entry):
            return Outcome(place=file.place, refusal=file.refusal or "")
        place = str(file)
        try:
            size = part10.size(file)
            if size > self.max_bytes:
                return Outcome(place=place, size=size, refusal="it is above the size limit (dicom.max_instance_mb)")
            uid, new = self._receive(file, begun)
        except NotTakenError as error:
            return Outcome(place=place, refusal=str(error))
        except RefusedError as error:
            if error.status == OUT_OF_RESOURCES:
                raise SettingsError(FULL) from error
            return Outcome(place=place, size=size, refusal=error.comment)
        return Outcome(place=place, size=size, study_instance_uid=uid, new=new)

    def _receive(self, file: Path, begun: Begun) -> tuple[str, bool]:
        """The study of a file, and whether the file is new; of the same twice at once only one is stored."""
        origin, offset = part10.origin(file)
        digest = hashlib.sha256()
        for chunk in part10.data_set(file, offset):
            digest.update(chunk)
        if begun.setdefault((origin.sop_instance_uid, digest.hexdigest()), file) is not file:
            return "", False
        with self.database.read() as connection:
            known = studies.study_with(connection, origin.sop_instance_uid, digest.hexdigest())
        if known is not None:
            return known, False
        return self.intake.receive(part10.data_set(file, offset), origin), True

    def _settle(self, uids: Sequence[str]) -> None:
        if uids:
            with self.database.write() as connection:
                settle(connection, uids, self.now(), read=self.read)
            if self.read:
                self.intake.released(uids)


def settle(connection: Connection, study_instance_uids: Sequence[str], now: datetime, *, read: bool) -> None:
    """Link what is kept to its reports, or have it read, also where an import that was cut off left it."""
    if read:
        studies.awaken(connection, study_instance_uids, now)  # what an import without `read` has kept
    else:
        kept = studies.kept(connection, study_instance_uids)
        linking.link_studies(connection, kept, now)
        standing.refresh_linked(connection, kept)


def groups(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Some at a time."""
    rest = iter(things)
    while group := list(islice(rest, size)):
        yield group
