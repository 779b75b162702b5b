"""A cluster on PostgreSQL, Redis and Celery: every process of deploy/Procfile, any of which may be killed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import backlog, jobs
from db import studies as studies_rows
from db.engine import Database, connect
from db.records import JobKind, JobState
from node.learning import runs
from node.learning.runs import Wish
from node.process.clock import utc_now
from tests.node.dicom.raw import Image, RawPeer
from tests.nodes import chest
from tests.peers import cluster
from tests.peers.cluster import Cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.pacs import StorageScp
from tests.peers.processes import free_port, listens, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]
KINDS = 3
"""Results of a study: report, segmentation, overlay."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis that keeps nothing, and is killed now and then."""
    redis = Redis(tmp_path_factory.mktemp("redis"))
    yield redis
    redis.kill()


@pytest.fixture(scope="module")
def archive() -> Iterator[StorageScp]:
    """The PACS of all these tests."""
    pacs = StorageScp()
    yield pacs
    pacs.stop()


@pytest.fixture(scope="module")
def dicom_port() -> int:
    """Where the receivers listen."""
    return free_port()


@pytest.fixture(scope="module")
def database(postgres_server: Postgres) -> Iterator[Database]:
    """The cluster's database."""
    url = postgres_server.create_database()
    database = connect(url)
    yield database
    database.close()
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory,
    database: Database,
    broker: Redis,
    archive: StorageScp,
    dicom_port: int,
    tiny_model: Path,
) -> Iterator[Cluster]:
    """Every process of the Procfile, with two receivers on one port."""
    folder = tmp_path_factory.mktemp("cluster")
    settings = cluster.toml(
        dicom={"port": dicom_port, "min_free_mb": 0, "processes": 2},
        hl7={"port": free_port()},
        console={"port": free_port()},
        database={"url": database.engine.url.render_as_string(hide_password=False)},
        broker={"url": broker.url},
        study={"quiet_s": 0.2},
        reading={"model": tiny_model, "threads": 1},
        work={"tick_s": 0.05, "lease_s": 2},
        mining={"workers": 0},
        log={"level": "info"},
        destinations=[
            {
                "name": "pacs",
                "ae_title": archive.ae_title,
                "host": archive.host,
                "port": archive.port,
                "timeout_s": 30,
            }
        ],
    )
    with cluster.running(folder, f'data = "{folder / "data"}"\n{settings}') as started:
        for name in ("scp", "hl7", "reconcile", "console"):
            started.wait_until_said(name, "ready:")
        yield started


def push(port: int, count: int) -> list[str]:
    """Send so many studies of one image each over one association; their Study Instance UIDs."""
    studies = [str(generate_uid()) for _ in range(count)]
    with RawPeer(port) as peer:
        peer.associate()
        for study in studies:
            image = Image(chest(SOPClassUID=ComputedRadiographyImageStorage, StudyInstanceUID=study))
            peer.send(image.head, image.tail)
            assert peer.status() == 0
        peer.release()
    return studies


def await_results(database: Database, pacs: StorageScp, studies: list[str], timeout_s: float = 60) -> None:
    """Wait until nothing is left to do; then the PACS has got each study's results, each once."""
    wait_until(lambda: left(database) == 0, timeout_s=timeout_s, what="jobs are left")
    got = Counter(str(ds.StudyInstanceUID) for ds in pacs.datasets())
    assert {study: got[study] for study in studies} == dict.fromkeys(studies, KINDS)


def left(database: Database) -> int:
    """How many jobs and studies have not ended."""
    with database.read() as connection:
        return backlog.unfinished_count(connection) + studies_rows.unsettled_count(connection)


def test_studies_are_read_by_workers_and_their_results_delivered(
    nodes: Cluster, database: Database, archive: StorageScp, dicom_port: int
):
    """Reception, reading and delivery are processes that share nothing but the database, the broker and the store."""
    studies = push(dicom_port, 5)

    await_results(database, archive, studies)

    with database.read() as connection:
        owners = {job.owner for job in jobs.newest(connection, 100)}
    assert len({owner.split(":")[1] for owner in owners if owner}) == 2  # one worker has read, another has sent


def test_work_of_a_killed_worker_is_done_by_the_next(
    nodes: Cluster, database: Database, archive: StorageScp, dicom_port: int
):
    """kill -9 in the middle of reading and of sending: each result is in the PACS, and none is there twice."""
    studies = push(dicom_port, 20)
    wait_until(lambda: claimed(database, JobKind.READ), timeout_s=30, what="nothing is read")

    nodes.kill("inference")
    nodes.kill("delivery")
    nodes.start("inference", "delivery")

    await_results(database, archive, studies, timeout_s=120)


def test_broker_that_is_killed_twice_loses_no_work(
    nodes: Cluster, database: Database, broker: Redis, archive: StorageScp, dicom_port: int
):
    """Reception goes on while the broker is down, and the work when it is back, without its messages.

    A worker whose broker goes away at a bad moment may end, and is started again by whoever watches over it.
    """
    studies = []
    for _ in range(2):
        studies += push(dicom_port, 5)
        broker.kill()
        studies += push(dicom_port, 5)
        broker.start()

    def done() -> bool:
        nodes.supervise()
        return left(database) == 0

    wait_until(done, timeout_s=60, what="jobs are left")
    await_results(database, archive, studies)


def test_killed_reconciler_and_receiver_are_missed_only_for_a_moment(
    nodes: Cluster, database: Database, archive: StorageScp, dicom_port: int
):
    """What was acknowledged before the kill is read after it."""
    studies = push(dicom_port, 3)

    nodes.kill("scp")
    nodes.kill("reconcile")
    wait_until(lambda: not listens(dicom_port), timeout_s=20, what="a receiver outlived its parent")
    nodes.start("scp", "reconcile")
    wait_until(lambda: listens(dicom_port), timeout_s=60, what="nobody receives")
    studies += push(dicom_port, 3)

    await_results(database, archive, studies)


def test_training_is_taken_up_from_its_queue(nodes: Cluster, database: Database):
    """By the worker of the queue `training`; here it finds nothing to learn from, and says so."""
    run = runs.start(database, Wish(method="regions", findings=("Mass",)), by="anna", now=utc_now())

    def reason() -> str | None:
        with database.read() as connection:
            return runs.known(connection, run.version).reason

    wait_until(lambda: reason() is not None, timeout_s=60, what="nobody takes it up")
    with database.read() as connection:
        (job,) = [each for each in jobs.newest(connection, 100) if each.kind is JobKind.TRAIN]
    assert job.state is JobState.FAILED
    assert "image" in str(reason())
    assert f":{nodes.pid('training')}:" in str(job.owner)


def test_message_that_is_not_json_is_dropped_unread(
    nodes: Cluster, database: Database, broker: Redis, archive: StorageScp, dicom_port: int, tmp_path: Path
):
    """Whoever can write to the broker makes no worker run anything: a pickle is never loaded."""
    planted = tmp_path / "planted"
    with Celery("stranger", broker=broker.url) as stranger:
        stranger.send_task("cxr.run", args=[Planted(planted)], serializer="pickle", queue="inference")

    studies = push(dicom_port, 1)

    await_results(database, archive, studies)  # the worker takes one message after the other
    assert not planted.exists()


class Planted:
    """What makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_touch, (str(self._path),))


def _touch(path: str) -> None:
    Path(path).touch()


def claimed(database: Database, kind: JobKind) -> bool:
    """Whether a job of this kind has been claimed and not ended."""
    with database.read() as connection:
        return any(job.kind == kind for job in jobs.newest(connection, 100, [JobState.RUNNING]))
