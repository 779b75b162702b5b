"""A whole embedded node for a test: on loopback, a free port, its own folder, and a tiny model."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from db import jobs, studies
from db.records import Job, Study
from node import wiring
from node.demonstration import phantom
from node.dicom.opening import Address, associate
from node.parts import Node
from node.process.clock import Clock, utc_now
from node.settings import DATABASE_FILE, load
from tests.bundles import write_tiny
from tests.peers.pacs import StorageScp
from tests.peers.processes import HOST, wait_until

PATIENCE_S = 100.0
"""How long a modality waits for an answer; a busy machine can take longer than pynetdicom's half a minute."""


class StartNode(Protocol):
    """Start a node; options are dotted names of settings, `now` is its clock."""

    def __call__(self, *, pacs: StorageScp | None = None, now: Clock = utc_now, **options: Any) -> Node: ...


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny seeded model whose findings are all present."""
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny", operating_point=0.0).path


@pytest.fixture
def settings_options(tmp_path: Path, tiny_model: Path) -> Callable[..., dict[str, Any]]:
    """The settings of a test's node; the quiet period ends with the association."""

    def options(*, pacs: StorageScp | None = None, **more: Any) -> dict[str, Any]:
        destinations = [] if pacs is None else [destination(pacs)]
        return {
            "data": tmp_path / "data",
            "dicom.port": 0,
            "hl7.port": 0,
            "console.port": 0,
            "dicom.min_free_mb": 0,
            "study.quiet_s": 0,
            "reading.model": tiny_model,
            "reading.threads": 1,
            "work.tick_s": 0.02,
            "destinations": destinations,
        } | more

    return options


@pytest.fixture
def start_node(settings_options: Callable[..., dict[str, Any]], migrated_file: Path) -> Iterator[StartNode]:
    """Nodes that are stopped at the end of the test; a new one finds its database migrated."""
    running: list[Node] = []

    def start(*, pacs: StorageScp | None = None, now: Clock = utc_now, **options: Any) -> Node:
        settings = load(None, **settings_options(pacs=pacs, **options))
        if not settings.data.exists():
            settings.data.mkdir()
            shutil.copy(migrated_file, settings.data / DATABASE_FILE)
        node = wiring.build(settings, now=now)
        node.start()
        running.append(node)
        return node

    yield start
    for node in running:
        node.stop()


def destination(pacs: StorageScp) -> dict[str, Any]:
    """The fake PACS as a destination."""
    return {"name": "pacs", "ae_title": pacs.ae_title, "host": pacs.host, "port": pacs.port, "timeout_s": 30}


def chest(**elements: Any) -> FileDataset:
    """A small phantom; elements are set on top."""
    ds = phantom.dataset(rows=128, columns=96)
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds.file_meta.MediaStorageSOPInstanceUID = UID(ds.SOPInstanceUID)
    ds.file_meta.MediaStorageSOPClassUID = UID(ds.SOPClassUID)
    return ds


def data_set(file: bytes) -> bytes:
    """What follows the File Meta Information, whose length stands in its first element (DICOM PS3.10 7.1)."""
    return file[144 + int.from_bytes(file[140:144], "little") :]


def push(node: Node, *datasets: FileDataset, calling_ae: str = "MODALITY") -> list[int]:
    """C-STORE datasets over one association; the status of each."""
    address = Address(name="node", ae_title="CXRNODE", host=HOST, port=node.scp.port, timeout_s=PATIENCE_S)
    forms = {(str(ds.SOPClassUID), str(ds.file_meta.TransferSyntaxUID)) for ds in datasets}
    assoc = associate(address, calling_ae, sorted(forms))
    assert assoc.is_established
    statuses = [assoc.send_c_store(ds).Status for ds in datasets]
    assoc.release()
    return statuses


def study_of(node: Node, ds: FileDataset) -> Study:
    """The node's row of a dataset's study."""
    with node.database.read() as connection:
        study = studies.find(connection, ds.StudyInstanceUID)
    assert study is not None
    return study


def wait_for_study(node: Node, ds: FileDataset, *states: str, timeout_s: float = 30) -> Study:
    """Wait until a dataset's study is in one of the states."""
    wait_until(
        lambda: study_of(node, ds).state in states, timeout_s=timeout_s, what=f"the study is not {' or '.join(states)}"
    )
    return study_of(node, ds)


def all_jobs(node: Node) -> list[Job]:
    """The node's jobs, the newest first."""
    with node.database.read() as connection:
        return jobs.newest(connection, 1000)
