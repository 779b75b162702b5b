"""The console's web server."""

import shutil
import socket
import ssl
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from node.console.arrival import MOST_BYTES, Bounded
from node.console.server import Server
from node.transport.tls import Files, ServerTls
from tests.node.console.browser import HOST, Browser
from tests.peers.certificates import Certificates, made_in


async def length(request: Request) -> Response:
    """How much came."""
    return PlainTextResponse(str(len(await request.body())))


APP = Starlette(
    routes=[Route("/", lambda _: PlainTextResponse("here")), Route("/length", length, methods=["POST"])],
    middleware=[Middleware(Bounded)],
)


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


def test_it_takes_a_renewed_certificate_without_a_restart(certificates: Certificates, tmp_path: Path) -> None:
    """The next connection has it, and who trusts the old authority alone is not let on."""
    files = Files(certificate=tmp_path / "console.pem", key=tmp_path / "console.key")
    shutil.copy(certificates.server, files.certificate)
    shutil.copy(certificates.server_key, str(files.key))
    server = Server(host=HOST, port=0, app=APP, tls=ServerTls(files, "console").context)
    server.start()
    old = Browser(server.port, ssl.create_default_context(cafile=certificates.authority))
    before = old.get("/").text
    (tmp_path / "renewed").mkdir()
    renewed = made_in(tmp_path / "renewed")
    renewed.server_key.replace(str(files.key))
    renewed.server.replace(files.certificate)

    after = Browser(server.port, ssl.create_default_context(cafile=renewed.authority)).get("/").text
    with pytest.raises(ssl.SSLCertVerificationError):
        old.get("/")
    server.stop()

    assert (before, after) == ("here", "here")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ",
        b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo",
    ],
    ids=["nothing", "headers", "body", "the second request"],
)
def test_a_request_that_does_not_end_loses_its_connection(begun: bytes) -> None:
    """Wherever it stops; a whole one is answered meanwhile."""
    server = Server(host=HOST, port=0, app=APP, deadline_s=0.3)
    server.start()
    with socket.create_connection((HOST, server.port), timeout=20) as connection:
        connection.sendall(begun)
        answer = Browser(server.port).get("/").text
        ended = _until_closed(connection)
    server.stop()

    assert answer == "here"
    assert ended.count(b"here") == begun.count(b"\r\n\r\nGET")


def _until_closed(connection: socket.socket) -> bytes:
    """What is said before the server hangs up."""
    said = b""
    try:
        while more := connection.recv(4096):
            said += more
    except ConnectionResetError:
        pass
    return said


@pytest.mark.parametrize(("bytes_sent", "status"), [(0, 200), (MOST_BYTES, 200), (MOST_BYTES + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_has_an_end(bytes_sent: int, status: int, chunked: bool) -> None:
    """By the length it names, or by what comes."""
    server = Server(host=HOST, port=0, app=APP)
    server.start()
    body = b"x" * bytes_sent
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    with socket.create_connection((HOST, server.port), timeout=20) as connection:
        connection.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % how)
        connection.sendall(framed if chunked else body)
        said = _until_closed(connection)
    server.stop()

    assert int(said.split(b" ")[1]) == status
