"""From the announcement of a job to its end: `python -m tests.bench.wakeup`.

The job is one that ends at once (a commitment that nobody can be told of), so nearly all of it is the wake-up: in an
embedded node threads on a condition; in a cluster a message through Redis to a worker of Celery, on PostgreSQL.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from db import commitments, jobs
from db.engine import Database
from db.records import JobKind, JobState
from node import wiring
from node.celery_app import Broker
from node.settings import load
from tests.bench.reception import processor
from tests.peers import cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.processes import free_port

TIMES = 300
PATIENCE_S = 20.0


def take_one(database: Database, announce: Callable[[int], None], number: int) -> float:
    """Queue a job, announce it, wait for its end; seconds from the announcement to that, by the job's row."""
    now = datetime.now(UTC)
    with database.write() as connection:
        kept = commitments.record(
            connection, transaction_uid=f"2.25.{number}", calling_ae="NOBODY", references=(), now=now
        )
        job_id = jobs.add(connection, kind=JobKind.COMMIT, subject_id=kept.id, revision=1, destination="X", now=now)
    assert job_id is not None
    announced = datetime.now(UTC)
    announce(job_id)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with database.read() as connection:
            job = jobs.get(connection, job_id)
        if job.state is JobState.FAILED and job.ended_at is not None:
            return (job.ended_at - announced).total_seconds()
        time.sleep(0.001)
    raise TimeoutError("no worker took the job")


def settings(folder: Path, **more: object) -> dict[str, object]:
    """Of a node that does nothing else."""
    ports = {"dicom.port": 0, "hl7.port": 0, "console.port": 0}
    return {"data": folder / "data", "mining.workers": 0, "work.tick_s": 5, "log.level": "error"} | ports | more


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[Database, Callable[[int], None]]]:
    """An embedded node: its database and its wake-up."""
    node = wiring.build(load(None, **settings(folder)))
    node.start()
    (announce,) = [each.queue.announce for each in node.services if hasattr(each, "queue")]
    try:
        yield node.database, announce
    finally:
        node.stop()


@contextmanager
def clustered(folder: Path) -> Iterator[tuple[Database, Callable[[int], None]]]:
    """A worker of a cluster: its database, and the broker's wake-up."""
    postgres, redis = Postgres(fsync=True), Redis(folder)
    url = postgres.create_database()
    text = cluster.toml(
        dicom={"port": free_port()},
        database={"url": url},
        broker={"url": redis.url},
        mining={"workers": 0},
        log={"level": "error"},
    )
    options = settings(folder, **{"database.url": url, "broker.url": redis.url})
    node = wiring.build(load(None, **options), [])
    broker = Broker(node.settings.broker, node.database)
    try:
        with cluster.running(folder, f'data = "{folder / "data"}"\n{text}', "delivery"):
            node.start()
            broker.start()
            yield node.database, broker.announce
            broker.stop()
            node.stop()
    finally:
        redis.kill()
        postgres.close()


WAYS = {"embedded": embedded, "cluster": clustered}


def measure(way: str) -> list[float]:
    """The times of one way, in milliseconds, the shortest first."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder, WAYS[way](Path(folder)) as (database, announce):
        take_one(database, announce, 0)  # the worker starts
        return sorted(1000 * take_one(database, announce, number) for number in range(1, TIMES + 1))


def main() -> None:
    """Measure and print."""
    print(f"{processor()}; {TIMES} jobs, one after the other")
    print(f"{'wake-up':<10} {'median ms':>10} {'95 % ms':>8} {'most ms':>8}")
    for name in WAYS:
        times = measure(name)
        print(
            f"{name:<10} {statistics.median(times):10.1f} {statistics.quantiles(times, n=20)[-1]:8.1f} {times[-1]:8.1f}"
        )


if __name__ == "__main__":
    main()
