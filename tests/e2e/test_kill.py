"""kill -9 of a running node, again and again: what was acknowledged is there, once, and is read and delivered."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import jobs
from db import studies as studies_rows
from db.engine import Database, connect
from tests.conftest import ROOT
from tests.node.dicom.raw import Image, RawPeer
from tests.nodes import chest
from tests.peers.pacs import StorageScp
from tests.peers.processes import free_port, listens, wait_until

SENDERS, INSTANCES, STUDIES, KILLS = 4, 120, 12, 6


class ServedNode:
    """`cxr serve` as a process of its own, which can be killed and started again."""

    def __init__(self, folder: Path, settings: str, port: int) -> None:
        self.config = folder / "node.toml"
        self.config.write_text(settings)
        self.port = port
        self._log = (folder / "node.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "node", "serve", "--config", str(self.config)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=self._log, stderr=self._log)
        wait_until(lambda: listens(self.port), timeout_s=30, what="the node does not listen")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._log.close()

    def ask(self, *arguments: str) -> str:
        """The output of another `cxr` command on the same settings."""
        command = [sys.executable, "-m", "node", *arguments, "--config", str(self.config)]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def send_until_acknowledged(port: int, images: list[Image], acknowledged: Callable[[str], None]) -> None:
    """Push images as a modality does: again and again until each has been answered with success."""
    waiting = list(images)
    while waiting:
        try:
            with RawPeer(port) as peer:
                peer.associate()
                while waiting:
                    peer.send(waiting[0].head, waiting[0].tail)
                    if peer.status() != 0:
                        break
                    acknowledged(waiting.pop(0).uid)
                peer.release()
        except (OSError, AssertionError):  # the node died; RawPeer asserts what it hears
            time.sleep(0.02)


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_over_six_kills(
    tmp_path: Path, pacs: StorageScp, settings_options: Callable[..., dict[str, Any]]
):
    """Every instance that was answered with success is stored once; every study's report reaches the PACS."""
    port = free_port()
    settings = _toml(settings_options(pacs=pacs), port)
    node = ServedNode(tmp_path, settings, port)
    studies = [generate_uid() for _ in range(STUDIES)]
    images = [
        Image(_view(number, StudyInstanceUID=studies[number % STUDIES], SOPClassUID=ComputedRadiographyImageStorage))
        for number in range(INSTANCES)
    ]
    acknowledged: list[str] = []
    shares = [images[number::SENDERS] for number in range(SENDERS)]
    senders = [
        threading.Thread(target=send_until_acknowledged, args=(port, share, acknowledged.append)) for share in shares
    ]
    database = connect(f"sqlite:///{tmp_path / 'data' / 'cxr.db'}")
    moments = random.Random(20260314)

    node.start()
    try:
        for sender in senders:
            sender.start()
        for kill in range(KILLS):
            enough = INSTANCES * (kill + 1) // (KILLS + 2)
            wait_until(lambda enough=enough: len(acknowledged) >= enough, timeout_s=60, what="nothing moves")
            time.sleep(moments.uniform(0, 0.05))
            node.kill()
            node.start()
        for sender in senders:
            sender.join(30)

        assert pacs.wait_for(3 * STUDIES, timeout_s=60)
        wait_until(lambda: unfinished(database) == 0, timeout_s=30, what="jobs are left")
        listed = node.ask("instances", "--uids").split()
        left = node.ask("jobs", "--unfinished-count")
    finally:
        node.stop()

    assert sorted(acknowledged) == sorted(image.uid for image in images)
    with database.read() as connection:
        stored = [instance.sop_instance_uid for instance in studies_rows.instances(connection)]
    database.close()
    assert sorted(stored) == sorted(listed) == sorted(acknowledged)
    assert left == "0\n"
    assert not list(tmp_path.rglob("*.part"))
    assert {str(ds.StudyInstanceUID) for ds in pacs.datasets() if ds.Modality == "SR"} == set(studies)


def _view(number: int, **elements: Any) -> FileDataset:
    """The first image of each study is frontal, the others are lateral and only stored."""
    if number < STUDIES:
        return chest(**elements)
    return chest(ViewPosition="LL", PatientOrientation=["P", "F"], **elements)


def unfinished(database: Database) -> int:
    """How many jobs and studies have not ended."""
    with database.read() as connection:
        return jobs.unfinished_count(connection) + studies_rows.unsettled_count(connection)


def _toml(options: dict[str, Any], port: int) -> str:
    (pacs,) = options["destinations"]
    return f"""
data = "{options["data"]}"
[dicom]
port = {port}
min_free_mb = 0
[study]
quiet_s = 0.3
[reading]
model = "{options["reading.model"]}"
threads = 1
[work]
tick_s = 0.05
lease_s = 2
[log]
level = "warning"
[[destinations]]
name = "pacs"
ae_title = "{pacs["ae_title"]}"
host = "{pacs["host"]}"
port = {pacs["port"]}
timeout_s = 5
"""
