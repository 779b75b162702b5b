"""Writes down what an older version did not: labels in force, and where model and reports agree."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from db import concordance, standing
from db.engine import Connection, Database
from db.errors import DatabaseError

Refresh = Callable[[Connection, Sequence[int]], None]


class Absent(Protocol):
    """The next rows of which something is missing."""

    def __call__(self, connection: Connection, *, after: int, limit: int) -> list[int]:
        """Ids greater than `after`, in order."""


log = logging.getLogger(__name__)

AT_ONCE = 500
BREATH_S = 0.05
"""Between two transactions, for whoever else wants to write."""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Goes through the reports once, beside the node's work, and ends; after an upgrade of a large site in minutes."""

    database: Database
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the rest for the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def catch_up(self) -> None:
        """Write down what is missing, some hundred reports or studies a transaction."""
        self._fill_in(standing.absent, standing.refresh)
        self._fill_in(concordance.absent, concordance.refresh)

    def _fill_in(self, absent: Absent, refresh: Refresh) -> None:
        seen_to = 0
        while not self._stopping.wait(BREATH_S):
            with self.database.read() as connection:
                ids = absent(connection, after=seen_to, limit=AT_ONCE)
            if not ids:
                return
            with self.database.write() as connection:
                refresh(connection, ids)
            seen_to = ids[-1]

    def _run(self) -> None:
        try:
            self.catch_up()
        except DatabaseError:
            log.exception("labels are not all written down; the next start goes on")
