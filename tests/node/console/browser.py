"""Asking a web server of ours over a real connection."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from starlette.types import ASGIApp

from node.console.server import Server

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


class Browser:
    """Asks the server at a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, method: str = "GET") -> Answer:
        """One request on a connection of its own."""
        connection = HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=headers, text=response.read().decode())
        finally:
            connection.close()


@contextmanager
def serving(app: ASGIApp) -> Iterator[Browser]:
    """A browser at a server that runs as long as the block."""
    server = Server(host=HOST, port=0, app=app)
    server.start()
    try:
        yield Browser(server.port)
    finally:
        server.stop()
