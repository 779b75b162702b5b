"""The department's other machines say what goes wrong."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from node.errors import NodeError
from node.hl7.framing import frame
from node.rehearsal.department import studies
from node.rehearsal.peers import Modalities, RehearsalError, Ris
from tests.nodes import StartNode


class Answering:
    """A listener that answers the first bytes that come with always the same, and hangs up."""

    def __init__(self, answer: bytes) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.port: int = self._server.getsockname()[1]
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(self._answer)

    def stop(self) -> None:
        self._thread.join()
        self._server.close()


@pytest.fixture(params=[(frame(b"MSH|x\rMSA|AE|1\r"), "did not accept"), (b"", "closed")], ids=["AE", "nothing"])
def refusal(request: pytest.FixtureRequest) -> Iterator[tuple[int, str]]:
    """A listener that takes no report, and what is said of it."""
    listener = Answering(request.param[0])
    yield listener.port, request.param[1]
    listener.stop()


def test_report_that_is_not_taken(refusal: tuple[int, str]) -> None:
    """Anything but AA ends the rehearsal."""
    port, words = refusal

    with closing(Ris(port)) as ris, pytest.raises(RehearsalError, match=words):
        ris.send(b"MSH|...\r")


def test_image_that_is_not_taken(start_node: StartNode, tmp_path: Path) -> None:
    """A node that lets nobody in ends the rehearsal."""
    node = start_node(**{"dicom.peers": []})
    modalities = Modalities(ae_title="CXRNODE", port=node.scp.port, pixels=64, folder=tmp_path)

    with pytest.raises(NodeError, match="rejected the association"):
        modalities.push(next(studies(1)))
