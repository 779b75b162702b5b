"""Faults, one by one, of what the node stands on: the answer is never a lie, and it goes on without a restart."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import JPEG2000Lossless

from db import studies
from db.vocabulary import Reason
from inference.isolation import Isolated
from node import workshop
from node.console.server import Server
from node.demonstration import phantom
from node.dicom.scp import Scp
from node.files import Folder
from node.hl7.listener import Listener
from node.labels.mining import ReportMining
from node.parts import Node
from node.process.clock import utc_now
from node.queue import LocalQueue
from node.reconcile import Reconciler
from tests.inference.tasks import POISONED_COLUMNS, poisoned
from tests.node.hl7.mllp import Client, code, oru
from tests.nodes import StartNode, chest, push, wait_for_study
from tests.peers import disk
from tests.peers.databases import Postgres
from tests.peers.processes import wait_until

RESUMES_S = 5.0
DOWN_S = 60.0 if os.environ.get("CXR_SOAK") == "1" else 0.0
"""How long PostgreSQL stays away, at least."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    with disk.small(tmp_path / "small", 24) as folder:
        yield folder


def test_full_disk_is_out_of_resources_and_no_more(small_disk: Path, start_node: StartNode):
    """Really full: only 0xA700, what was acknowledged is whole, and with room again the next is taken (R7)."""
    node = start_node(**{"data": small_disk / "data", "reading.workers": 0, "mining.workers": 0})
    assert push(node, chest()) == [0x0000]
    ballast = disk.fill(small_disk)

    full = push(node, *(chest() for _ in range(5)))
    ballast.unlink()
    began = time.monotonic()
    wait_until(lambda: push(node, chest()) == [0x0000], timeout_s=RESUMES_S, what="it does not resume")

    assert set(full) == {0xA700}
    assert time.monotonic() - began < RESUMES_S
    with node.database.read() as connection:
        paths = connection.exec_driver_sql("SELECT path FROM instance").scalars().all()
    assert len(paths) == 2
    assert all(node.store.path(path).stat().st_size > 10_000 for path in paths)


def test_full_disk_takes_no_report_and_loses_none(small_disk: Path, start_node: StartNode):
    """Really full: AE until there is room, then all goes on; what was answered AA is there, once (R7 for HL7)."""
    node = start_node(**{"data": small_disk / "data", "reading.workers": 0, "mining.workers": 0})
    messages = {f"M{number}": oru(f"M{number}", accession=f"A{number}", text="x" * 200_000) for number in range(8)}
    with Client(node.listener.port) as ris:
        before = {name: code(ris.ask(messages[name])) for name in ("M0", "M1")}
        ballast = disk.fill(small_disk)

        full = {name: code(ris.ask(messages[name])) for name in ("M2", "M3", "M4", "M5", "M6")}
        stored_when_full = control_ids(node)
        ballast.unlink()
        wait_until(lambda: code(ris.ask(messages["M7"])) == "AA", timeout_s=RESUMES_S, what="it does not resume")
        after = {code(ris.ask(message)) for message in messages.values()}

    assert set(before.values()) == {"AA"}
    assert set(full.values()) <= {"AA", "AE"}
    assert full["M6"] == "AE"
    assert {name for name, answer in (before | full).items() if answer == "AA"} <= set(stored_when_full)
    assert after == {"AA"}
    assert sorted(control_ids(node)) == sorted(messages)


def control_ids(node: Node) -> list[str]:
    """MSH-10 of the messages that are stored."""
    with node.database.read() as connection:
        return list(connection.exec_driver_sql("SELECT control_id FROM message").scalars())


@pytest.mark.peer
def test_postgresql_that_dies_is_out_of_resources_until_it_is_back(
    start_node: StartNode, record_property: Callable[[str, object], None]
):
    """Killed while a modality sends: never 0x0000, and within 5 s of its return all goes on, reading too (R6)."""
    server = Postgres()
    try:
        node = start_node(**{"database.url": server.create_database(), "mining.workers": 0})
        before = chest()
        assert push(node, before) == [0x0000]
        wait_for_study(node, before, "read")

        server.kill()
        killed, during = time.monotonic(), push(node, *(chest() for _ in range(3)))
        while time.monotonic() < killed + DOWN_S:
            during += push(node, chest())
        down_s = time.monotonic() - killed
        server.start()
        after = chest()
        began = time.monotonic()
        wait_until(lambda: push(node, after) == [0x0000], timeout_s=RESUMES_S, what="it does not resume")
        resumed_s = time.monotonic() - began
        wait_for_study(node, after, "read")
    finally:
        server.close()

    assert set(during) == {0xA700}
    assert resumed_s < RESUMES_S
    away = f"0xA700 to all {len(during)} while it was away for {down_s:.0f} s"
    record_property("figure", f"{away}; takes the next {resumed_s:.1f} s after its return")


def test_start_goes_on_with_what_was_left_before_peers_are_let_in(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
):
    """The order that `Node.start` states: sweep, reconcile, mining, work, and last DICOM, HL7 and console."""
    order: list[str] = []

    def noting(kind: type, method: str, name: str) -> None:
        true = getattr(kind, method)

        def noted(*arguments: object) -> object:
            if name not in order:
                order.append(name)
            return true(*arguments)

        monkeypatch.setattr(kind, method, noted)

    noting(Folder, "sweep", "sweep")
    noting(Reconciler, "tick", "reconcile")
    noting(ReportMining, "catch_up", "mining")
    noting(LocalQueue, "start", "work")
    for part in (Scp, Listener, Server):
        noting(part, "start", part.__name__)

    start_node()

    assert order == ["sweep", "reconcile", "mining", "work", "Scp", "Listener", "Server"]


def test_clock_that_is_set_back_keeps_no_study_waiting(start_node: StartNode):
    """Received just before the clock went back an hour, a study is read a quiet period later."""
    ahead_s = [3600.0]
    node = start_node(**{"study.quiet_s": 0.3}, now=lambda: utc_now() + timedelta(seconds=ahead_s[0]))
    ds = chest()

    push(node, ds)
    ahead_s[0] = 0.0

    wait_for_study(node, ds, "read")


def test_poison_image_costs_itself(start_node: StartNode, monkeypatch: pytest.MonkeyPatch):
    """A codec that segfaults: its image has the reason, the study's other image and the next study are read (B6)."""
    monkeypatch.setattr(workshop, "Isolated", partial(Isolated, decode=poisoned))
    node = start_node(**{"mining.workers": 0})
    poison, beside, other = compressed(POISONED_COLUMNS), compressed(96), compressed(96)
    beside.StudyInstanceUID = poison.StudyInstanceUID

    push(node, poison, beside)
    push(node, other)
    wait_for_study(node, poison, "read")
    wait_for_study(node, other, "read")

    with node.database.read() as connection:
        found = studies.with_uids(connection, [each.SOPInstanceUID for each in (poison, beside, other)])
    reasons = [found[each.SOPInstanceUID][0].reason for each in (poison, beside, other)]
    assert reasons == [Reason.UNDECODABLE, None, None]


def compressed(columns: int) -> FileDataset:
    """A chest radiograph, losslessly compressed."""
    ds = phantom.dataset(rows=128, columns=columns)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    return ds
