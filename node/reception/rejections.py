"""Callers that were turned away, as entries of the audit log: each soon, and never so many that they fill it.

Theory of operation. A minute begins with a rejection. In it the first of each caller, address and reason is written at
once; repetitions are counted, and so is, together, what comes after the first `EACH_MINUTE` kinds. The counts are
written with the next rejection after the minute, by a thread that looks once a minute, and at the stop. A scanner that
invents a title for each call costs some forty entries a minute, in each process that receives.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from db import audit
from db.engine import Database
from db.errors import DatabaseError

log = logging.getLogger(__name__)

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
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
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

    def start(self) -> None:
        """Look once a minute for counts to be written."""
        thread = threading.Thread(target=self._run, name="rejections", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Write what was counted."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._try_to_flush(ending=True)

    def flush(self, *, ending: bool = False) -> None:
        """Write the counts of a minute that is over, or that ends now.

        Raises:
            DatabaseError: they could not be written.
        """
        with self._lock:
            counts = self._due(ending=ending)
        self._write(counts)

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD.total_seconds()):
            self._try_to_flush()

    def _try_to_flush(self, *, ending: bool = False) -> None:
        try:
            self.flush(ending=ending)
        except DatabaseError:
            log.exception("rejections not audited")

    def _due(self, *, ending: bool = False) -> list[tuple[Kind, int]]:
        """The counts, if their minute is over; a new one begins with the next rejection."""
        over = self._since is not None and not self._since <= self.now() < self._since + PERIOD
        if not over and not ending:
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
