"""Writes the labels in force down where they are missing, as of the reports that an older version mined."""

import logging
import threading
from dataclasses import dataclass, field

from db import standing
from db.engine import Database
from db.errors import DatabaseError

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
        """Write down what is missing, some hundred reports a transaction."""
        seen_to = 0
        while not self._stopping.wait(BREATH_S):
            with self.database.read() as connection:
                ids = standing.absent(connection, after=seen_to, limit=AT_ONCE)
            if not ids:
                return
            with self.database.write() as connection:
                standing.refresh(connection, ids)
            seen_to = ids[-1]

    def _run(self) -> None:
        try:
            self.catch_up()
        except DatabaseError:
            log.exception("labels are not all written down; the next start goes on")
