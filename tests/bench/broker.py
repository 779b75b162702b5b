"""Redis killed twice in a backlog of 600 jobs: what is lost, when it is done, and what reception notices of it all.

One receiver, one reading worker with the shipped model, one that delivers; PostgreSQL with fsync, and a Redis that
keeps nothing. The backlog is made before the workers are started.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import ComputedRadiographyImageStorage

from db import backlog
from db.engine import Database, connect
from tests.bench.growth import push
from tests.bench.probe import p95, probing
from tests.node.dicom.raw import Image
from tests.nodes import chest
from tests.peers import cluster
from tests.peers.cluster import Cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.processes import free_port, wait_until
from tests.peers.storescp import Storescp

STUDIES = 300
"""Each has a job to be read and one to be delivered."""
RESULTS = 3
DOWN_S = 2.0
IDLE_S = 10.0
PATIENCE_S = 300.0
WORKERS = ("inference", "delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What came of the backlog.

    Attributes:
        lost: results that are not in the PACS.
        drained_s: from the second return of Redis to the end of the last job.
        idle_ms, reading_ms, killed_ms: 95th percentile of a C-STORE of 0.5 MB before the workers start, while they are
            at it, and from the first kill until they are done.
    """

    lost: int
    drained_s: float
    idle_ms: float
    reading_ms: float
    killed_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cluster without its workers."""

    port: int
    database: Database
    redis: Redis
    pacs: Storescp
    nodes: Cluster


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Receiver and reconciler are at work, and DCMTK's storescp is the PACS."""
    postgres, redis, pacs, port = Postgres(fsync=True), Redis(folder), Storescp(folder / "pacs"), free_port()
    url = postgres.create_database()
    settings = cluster.toml(
        dicom={"port": port, "min_free_mb": 0},
        database={"url": url},
        broker={"url": redis.url},
        study={"quiet_s": 1},
        reading={"threads": 1},
        mining={"workers": 0},
        log={"level": "info"},
        destinations=[pacs.destination()],
    )
    database = connect(url)
    try:
        with cluster.running(folder, f'data = "{folder / "data"}"\n{settings}', "scp", "reconcile") as nodes:
            for name in ("scp", "reconcile"):
                nodes.wait_until_said(name, "ready:")
            yield Site(port=port, database=database, redis=redis, pacs=pacs, nodes=nodes)
    finally:
        database.close()
        pacs.kill()
        redis.kill()
        postgres.close()


def drained(count: int = STUDIES) -> Drained:
    """Make the backlog, start the workers, kill Redis when a third and when two thirds of the results are there."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as name, site(Path(name)) as at:
        push(at.port, frontals(count))
        wait_until(lambda: unfinished(at.database) == count, timeout_s=60, what="studies do not settle")
        with probing(at.port) as idle:
            time.sleep(IDLE_S)
        at.nodes.start(*WORKERS)
        delivered(at, 1)  # the workers are there
        with probing(at.port) as reading:
            delivered(at, RESULTS * count // 3)
        with probing(at.port) as killed:
            interrupt(at.redis)
            delivered(at, RESULTS * count * 2 // 3)
            interrupt(at.redis)
            begin = time.monotonic()
            wait_until(lambda: unfinished(at.database) == 0, timeout_s=PATIENCE_S, what="jobs are left")
            drained_s = time.monotonic() - begin
        return Drained(
            lost=RESULTS * count - len(at.pacs.objects),
            drained_s=drained_s,
            idle_ms=p95(idle),
            reading_ms=p95(reading),
            killed_ms=p95(killed),
        )


def delivered(at: Site, results: int) -> None:
    """Wait until so many results are in the PACS."""
    wait_until(lambda: len(at.pacs.paths) >= results, timeout_s=PATIENCE_S, what="none is read")


def interrupt(redis: Redis) -> None:
    """Kill it, and start it again, empty."""
    redis.kill()
    time.sleep(DOWN_S)
    redis.start()


def frontals(count: int) -> list[Image]:
    """Frontal images, a study each."""
    return [Image(chest(SOPClassUID=ComputedRadiographyImageStorage)) for _ in range(count)]


def unfinished(database: Database) -> int:
    """How many jobs have not ended."""
    with database.read() as connection:
        return backlog.unfinished_count(connection)
