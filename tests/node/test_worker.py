"""Workers and the reconciler: leases kept and lost, faults, retries, the dead."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db import backlog, jobs, studies
from db.engine import Connection, Database
from db.records import Job, JobKind, JobState, StudyState
from node.queue import LocalQueue
from node.reconcile import Reconciler, study_failed
from node.worker import Ending, Worker
from tests.db.rows import arrival
from tests.peers.processes import wait_until

START = datetime(2026, 3, 14, tzinfo=UTC)
DONE = Ending(state=JobState.DONE)


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        """Now."""
        return self.time

    def go_on(self, seconds: float) -> None:
        """Later."""
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """An empty database."""
    return sqlite_database


@pytest.fixture
def reconciler(database: Database, clock: Clock) -> Reconciler:
    """A reconciler that is called by hand."""
    return Reconciler(database=database, announce=lambda _id: None, on_dead=study_failed, tick_s=0.01, now=clock)


def arrive(database: Database, number: int = 1) -> None:
    """A study with one instance, settled at START."""
    with database.write() as connection:
        new = arrival(number, study_instance_uid=f"2.25.{number}", received_at=START)
        studies.record_arrival(connection, new, settle_at=START)


def worker(
    database: Database,
    clock: Callable[[], datetime],
    handler: Callable[[Job], Ending],
    lease_s: float = 60,
    **more: Any,
) -> Worker:
    """A worker whose reading, and whose mining, is this handler."""
    handlers = {JobKind.READ: handler, JobKind.MINE: handler}
    return Worker(
        database=database,
        handlers=handlers,
        announce=lambda _id: None,
        on_dead=study_failed,
        lease_s=lease_s,
        now=clock,
        **more,
    )


def state(database: Database) -> tuple[JobState, StudyState]:
    """Of the only job and the only study."""
    with database.read() as connection:
        (job,) = jobs.newest(connection, 2)
        (study,) = studies.newest(connection, 2)
        return job.state, study.state


def test_settled_study_becomes_one_job(database: Database, clock: Clock, reconciler: Reconciler):
    """However often the reconciler looks, a quiet study is read once."""
    arrive(database)

    for _ in range(3):
        reconciler.tick()

    with database.read() as connection:
        (job,) = jobs.newest(connection, 10)
    assert (job.kind, job.revision, job.state) == (JobKind.READ, 1, JobState.QUEUED)


def test_unheard_jobs_are_announced_again(database: Database, clock: Clock):
    """A wake-up that was lost is repeated."""
    heard: list[int] = []
    reconciler = Reconciler(database=database, announce=heard.append, on_dead=study_failed, tick_s=1, now=clock)
    arrive(database)

    reconciler.tick()
    reconciler.tick()

    assert heard == [1, 1]


def test_chores_are_done_beside_the_sweep(database: Database, clock: Clock):
    """What a killed process left half written is swept while the node runs, not only at its start."""
    swept = threading.Event()
    reconciler = Reconciler(
        database=database,
        announce=lambda _id: None,
        on_dead=study_failed,
        chores=(swept.set,),
        tick_s=0.01,
        now=clock,
    )

    reconciler.start()

    assert swept.wait(20)
    reconciler.stop()


def test_job_ends_with_what_it_made_and_announces_the_next(database: Database, clock: Clock, reconciler: Reconciler):
    """A finished job's outcome and its follow-up are there together."""
    arrive(database)
    reconciler.tick()
    heard: list[int] = []

    def record(connection: Connection) -> list[int]:
        studies.end_revision(connection, 1, 1, StudyState.READ)
        return [17]

    each = worker(database, clock, lambda _job: Ending(state=JobState.DONE, record=record))
    busy = Worker(
        database=database, handlers=each.handlers, announce=heard.append, on_dead=study_failed, lease_s=60, now=clock
    ).run_one([JobKind.READ])

    assert busy
    assert heard == [17]
    assert state(database) == (JobState.DONE, StudyState.READ)
    assert not each.run_one([JobKind.READ])


def test_handler_that_raises_is_tried_three_times_then_the_study_failed(
    database: Database, clock: Clock, reconciler: Reconciler
):
    """An image that always makes the node stumble ends as dead, its study as failed, and the text is our own."""
    arrive(database)
    reconciler.tick()
    tries = 0

    def stumble(_job: Job) -> Ending:
        nonlocal tries
        tries += 1
        raise RuntimeError("DOE^JANE")

    each = worker(database, clock, stumble)
    seen = []
    for _ in range(4):
        each.run_one([JobKind.READ])
        seen.append(state(database))
        clock.go_on(10)

    with database.read() as connection:
        (job,) = jobs.newest(connection, 2)
    assert tries == 3
    assert seen[1:] == [
        (JobState.QUEUED, StudyState.QUEUED),
        (JobState.DEAD, StudyState.FAILED),
        (JobState.DEAD, StudyState.FAILED),
    ]
    assert job.error == "A fault in the node (RuntimeError); the log has its place."


def test_other_jobs_go_on_beside_a_poisonous_one(database: Database, clock: Clock, reconciler: Reconciler):
    """One bad study does not stop the good ones."""
    for number in (1, 2, 3):
        arrive(database, number)
    reconciler.tick()

    def handle(job: Job) -> Ending:
        if job.subject_id == 1:
            raise MemoryError
        return DONE

    each = worker(database, clock, handle)
    for _ in range(3):
        while each.run_one([JobKind.READ]):
            pass
        clock.go_on(10)

    with database.read() as connection:
        assert backlog.counts(connection) == {"read.dead": 1, "read.done": 2}


def test_worker_that_vanishes_three_times_fails_the_study(database: Database, clock: Clock, reconciler: Reconciler):
    """An image that kills its worker is given up after three of them, by the reconciler."""
    arrive(database)
    reconciler.tick()
    for _ in range(3):
        with database.write() as connection:
            jobs.claim(connection, kinds=[JobKind.READ], owner="gone", now=clock(), lease_s=60)
        clock.go_on(61)
        reconciler.tick()

    assert state(database) == (JobState.DEAD, StudyState.FAILED)


def test_heartbeat_keeps_the_lease_of_a_long_job(database: Database, reconciler: Reconciler):
    """A job that takes longer than its lease is not given to another worker while it is at work."""
    arrive(database)
    reconciler.tick()

    def slow(job: Job) -> Ending:
        def renewed() -> bool:
            with database.read() as connection:
                until = jobs.get(connection, job.id).lease_until
            return until is not None and job.lease_until is not None and until > job.lease_until

        wait_until(renewed, timeout_s=30, what="the lease is not renewed")
        return DONE

    worker(database, lambda: datetime.now(UTC), slow, lease_s=0.3).run_one([JobKind.READ])

    assert state(database)[0] is JobState.DONE


def test_worker_that_lost_its_lease_drops_what_it_made(database: Database, clock: Clock, reconciler: Reconciler):
    """Two workers on one job leave one outcome: that of the one who has it last."""
    arrive(database)
    reconciler.tick()

    def overtaken(_job: Job) -> Ending:
        clock.go_on(61)
        reconciler.tick()
        worker(database, clock, lambda _job: Ending(state=JobState.FAILED, error_code="second")).run_one([JobKind.READ])
        return Ending(state=JobState.DONE, record=lambda _connection: pytest.fail("the outcome was stored"))

    worker(database, clock, overtaken).run_one([JobKind.READ])

    with database.read() as connection:
        (job,) = jobs.newest(connection, 2)
    assert (job.state, job.error_code, job.attempts) == (JobState.FAILED, "second", 2)


def test_postponed_job_waits_and_does_not_count(database: Database, clock: Clock, reconciler: Reconciler):
    """A job that has to wait for somebody else is not given up."""
    arrive(database)
    reconciler.tick()
    each = worker(database, clock, lambda _job: Ending(state=JobState.QUEUED, error_code="later", delay_s=5))

    for _ in range(5):
        assert each.run_one([JobKind.READ])
        assert not each.run_one([JobKind.READ])
        clock.go_on(5)

    assert state(database)[0] is JobState.QUEUED


def test_announced_job_wakes_a_sleeping_thread(monkeypatch: pytest.MonkeyPatch):
    """A job is begun when it is announced, not at the next look."""
    monkeypatch.setattr("node.queue.LOOK_S", 60.0)
    looks = threading.Semaphore(0)
    queue = LocalQueue({JobKind.READ: 1})

    def look(_kinds: object, _towards: object) -> bool:
        looks.release()
        return False

    queue.start(look)
    assert looks.acquire(timeout=20)

    queue.announce(1)

    assert looks.acquire(timeout=20)
    queue.stop()


def test_thread_outlives_a_fault(caplog: pytest.LogCaptureFixture):
    """A fault outside any job does not leave the node without its workers."""
    looks = threading.Semaphore(0)
    queue = LocalQueue({JobKind.READ: 1})

    def stumble(_kinds: object, _towards: object) -> bool:
        looks.release()
        raise RuntimeError

    with caplog.at_level(logging.CRITICAL + 1):
        queue.start(stumble)
        assert looks.acquire(timeout=20)
        queue.announce(1)

        assert looks.acquire(timeout=20)
        queue.stop()


def test_stopping_lets_the_running_job_end():
    """A node that is told to stop ends the job it is at."""
    begun, ended = threading.Event(), threading.Event()
    queue = LocalQueue({JobKind.READ: 1})

    def job(_kinds: object, _towards: object) -> bool:
        begun.set()
        ended.wait(0.2)
        ended.set()
        return True

    queue.start(job)
    assert begun.wait(20)
    queue.stop()

    assert ended.is_set()


def test_job_past_its_deadline_loses_its_lease_and_its_process_is_told(database: Database, clock: Clock):
    """A handler that never ends keeps its job no longer than the deadline."""
    arrive(database)
    Reconciler(database=database, announce=lambda _id: None, on_dead=study_failed, tick_s=1, now=clock).tick()
    told, go_on = threading.Event(), threading.Event()

    def hang(_job: Job) -> Ending:
        assert go_on.wait(20)
        return DONE

    slow = worker(database, clock, hang, deadline_s=0.05, overdue=lambda _job: told.set())
    thread = threading.Thread(target=slow.run_one, args=([JobKind.READ],))
    thread.start()

    assert told.wait(20)
    go_on.set()
    thread.join(20)


def test_mining_has_no_deadline(database: Database, clock: Clock):
    """A backlog of reports takes as long as it takes, and keeps its lease meanwhile."""
    with database.write() as connection:
        jobs.add(connection, kind=JobKind.MINE, subject_id=1, now=START)
    renewed, told = threading.Event(), threading.Event()

    def mine(_job: Job) -> Ending:
        assert renewed.wait(20)
        return DONE

    def now() -> datetime:
        if threading.current_thread().name.startswith("lease:"):
            renewed.set()
        return clock()

    patient = worker(database, now, mine, lease_s=0.3, deadline_s=0.01, overdue=lambda _job: told.set())

    assert patient.run_one([JobKind.MINE])

    with database.read() as connection:
        assert [job.state for job in jobs.newest(connection, 2)] == [JobState.DONE]
    assert not told.is_set()
