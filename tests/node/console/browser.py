"""Asking a web server of ours over a real connection."""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import urlencode

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

    @property
    def form_token(self) -> str:
        """What the page's form has to bring back."""
        found = re.search(r'name="form_token" value="([^"]*)"', self.text)
        assert found
        return unescape(found[1])


class Browser:
    """Asks the server at a port, keeps cookies, and follows nothing by itself."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self._tls = tls

    def get(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        return self._ask(method, path, dict(headers or {}), None)

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Send a form as a browser would that stands on a page of the same server."""
        scheme = "http" if self._tls is None else "https"
        own = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{scheme}://{HOST}:{self.port}"}
        return self._ask("POST", path, own | dict(headers or {}), urlencode(form))

    def send(self, path: str, method: str, headers: Mapping[str, str], body: str) -> Answer:
        """Send JSON, as a program would."""
        return self._ask(method, path, {"Content-Type": "application/json"} | dict(headers), body)

    def log_in(self, name: str, password: str) -> Answer:
        """Fill the login's form in."""
        token = self.get("/login").form_token
        return self.post("/login", {"name": name, "password": password, "form_token": token})

    @contextmanager
    def streaming(self, path: str) -> Iterator[HTTPResponse]:
        """An answer that is read as it comes."""
        connection = self._connection()
        try:
            connection.request("GET", path, headers=self._with_cookies({}))
            yield connection.getresponse()
        finally:
            connection.close()

    def _keep(self, morsel: Morsel[str]) -> None:
        """Until it is taken back."""
        if morsel["max-age"] == "0":
            self.cookies.pop(morsel.key, None)
        else:
            self.cookies[morsel.key] = morsel.value

    def _with_cookies(self, headers: dict[str, str]) -> dict[str, str]:
        words = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers | {"Cookie": words} if words else headers

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str | None) -> Answer:
        connection = self._connection()
        try:
            connection.request(method, path, body, self._with_cookies(headers))
            response = connection.getresponse()
            for each in response.headers.get_all("Set-Cookie", []):
                for morsel in SimpleCookie(each).values():
                    self._keep(morsel)
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=received, text=response.read().decode())
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(HOST, self.port, timeout=20)
        return HTTPSConnection(HOST, self.port, timeout=20, context=self._tls)


@contextmanager
def serving(app: ASGIApp) -> Iterator[Browser]:
    """A browser at a server that runs as long as the block."""
    server = Server(host=HOST, port=0, app=app)
    server.start()
    try:
        yield Browser(server.port)
    finally:
        server.stop()
