"""The reconciler: it brings the rows and the work back together, at the start and many times a minute.

Settled studies become jobs, expired leases go back to the queue, due jobs are announced again. Each step looks at
the database alone, so it may run anywhere, any number of times.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from db import jobs, studies
from db.engine import Database
from db.errors import DatabaseError
from db.records import JobKind
from node.worker import Announce, OnDead

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """A thread that ticks."""

    database: Database
    announce: Announce
    on_dead: OnDead
    tick_s: float
    now: Callable[[], datetime]
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def tick(self) -> None:
        """Do once all there is to do."""
        now = self.now()
        with self.database.read() as connection:
            settled = bool(studies.settled(connection, now, limit=1))
            expired = jobs.any_expired(connection, now)
        if settled or expired:
            with self.database.write() as connection:
                for job_id in jobs.expire(connection, now):
                    self.on_dead(connection, jobs.get(connection, job_id))
                for study in studies.settled(connection, now):
                    revision = studies.begin_revision(connection, study)
                    if revision is not None:
                        jobs.add(connection, kind=JobKind.READ, subject_id=study.id, revision=revision, now=now)
        with self.database.read() as connection:
            due = jobs.due(connection, now)
        for job_id in due:
            self.announce(job_id)

    def start(self) -> None:
        """Tick until stopped."""
        thread = threading.Thread(target=self._run, name="reconcile", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Tick no more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self.tick_s):
            try:
                self.tick()
            except DatabaseError:
                log.exception("nothing reconciled without the database")
            except Exception:
                log.exception("nothing reconciled for a fault")
