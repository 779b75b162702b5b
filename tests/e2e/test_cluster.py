"""A cluster on PostgreSQL, Redis and Celery: every process of deploy/Procfile, any of which may be killed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import jobs
from db import studies as studies_rows
from db.engine import Database, connect
from tests.node.dicom.raw import Image, RawPeer
from tests.nodes import chest
from tests.peers import cluster
from tests.peers.cluster import Cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.pacs import StorageScp
from tests.peers.processes import free_port, wait_until

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
                "timeout_s": 5,
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
        return jobs.unfinished_count(connection) + studies_rows.unsettled_count(connection)


def test_studies_are_read_by_workers_and_their_results_delivered(
    nodes: Cluster, database: Database, archive: StorageScp, dicom_port: int
):
    """Reception, reading and delivery are processes that share nothing but the database, the broker and the store."""
    studies = push(dicom_port, 5)

    await_results(database, archive, studies)

    with database.read() as connection:
        owners = {job.owner for job in jobs.newest(connection, 100)}
    assert len({owner.split(":")[1] for owner in owners if owner}) == 2  # one worker has read, another has sent
