"""The console's web server."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from node.console.server import Server
from node.errors import SettingsError
from tests.node.console.browser import Browser

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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "hospital.example", ""])
def test_it_is_not_shown_to_other_machines(host: str) -> None:
    """One plain sentence says what to do."""
    with pytest.raises(SettingsError, match=r"use 127\.0\.0\.1"):
        Server(host=host, port=0, app=APP)
