"""A worker's process in a cluster: what it works with, which of its threads do what, and when it ends."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

from db import jobs, migration
from db.engine import Database
from db.errors import DatabaseError
from db.jobs import SENDING
from db.records import Job, JobKind
from node import workshop
from node.files import Folder
from node.parts import NodeRole, Service
from node.premises import Premises, open_store, read_as_it_comes
from node.process.clock import utc_now
from node.process.heartbeat import Heartbeat
from node.process.lane import Lane
from node.settings import MIB, Settings
from node.watching import endpoints, observe, watch_over
from node.worker import Overdue, Towards
from node.workshop import Workshop

log = logging.getLogger(__name__)


class Announcer(Service, Protocol):
    """What tells workers of new jobs."""

    def announce(self, job_id: int) -> None:
        """Wake one; never waits, and may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a worker's process has."""

    settings: Settings
    database: Database
    store: Folder
    broker: Announcer
    workshop: Workshop
    telemetry: tuple[Service, ...] = ()
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _done: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self) -> None:
        """Begin."""
        for service in self.telemetry:
            service.start()
        self.broker.start()
        self.workshop.open()

    def interrupt(self) -> None:
        """Let long jobs stop where they are; they go on later."""
        self.workshop.interrupt()

    def close(self) -> None:
        """End what runs; what waits waits for another."""
        self.workshop.interrupt()
        self.broker.stop()
        self.workshop.close()
        for service in self.telemetry:
            service.stop()
        self.store.close()
        self.database.close()

    def run(self, job_id: int) -> bool:
        """Follow a message: run what is due of the kind of this job. Returns True if a fresh process should go on."""
        try:
            with self.database.read() as connection:
                job = jobs.look(connection, job_id)
            if job is not None:
                self._run_like(job)
        except DatabaseError:
            log.exception("no work without the database")
        return self._spent()

    def _run_like(self, job: Job) -> None:
        run_one = self.workshop.worker.run_one
        work = self.settings.work
        if job.kind in SENDING:
            towards = Towards(to=job.destination)
            self._lane(f"to:{job.destination}", work.delivery_workers).drain(lambda: run_one(SENDING, towards))
        elif job.kind in (JobKind.MINE, JobKind.COMMIT, JobKind.TRAIN, JobKind.COMPARE):
            self._lane(job.kind, 1).drain(lambda: run_one((job.kind,)))
        else:
            run_one((job.kind,))

    def _lane(self, name: str, places: int) -> Lane:
        return self._lanes.setdefault(name, Lane(places))

    def _spent(self) -> bool:
        limits = self.settings.work
        too_many = bool(limits.max_jobs) and next(self._done) >= limits.max_jobs
        return too_many or 0 < limits.max_memory_mb < _resident_mb()


def build(settings: Settings, database: Database, broker: Announcer, overdue: Overdue, *, reads: bool) -> Workplace:
    """Put a worker's process together; the schema is brought up to date.

    Args:
        overdue: told of a job that runs past its deadline.
        reads: whether it reads studies, and so is not ready without a model.

    Raises:
        SettingsError: something in the settings cannot be used.
        db.errors.DatabaseError: the database cannot be used.
    """
    read_as_it_comes()
    migration.upgrade(database)
    observer, traces = observe(settings, database)
    premises = Premises(
        settings=settings,
        database=database,
        store=open_store(settings),
        announce=broker.announce,
        observer=observer,
        now=utc_now,
    )
    watch = watch_over(settings, database, observer.metrics, reads=reads)
    return Workplace(
        settings=settings,
        database=database,
        store=premises.store,
        broker=broker,
        workshop=workshop.build(premises, premises.desk(), overdue),
        telemetry=(*traces, *endpoints(settings, watch), Heartbeat(database, [NodeRole.WORK], utc_now)),
    )


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB
