"""Callers that were turned away, as entries of the audit log: each soon, and never so many that they fill it.

Theory of operation. A minute begins with a rejection. In it the first of each caller, address and reason is written at
once; repetitions are counted, and so is, together, what comes after the first `EACH_MINUTE` kinds. With the next
rejection after the minute, or the next `flush`, the counts are written. A scanner that invents a title for each call
costs some forty entries a minute.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from db import audit
from db.engine import Database

PERIOD = timedelta(minutes=1)
EACH_MINUTE = 20
"""Kinds of rejections that are written one by one."""
OTHERS = "*"
"""Stands for callers and addresses after that."""

Kind = tuple[str, str, str]
"""Caller, address and reason."""


@dataclass(slots=True, kw_only=True)
class Rejections:
    """The rejections of one port; called in any thread.

    Args:
        action: what the audit log calls them.
    """

    database: Database
    action: str
    now: Callable[[], datetime]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _since: datetime | None = None
    _written: set[Kind] = field(default_factory=set)
    _counted: Counter[Kind] = field(default_factory=Counter)

    def __call__(self, caller: str, address: str, reason: str) -> None:
        """Take note of a rejection.

        Raises:
            DatabaseError: it could not be written.
        """
        kind = (caller, address, reason)
        with self._lock:
            counts = self._due()
            if self._since is None:
                self._since = self.now()
            fresh = kind not in self._written and len(self._written) < EACH_MINUTE
            if fresh:
                self._written.add(kind)
            else:
                self._counted[kind if kind in self._written else (OTHERS, OTHERS, reason)] += 1
        self._write([*counts, (kind, 0)] if fresh else counts)

    def flush(self) -> None:
        """Write the counts of a minute that is over."""
        with self._lock:
            counts = self._due()
        self._write(counts)

    def _due(self) -> list[tuple[Kind, int]]:
        """The counts, if their minute is over; a new one begins with the next rejection."""
        if self._since is None or self._since <= self.now() < self._since + PERIOD:
            return []
        counts = list(self._counted.items())
        self._since = None
        self._written.clear()
        self._counted.clear()
        return counts

    def _write(self, counts: list[tuple[Kind, int]]) -> None:
        """An entry for each kind; a count is that of the repetitions."""
        if not counts:
            return
        with self.database.write() as connection:
            for (caller, address, reason), repeated in counts:
                detail = {"reason": reason} | ({"repeated": repeated} if repeated else {})
                audit.append(
                    connection, actor=caller, action=self.action, subject=address, now=self.now(), detail=detail
                )
