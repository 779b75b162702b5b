"""The register of arrivals: instances that arrive together share one transaction.

A commit waits for the disk, and SQLite has one writer. Whoever comes while another one commits waits for its turn,
and then writes the rows of all who wait with its own: many associations cost few commits, and one association
waits for nobody.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db import studies
from db.engine import Database
from db.errors import DatabaseError, OutcomeUnknownError, RowsRefusedError
from db.records import Arrival
from node.files import InstanceStore


@dataclass(slots=True, eq=False)
class _Entry:
    """An arrival that waits for its commit; `new` is what came of it, `doubtful` that a commit of it may stand."""

    arrival: Arrival
    settle_at: datetime | None
    new: bool | None = None
    doubtful: bool = False


def _order(entry: _Entry) -> tuple[str, str]:
    return entry.arrival.study_instance_uid, entry.arrival.sop_instance_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Writes the rows of arrivals, durably."""

    database: Database
    store: InstanceStore
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[_Entry] = field(default_factory=list)

    def record(self, arrival: Arrival, settle_at: datetime | None) -> bool:
        """Write an arrival's rows; they are on disk when this returns (see `studies.record_arrival`).

        Raises:
            db.errors.OutcomeUnknownError: they may be there.
            db.errors.DatabaseError: they are not.
        """
        own = _Entry(arrival, settle_at)
        self._waiting.append(own)
        try:
            with self._turn:
                if own.new is None:
                    self._take_turn(own)
        except DatabaseError as error:
            if own.doubtful and not isinstance(error, OutcomeUnknownError):
                raise OutcomeUnknownError("the rows were in a commit before that was not confirmed") from error
            raise
        finally:
            self._waiting.remove(own)
        return bool(own.new)

    def _take_turn(self, own: _Entry) -> None:
        others = [entry for entry in self._waiting if entry is not own and entry.new is None]
        try:
            # In one order wherever it is done, so that two receivers on one database never wait for each other.
            self._commit(sorted([own, *others], key=_order))
        except RowsRefusedError:
            if not others:
                raise
            self._commit([own])  # what was wrong may have been wrong with another's rows

    def _commit(self, entries: Sequence[_Entry]) -> None:
        self.store.settle([entry.arrival.path for entry in entries])
        try:
            with self.database.write() as connection:
                answers = [studies.record_arrival(connection, one.arrival, settle_at=one.settle_at) for one in entries]
        except OutcomeUnknownError:
            for entry in entries:
                entry.doubtful = True
            raise
        for entry, new in zip(entries, answers, strict=True):
            entry.new = new
