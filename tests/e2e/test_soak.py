"""A crash soak: kill -9 of every process, again and again, while modalities and a RIS send.

Short in the suite; `make soak` runs it at full size: 8 senders, 2,000 instances, 24 kills, 1,000 messages.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import backlog, reports
from db import studies as studies_rows
from db.engine import Database, connect
from db.records import JobKind
from tests.node.dicom.raw import Image
from tests.nodes import chest, destination
from tests.peers import cluster
from tests.peers.cluster import Cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.pacs import StorageScp
from tests.peers.processes import free_port, wait_until
from tests.senders import report_until_acknowledged, store_until_acknowledged


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is sent, and how often something is killed meanwhile."""

    senders: int
    instances: int
    studies: int
    messages: int
    kills: int
    end_s: float
    """From the last kill until everything has ended."""


SHORT = Size(senders=4, instances=120, studies=12, messages=100, kills=6, end_s=120)
LONG = Size(senders=8, instances=2000, studies=200, messages=1000, kills=24, end_s=600)
SIZE = LONG if os.environ.get("CXR_SOAK") == "1" else SHORT
TIMEOUT_S = 3600 if SIZE is LONG else 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A node or a cluster in a hospital: how its parts are killed and started again, by name."""

    dicom_port: int
    hl7_port: int
    database: Database
    folder: Path
    kill: dict[str, Callable[[], None]]
    supervise: Callable[[], None]
    """Start again what has ended by itself."""


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=pytest.mark.peer)])
def site(request: pytest.FixtureRequest, tmp_path: Path, pacs: StorageScp, tiny_model: Path) -> Iterator[Site]:
    """One process on SQLite; or receivers, reconciler, workers and broker on PostgreSQL."""
    make = _cluster if request.param == "cluster" else _embedded
    yield from make(request, tmp_path, _settings(tmp_path, pacs, tiny_model))


def _settings(folder: Path, pacs: StorageScp, model: Path) -> dict[str, Any]:
    return {
        "dicom": {"port": free_port(), "min_free_mb": 0},
        "hl7": {"port": free_port()},
        "console": {"port": free_port()},
        "study": {"quiet_s": 0.3},
        "reading": {"model": model, "threads": 1},
        "work": {"tick_s": 0.05, "lease_s": 2},
        "mining": {"workers": 0},
        "log": {"level": "warning"},
        "destinations": [destination(pacs)],
    }


def _site(
    folder: Path, settings: dict[str, Any], database: Database, nodes: Cluster, kill: dict[str, Callable[[], None]]
) -> Site:
    return Site(
        dicom_port=settings["dicom"]["port"],
        hl7_port=settings["hl7"]["port"],
        database=database,
        folder=folder,
        kill=kill,
        supervise=nodes.supervise,
    )


def _embedded(_request: pytest.FixtureRequest, folder: Path, settings: dict[str, Any]) -> Iterator[Site]:
    with cluster.running(folder, _toml(folder, settings), "node") as nodes:
        nodes.wait_until_said("node", "ready:")
        database = connect(f"sqlite:///{folder / 'data' / 'cxr.db'}")
        yield _site(folder, settings, database, nodes, {"node": lambda: _again(nodes, "node")})
        database.close()


def _cluster(request: pytest.FixtureRequest, folder: Path, settings: dict[str, Any]) -> Iterator[Site]:
    server: Postgres = request.getfixturevalue("postgres_server")
    broker = Redis(folder)
    url = server.create_database()
    settings |= {"database": {"url": url}, "broker": {"url": broker.url}}
    settings["dicom"] |= {"processes": 2}
    names = ("scp", "hl7", "reconcile", "inference", "delivery")

    def kill_broker() -> None:
        broker.kill()
        broker.start()

    database = connect(url)
    try:
        with cluster.running(folder, _toml(folder, settings), *names) as nodes:
            for name in ("scp", "hl7", "reconcile"):
                nodes.wait_until_said(name, "ready:")
            kill: dict[str, Callable[[], None]] = {name: lambda name=name: _again(nodes, name) for name in names}
            yield _site(folder, settings, database, nodes, kill | {"broker": kill_broker})
    finally:
        database.close()
        server.drop_database(url)
        broker.kill()


def _toml(folder: Path, settings: dict[str, Any]) -> str:
    return f'data = "{folder / "data"}"\n{cluster.toml(**settings)}'


def _again(nodes: Cluster, name: str) -> None:
    nodes.kill(name)
    nodes.start(name)


@pytest.mark.timeout(TIMEOUT_S)
def test_nothing_acknowledged_is_lost_or_doubled(
    site: Site, pacs: StorageScp, record_property: Callable[[str, object], None]
):
    """Every acknowledged instance and message is stored once, every job ends, every report is in the PACS once."""
    studies = [str(generate_uid()) for _ in range(SIZE.studies)]
    stored: list[str] = []
    reported: list[int] = []
    shares = [_images(studies)[number :: SIZE.senders] for number in range(SIZE.senders)]
    senders = [
        threading.Thread(target=store_until_acknowledged, args=(site.dicom_port, share, stored.append))
        for share in shares
    ]
    ris = threading.Thread(
        target=report_until_acknowledged, args=(site.hl7_port, range(SIZE.messages), reported.append)
    )
    moments = random.Random(20260314)

    for thread in [*senders, ris]:
        thread.start()
    for number in range(SIZE.kills):
        enough = SIZE.instances * (number + 1) // (SIZE.kills + 2)
        wait_until(lambda enough=enough: len(stored) >= enough, timeout_s=120, what="nothing moves")
        time.sleep(moments.uniform(0, 0.05))
        list(site.kill.values())[number % len(site.kill)]()
    killed_at = time.monotonic()
    for thread in [*senders, ris]:
        thread.join(SIZE.end_s)

    def done() -> bool:
        site.supervise()
        return left(site.database) == 0

    wait_until(done, timeout_s=SIZE.end_s, what="jobs or studies are left")
    assert pacs.wait_for(3 * SIZE.studies, timeout_s=30)
    ended_s = time.monotonic() - killed_at

    with site.database.read() as connection:
        kept = [each.sop_instance_uid for each in studies_rows.instances(connection)]
        messages, versions = reports.message_count(connection), reports.count(connection)
    assert sorted(kept) == sorted(stored)
    assert len(set(stored)) == SIZE.instances
    assert (messages, versions, len(set(reported))) == (SIZE.messages, SIZE.messages, SIZE.messages)
    assert Counter(str(ds.StudyInstanceUID) for ds in pacs.datasets()) == dict.fromkeys(studies, 3)
    assert not list((site.folder / "data").rglob("*.part"))
    record_property(
        "figure", f"{SIZE.kills} kills; every job had ended {ended_s:.0f} s after the last, each result once"
    )


def _images(studies: Sequence[str]) -> list[Image]:
    """The first image of each study is frontal, the others are lateral and only stored."""
    return [Image(_view(number, studies[number % len(studies)])) for number in range(SIZE.instances)]


def _view(number: int, study: str) -> FileDataset:
    elements = {"StudyInstanceUID": study, "SOPClassUID": ComputedRadiographyImageStorage}
    if number < SIZE.studies:
        return chest(**elements)
    return chest(ViewPosition="LL", PatientOrientation=["P", "F"], **elements)


def left(database: Database) -> int:
    """How many studies and jobs have not ended; reports are not mined here."""
    with database.read() as connection:
        mining = backlog.unfinished_count(connection, JobKind.MINE)
        return backlog.unfinished_count(connection) - mining + studies_rows.unsettled_count(connection)
