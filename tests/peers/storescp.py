"""DCMTK's storescp as a PACS that keeps each object as a file, bit by bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydicom.filereader import read_file_meta_info

from tests.peers.certificates import Certificates
from tests.peers.dcmtk import tool
from tests.peers.processes import HOST, Peer, free_port, listens

AE_TITLE = "STORESCP"


class Storescp:
    """A running storescp on all addresses of this machine; what comes is written exactly as it is read."""

    def __init__(self, folder: Path, *options: str | Path) -> None:
        self.port = free_port()
        self._folder = folder / "objects"
        self._folder.mkdir(parents=True)
        command = [tool("storescp"), "-aet", AE_TITLE, "+B", "-od", self._folder, *options, str(self.port)]
        self._peer = Peer(command, ready=lambda: listens(self.port), log=folder / "storescp.log")
        self._peer.start()

    def destination(self, **more: Any) -> dict[str, Any]:
        """It as a destination of the settings."""
        there = {"name": "dcmtk", "ae_title": AE_TITLE, "host": HOST, "port": self.port, "timeout_s": 10}
        return there | more

    @property
    def paths(self) -> list[Path]:
        """The files that it has written."""
        return sorted(self._folder.iterdir())

    @property
    def objects(self) -> dict[str, Path]:
        """The file of each object that it has answered for, by SOP Instance UID."""
        return {str(read_file_meta_info(path).MediaStorageSOPInstanceUID): path for path in self.paths}

    def kill(self) -> None:
        """End it."""
        self._peer.kill()

    def start(self) -> None:
        """Start it again, with what it has."""
        self._peer.start()


class StartStorescp(Protocol):
    """Start one with further options."""

    def __call__(self, *options: str | Path) -> Storescp: ...


@pytest.fixture
def start_storescp(tmp_path: Path) -> Iterator[StartStorescp]:
    """Those that were started end with the test."""
    running: list[Storescp] = []

    def start(*options: str | Path) -> Storescp:
        running.append(Storescp(tmp_path / f"storescp-{len(running)}", *options))
        return running[-1]

    yield start
    for each in running:
        each.kill()


def secure(certificates: Certificates) -> list[str | Path]:
    """The options of one that speaks TLS alone, and wants to see who calls."""
    return ["+tls", certificates.server_key, certificates.server, "+cf", certificates.authority]
