"""The console's web server."""

import socket
import ssl
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from node.console.server import Certificate, Server
from node.errors import SettingsError
from tests.node.console.browser import Browser
from tests.peers.certificates import Certificates

APP = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])


def test_it_answers_from_start_to_stop() -> None:
    """On a free port of this machine, and the port is free again afterwards."""
    server = Server(host="127.0.0.1", port=0, app=APP)
    server.start()

    answer = Browser(server.port).get("/")
    server.stop()

    assert answer.text == "here"
    assert "server" not in answer.headers
    socket.create_server(("127.0.0.1", server.port)).close()


def test_it_can_be_stopped_before_it_was_started() -> None:
    """A node whose start went wrong stops all the same."""
    Server(host="127.0.0.1", port=0, app=APP).stop()


def test_it_speaks_tls_with_a_certificate(certificates: Certificates) -> None:
    """And is known by it."""
    certificate = Certificate(chain=certificates.server, key=certificates.server_key)
    server = Server(host="127.0.0.1", port=0, app=APP, certificate=certificate)
    server.start()

    answer = Browser(server.port, ssl.create_default_context(cafile=certificates.authority)).get("/")
    server.stop()

    assert answer.text == "here"


@pytest.mark.parametrize("chain", ["no-such-file.pem", "README.md"])
def test_a_certificate_that_cannot_be_used_is_said(chain: str) -> None:
    """One plain sentence says what to do."""
    with pytest.raises(SettingsError, match="give PEM files"):
        Server(host="127.0.0.1", port=0, app=APP, certificate=Certificate(chain=Path(chain), key=None))
