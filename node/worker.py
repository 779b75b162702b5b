"""A worker: claim a job, keep its lease while it runs, end it in the transaction that stores what it made.

It does not matter which wake-up called it, or whether one did: the database decides who works.
"""

import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from db import jobs
from db.engine import Connection, Database
from db.errors import DatabaseError, LeaseLostError
from db.records import Job, JobKind, JobState

log = logging.getLogger(__name__)

RETRY_DELAYS_S = (1.0, 5.0)
"""After the first and the second failed attempt."""


UNHURRIED = (JobKind.MINE, JobKind.TRAIN, JobKind.COMPARE)
"""Kinds without a deadline: they take hours, and what was done is kept as it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a job ended: its state, why, and the rows to write in the same transaction.

    `state` QUEUED means it is to be tried again after `delay_s`, through no fault of its own. `record` returns
    the ids of new jobs to announce.
    """

    state: JobState
    record: Callable[[Connection], list[int]] = lambda _connection: []
    error_code: str | None = None
    error: str | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Towards:
    """Which destinations' jobs a thread runs: those to one, or those to none of some; else any, or none at all."""

    to: str | None = None
    not_to: tuple[str, ...] = ()


ANYWHERE = Towards()

Handler = Callable[[Job], Ending]
Announce = Callable[[int], None]
OnDead = Callable[[Connection, Job], None]
Overdue = Callable[[Job], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Runs jobs, one at a time in each thread that calls it.

    Args:
        handlers: what to do, by kind.
        on_dead: told of a job that will not be tried again, in the transaction that ends it.
        deadline_s: how long a job keeps its lease; past that another worker gets it.
        overdue: told of a job that ran so long, so that its process can be ended.
    """

    database: Database
    handlers: Mapping[JobKind, Handler]
    announce: Announce
    on_dead: OnDead
    lease_s: float
    now: Callable[[], datetime]
    deadline_s: float = 900.0
    overdue: Overdue | None = None

    def run_one(self, kinds: Collection[JobKind], towards: Towards = ANYWHERE) -> bool:
        """Run the longest-waiting due job of these kinds. Returns False when there is none."""
        owner = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
        job = self._claimed(kinds, towards, owner)
        if job is None:
            return False
        fields = {"job": job.id, "kind": job.kind, "attempt": job.attempts}
        try:
            with self._lease_kept(job):
                ending = self.handlers[job.kind](job)
            self._end(job, ending)
        except LeaseLostError:
            log.warning("lease lost", extra={"fields": fields})
        except DatabaseError:
            log.exception("job left to its lease", extra={"fields": fields})
        except Exception as error:
            log.exception("job went wrong", extra={"fields": fields})
            self._retry(job, error)
        else:
            log.info("job ended", extra={"fields": fields | {"state": ending.state}})
        return True

    def _claimed(self, kinds: Collection[JobKind], towards: Towards, owner: str) -> Job | None:
        """A job to run; an idle thread that was woken for nothing looks, and writes nothing."""
        with self.database.read() as connection:
            if not jobs.any_due(connection, kinds, self.now(), towards.to, towards.not_to):
                return None
        with self.database.write() as connection:
            return jobs.claim(
                connection,
                kinds=kinds,
                owner=owner,
                now=self.now(),
                lease_s=self.lease_s,
                to=towards.to,
                not_to=towards.not_to,
            )

    def _end(self, job: Job, ending: Ending) -> None:
        now = self.now()
        with self.database.write() as connection:
            if ending.state is JobState.QUEUED:
                jobs.postpone(
                    connection,
                    job,
                    now=now,
                    delay_s=ending.delay_s,
                    error_code=ending.error_code or "postponed",
                    error=ending.error or "",
                )
            else:
                jobs.end(
                    connection,
                    job,
                    state=ending.state,
                    now=now,
                    error_code=ending.error_code,
                    error=ending.error,
                )
            new_jobs = ending.record(connection)
        for job_id in new_jobs:
            self.announce(job_id)

    def _retry(self, job: Job, error: Exception) -> None:
        delay_s = RETRY_DELAYS_S[min(job.attempts, len(RETRY_DELAYS_S)) - 1]
        try:
            with self.database.write() as connection:
                state = jobs.retry_later(
                    connection,
                    job,
                    now=self.now(),
                    delay_s=delay_s,
                    error_code="fault",
                    error=f"A fault in the node ({type(error).__name__}); the log has its place.",
                )
                if state is JobState.DEAD:
                    self.on_dead(connection, job)
        except DatabaseError:
            log.exception("job left to its lease", extra={"fields": {"job": job.id}})

    @contextmanager
    def _lease_kept(self, job: Job) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self._renew, args=(job, done), name=f"lease:{job.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _renew(self, job: Job, done: threading.Event) -> None:
        deadline = time.monotonic() + (math.inf if job.kind in UNHURRIED else self.deadline_s)
        while not done.wait(min(self.lease_s / 3, max(deadline - time.monotonic(), 0))):
            if time.monotonic() >= deadline:
                log.error("job overdue", extra={"fields": {"job": job.id, "kind": job.kind}})
                if self.overdue is not None:
                    self.overdue(job)
                return
            try:
                with self.database.write() as connection:
                    jobs.renew(connection, job, self.now(), self.lease_s)
            except LeaseLostError:
                return
            except DatabaseError:
                log.warning("lease not renewed", extra={"fields": {"job": job.id}})
