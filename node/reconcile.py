"""The reconciler: it brings the rows and the work back together, at the start and many times a minute.

Settled studies become jobs and are linked to the reports that wait for them, expired leases go back to the queue, due
jobs are announced again, and what waits too long because the clock was set back waits no longer. Each step looks at the
database alone, so it may run anywhere, any number of times.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from db import clock_steps, concordance, jobs, linking, standing, studies
from db.clock_steps import Longest
from db.engine import Connection, Database
from db.errors import DatabaseError
from db.records import Job, JobKind, Study, StudyState
from node.telemetry.observer import Observer
from node.worker import Announce, OnDead

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 600.0
"""A report and a study that two processes commit at the same moment may miss each other; no longer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """A thread that ticks."""

    database: Database
    announce: Announce
    on_dead: OnDead
    chores: tuple[Callable[[], object], ...] = ()
    """What else is done at each sweep."""
    on_settled: Callable[[Connection, Study], None] = lambda _connection, _study: None
    """Told of each study that is complete, in the transaction that has it read."""
    tick_s: float
    now: Callable[[], datetime]
    longest: Longest = field(default_factory=Longest)
    observer: Observer = field(default_factory=Observer)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def tick(self) -> None:
        """Do once all there is to do."""
        now = self.now()
        with self.database.read() as connection:
            settled = bool(studies.settled(connection, now, limit=1))
            expired = jobs.any_expired(connection, now)
            stepped = clock_steps.any_ahead(connection, now, self.longest)
        self.observer.metrics.lease_expiries.inc(expired)
        if stepped:
            log.warning("the clock was set back")
            with self.database.write() as connection:
                clock_steps.bring_back(connection, now, self.longest)
        if settled or expired:
            for study in self._queue(now):
                self.observer.settled(study)
        with self.database.read() as connection:
            due = jobs.due(connection, now)
        for job_id in due:
            self.announce(job_id)

    def _queue(self, now: datetime) -> list[Study]:
        """Give the queue back what a silent worker had, and settled studies their jobs. Returns these studies."""
        queued = []
        with self.database.write() as connection:
            for job_id in jobs.expire(connection, now):
                self.on_dead(connection, jobs.get(connection, job_id))
            settled = studies.settled(connection, now)
            for study in settled:
                revision = studies.begin_revision(connection, study)
                if revision is not None:
                    self.on_settled(connection, study)
                    jobs.add(connection, kind=JobKind.READ, subject_id=study.id, revision=revision, now=now)
                    queued.append(study)
            linking.link_studies(connection, [study.id for study in settled], now)
            standing.refresh_linked(connection, [study.id for study in settled])
        return queued

    def sweep(self) -> None:
        """Link the reports and studies that belong together and were not linked when they came."""
        with self.database.read() as connection:
            missing = linking.anything_to_link(connection)
        if missing:
            with self.database.write() as connection:
                changed = linking.link_everything(connection, self.now())
                standing.refresh_linked(connection)
                concordance.refresh(connection, changed)

    def start(self) -> None:
        """Tick once, then from time to time until stopped."""
        self.tick()
        thread = threading.Thread(target=self._run, name="reconcile", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Tick no more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        sweep_at = time.monotonic()
        while not self._stopping.wait(self.tick_s):
            try:
                self.tick()
                if time.monotonic() >= sweep_at:
                    self.sweep()
                    for chore in self.chores:
                        chore()
                    sweep_at = time.monotonic() + SWEEP_EVERY_S
            except DatabaseError:
                log.exception("nothing reconciled without the database")
            except Exception:
                log.exception("nothing reconciled for a fault")


def study_failed(connection: Connection, job: Job) -> None:
    """A study whose reading died is shown as failed."""
    if job.kind is JobKind.READ:
        studies.end_revision(connection, job.subject_id, job.revision, StudyState.FAILED)
