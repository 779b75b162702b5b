"""Two hosts that share PostgreSQL, Redis and the data folder, and nothing else: name, address, settings, processes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import backlog, jobs, processes
from db import studies as studies_rows
from db.engine import Database, connect
from db.records import Job, JobKind, JobState
from node.files import Folder
from node.telemetry.traces import trace_of
from tests.node.dicom.raw import Image, RawPeer
from tests.nodes import chest
from tests.peers import cluster, host
from tests.peers.cluster import Cluster
from tests.peers.collector import Collector, collecting
from tests.peers.databases import Postgres
from tests.peers.pacs import StorageScp
from tests.peers.processes import free_port, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]
NAMES = ("node", "inference", "delivery")
"""Of the Procfile: all but the workers in one process, and the workers."""
ADDRESSES = {"anna": "127.0.0.1", "berta": "127.0.0.2"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """Two hosts, by their names, and what they share."""

    hosts: dict[str, Cluster]
    port: int
    data: Path
    database: Database
    pacs: StorageScp
    collector: Collector

    def jobs(self) -> list[Job]:
        """All of them, the newest first."""
        with self.database.read() as connection:
            return jobs.newest(connection, 100)

    def left(self) -> int:
        """How many jobs and studies have not ended."""
        with self.database.read() as connection:
            return backlog.unfinished_count(connection) + studies_rows.unsettled_count(connection)


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, redis_url: str, tiny_model: Path
) -> Iterator[Site]:
    """Both hosts at work."""
    shared, port, pacs = tmp_path_factory.mktemp("volume"), free_port(), StorageScp()
    url = postgres_server.create_database()
    with ExitStack() as stack:
        stack.callback(postgres_server.drop_database, url)
        stack.callback(pacs.stop)
        database = connect(url)
        stack.callback(database.close)
        collector = stack.enter_context(collecting())
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # milliseconds
        hosts = {}
        for name, address in ADDRESSES.items():
            folder = tmp_path_factory.mktemp(name)
            (folder / "mnt").symlink_to(shared)  # each has the volume elsewhere
            settings = cluster.toml(
                dicom={"port": port, "min_free_mb": 0},
                hl7={"port": free_port()},
                console={"port": free_port()},
                database={"url": url},
                broker={"url": redis_url},
                study={"quiet_s": 1},
                reading={"model": tiny_model, "threads": 1},
                work={"tick_s": 0.05, "lease_s": 2},
                mining={"workers": 0},
                traces={"endpoint": collector.endpoint},
                destinations=[{"name": "pacs", "ae_title": pacs.ae_title, "host": pacs.host, "port": pacs.port}],
            )
            text = f'host = "{address}"\ndata = "{folder / "mnt"}"\n{settings}'
            within = host.on(name, folder)
            hosts[name] = stack.enter_context(cluster.running(folder, text, *NAMES, within=within))
        for running in hosts.values():
            running.wait_until_said("node", "ready:")
        yield Site(hosts=hosts, port=port, data=shared, database=database, pacs=pacs, collector=collector)


def image(study: str) -> Image:
    """An image of a study."""
    return Image(chest(SOPClassUID=ComputedRadiographyImageStorage, StudyInstanceUID=study))


def send(peer: RawPeer, one: Image) -> None:
    """Send it, and hear that it is there."""
    peer.send(one.head, one.tail)
    assert peer.status() == 0


def test_study_that_is_sent_half_to_each_host_is_read_once(site: Site):
    """One job, one report of both images, and one trace of what all these processes did for it."""
    study = str(generate_uid())
    first, second = image(study), image(study)

    with RawPeer(site.port, host=ADDRESSES["anna"]) as anna, RawPeer(site.port, host=ADDRESSES["berta"]) as berta:
        anna.associate()
        berta.associate()
        send(anna, first)
        send(berta, second)
    wait_until(lambda: site.left() == 0, timeout_s=60, what="jobs are left")

    (report,) = reports(site, study)
    assert Counter(job.kind for job in site.jobs()) == {JobKind.READ: 1, JobKind.DELIVER: 1}
    assert all(image.uid.encode() in site.pacs.received[report] for image in (first, second))
    wait_until(
        lambda: received_by(site.collector, study) == set(ADDRESSES), timeout_s=20, what="a host does not tell of it"
    )


def test_host_that_is_killed_whole_leaves_nothing_undone(site: Site):
    """Its leases end, and the other host does its work; what it was receiving the other does not take for its own."""
    studies = [str(generate_uid()) for _ in range(4)]
    with site.database.read() as connection:
        alive = {each.host for each in processes.every(connection)}

    with site.database.write() as connection, RawPeer(site.port, host=ADDRESSES["anna"]) as peer:
        connection.exec_driver_sql("LOCK TABLE result IN SHARE MODE")  # who reads a study cannot end its job
        peer.associate()
        for study in studies:
            send(peer, image(study))
        peer.send(image(studies[0]).head)
        wait_until(lambda: bool(parts(site)), timeout_s=60, what="nothing is being received")
        wait_until(lambda: works(site, "anna"), timeout_s=60, what="the host takes no work")
        site.hosts["anna"].kill_all()
    wait_until(lambda: site.left() == 0, timeout_s=90, what="the other host does not do its work")

    left_behind, store = parts(site), Folder(site.data / "store")
    swept = store.sweep()
    store.close()
    assert alive == set(ADDRESSES)
    assert [len(reports(site, study)) for study in studies] == [1] * len(studies)
    assert left_behind
    assert (swept, parts(site)) == (0, left_behind)


def reports(site: Site, study: str) -> list[str]:
    """The UIDs of the reports of a study that the PACS has got."""
    got = [ds for ds in site.pacs.datasets() if ds.StudyInstanceUID == study]
    return [str(ds.SOPInstanceUID) for ds in got if ds.Modality == "SR"]


def works(site: Site, name: str) -> bool:
    """Whether a host has a lease."""
    return any(job.state is JobState.RUNNING and str(job.owner).startswith(f"{name}:") for job in site.jobs())


def parts(site: Site) -> list[Path]:
    """What is being received, or was when its receiver was killed."""
    return sorted(site.data.glob("store/incoming/*/*.part"))


def received_by(collector: Collector, study: str) -> set[str]:
    """The hosts that have told that they received images of a study."""
    trace = trace_of(study).to_bytes(16, "big")
    return {host for host, span in collector.spans if (span.name, span.trace_id) == ("receive", trace)}
