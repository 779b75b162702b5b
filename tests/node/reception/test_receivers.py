"""Receivers on one port: all take connections, a killed one is replaced, and none outlives its parent."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.uid import ComputedRadiographyImageStorage

from db import studies
from node.errors import NodeError
from node.reception.receivers import Receivers
from tests.conftest import ROOT
from tests.node.dicom.raw import Image, RawPeer
from tests.nodes import StartNode, chest
from tests.peers.processes import HOST, free_port, wait_until


def processes_of(port: int) -> set[int]:
    """The processes that listen on a port."""
    listening = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    }
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in listening:
            found.add(int(link.parts[2]))
    return found


def test_every_receiver_stores(start_node: StartNode):
    """What comes over many associations is stored by more than one process, each instance once."""
    node = start_node(**{"dicom.processes": 2})
    images = [Image(chest(SOPClassUID=ComputedRadiographyImageStorage)) for _ in range(12)]
    peers = [RawPeer(node.scp.port) for _ in images]
    for peer, image in zip(peers, images, strict=True):
        peer.associate()
        peer.send(image.head, image.tail)

    statuses = [peer.status() for peer in peers]
    for peer in peers:
        peer.release()

    with node.database.read() as connection:
        stored = {each.sop_instance_uid for each in studies.instances(connection)}
    assert statuses == [0] * 12
    assert stored == {image.uid for image in images}
    assert len(processes_of(node.scp.port)) == 2


def test_a_killed_receiver_is_replaced(start_node: StartNode):
    """The port is served on, by as many as before."""
    node = start_node(**{"dicom.processes": 2})
    before = processes_of(node.scp.port)
    killed = min(before)

    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: len(processes_of(node.scp.port) - {killed}) == 2, timeout_s=60, what="no receiver took its place"
    )

    with RawPeer(node.scp.port) as peer:
        peer.associate()
        peer.release()
    assert processes_of(node.scp.port) - {killed} != before


def test_receivers_end_with_a_node_that_is_killed(tmp_path: Path):
    """After kill -9 of the node nobody listens on its port, so that a new one can take it."""
    port = free_port()
    config = tmp_path / "node.toml"
    config.write_text(f"[dicom]\nport = {port}\nprocesses = 2\n")
    ports = ["--hl7-port", "0", "--console-port", "0", "--role", "scp", "--data", str(tmp_path / "data")]
    command = [sys.executable, "-m", "node", "serve", "--config", str(config), *ports]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
        assert node.stdout is not None
        assert "role scp" in node.stdout.readline()
        node.kill()
        node.wait()

    wait_until(lambda: not processes_of(port), timeout_s=20, what="a receiver lives on")


def test_a_port_in_use_is_not_shared():
    """Another program's port is refused, as it is with one receiver."""
    with socket.create_server((HOST, 0), reuse_port=True) as other, pytest.raises(OSError, match="in use"):
        Receivers(host=HOST, port=other.getsockname()[1], count=2, make=_broken)


def test_a_receiver_that_cannot_start_is_said():
    """The node does not wait for ever for a process that died, and leaves no other behind."""
    receivers = Receivers(host=HOST, port=0, count=2, make=_broken)

    with pytest.raises(NodeError, match="the log says why"):
        receivers.start()

    assert multiprocessing.active_children() == []


def _broken(_port: int) -> None:
    raise SystemExit(3)
