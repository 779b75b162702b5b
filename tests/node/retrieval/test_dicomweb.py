"""QIDO-RS and WADO-RS from servers that answer in every way."""

import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest

from node.dicom.source import Found, Series, SourceError, Wanted
from node.errors import NodeError, RefusedError, SettingsError, UnreachableError
from node.file_meta import Origin
from node.intake import TOO_LARGE
from node.retrieval.dicomweb import DicomWeb
from node.transport.web import WebAddress
from tests.nodes import chest
from tests.peers.processes import HOST, free_port
from tests.peers.web import WebServer


class Web:
    """A server that gives one answer to everything; `cut` says how many bytes of it are missing."""

    def __init__(self) -> None:
        self.status, self.body, self.content_type, self.cut = 200, b"[]", "application/dicom+json", 0
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.headers.append(dict(self.headers))
                self.send_response(outer.status)
                self.send_header("Content-Type", outer.content_type)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body[: len(outer.body) - outer.cut])
                self.close_connection = outer.cut > 0

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = WebServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}/dicom-web/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def holds(self, *files: bytes) -> None:
        """Answer with these files."""
        self.content_type = 'multipart/related; type="application/dicom"; boundary=bb'
        self.body = b"".join(b"\r\n--bb\r\nContent-Type: application/dicom\r\n\r\n" + file for file in files)
        self.body += b"\r\n--bb--"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    """A server that has nothing."""
    server = Web()
    yield server
    server.stop()


@pytest.fixture
def source(web: Web) -> Iterator[DicomWeb]:
    """It as a source."""
    address = WebAddress(name="vna", url=web.url, timeout_s=30, authorization="Bearer secret")
    found = DicomWeb(address=address, max_instances=3)
    yield found
    found.close()


def file_of() -> bytes:
    """A small image as a DICOM file."""
    buffer = BytesIO()
    chest().save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


class Taken:
    """Takes objects in, or refuses them."""

    def __init__(self, refusal: RefusedError | None = None) -> None:
        self.objects: list[bytes] = []
        self._refusal = refusal

    def __call__(self, fragments: Iterable[bytes], _origin: Origin) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.objects.append(b"".join(fragments))


def test_question_and_answer(web: Web, source: DicomWeb):
    """The question is escaped, says who we are, and its answer is read."""
    study = {"0020000D": {"vr": "UI", "Value": ["2.25.1"]}, "00080050": {"vr": "SH", "Value": ["A&B=1"]}}
    web.body = json.dumps([study | {"00080061": {"vr": "CS", "Value": ["DX", "SR"]}}, {"0020000D": 3}]).encode()

    with source.line() as line:
        found = line.studies(Wanted(accession_number="A&B=1"))

    assert found[0] == Found(study_instance_uid="2.25.1", accession_number="A&B=1", modalities=frozenset({"DX", "SR"}))
    assert found[1] == Found(study_instance_uid="")
    assert urlsplit(web.asked[0]).path == "/dicom-web/studies"
    assert parse_qs(urlsplit(web.asked[0]).query)["AccessionNumber"] == ["A&B=1"]
    assert web.headers[0]["Authorization"] == "Bearer secret"


def test_series(web: Web, source: DicomWeb):
    """A number that is none is not known."""
    web.body = json.dumps(
        [{"0020000E": {"Value": ["2.25.2"]}, "00080060": {"Value": ["DX"]}, "00201209": {"Value": ["many"]}}]
    ).encode()

    with source.line() as line:
        assert line.series("2.25.1") == [Series(series_instance_uid="2.25.2", modality="DX")]


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[1]", b"[" * 100_000, b"\xff"])
def test_answer_that_is_none(web: Web, source: DicomWeb, body: bytes):
    """A page, or anything else, is said to be no answer."""
    web.body = body

    with pytest.raises(SourceError, match="no DICOM JSON"), source.line() as line:
        line.studies(Wanted(accession_number="A1"))


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SettingsError, "vna answered HTTP 401: it wants other credentials: correct token, or user and password"),
        (404, SettingsError, "vna answered HTTP 404: there is no QIDO-RS at this URL: correct url"),
        (400, SourceError, "vna answered HTTP 400"),
        (503, UnreachableError, "vna answered HTTP 503"),
    ],
)
def test_refused_question_says_what_to_do(web: Web, source: DicomWeb, status: int, error: type[NodeError], words: str):
    """What no repetition mends ends the pull; the rest costs a study, or the line."""
    web.status = status

    with pytest.raises(error) as raised, source.line() as line:
        line.studies(Wanted(accession_number="A1"))

    assert str(raised.value) == words


def test_objects_come_as_they_are(web: Web, source: DicomWeb):
    """Data sets go on as the bytes that were sent; a part that is no DICOM is counted."""
    first, second = file_of(), file_of()
    web.holds(first, b"no DICOM", second)
    taken = Taken()

    with source.line() as line:
        fetched = line.fetch("2.25.1", ["2.25.2"], taken)

    assert [first.endswith(taken.objects[0]), second.endswith(taken.objects[1])] == [True, True]
    assert len(taken.objects[0]) > 128 * 96
    assert (fetched.taken, dict(fetched.refused)) == (2, {"it is not DICOM": 1})


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_response_that_breaks_off(web: Web, source: DicomWeb, cut: int):
    """An answer that ends early is not taken for a whole one."""
    web.holds(file_of())
    web.cut = cut

    with pytest.raises((SourceError, UnreachableError)), source.line() as line:
        line.fetch("2.25.1", ["2.25.2"], Taken())


def test_too_much_is_left(web: Web, source: DicomWeb):
    """Too many objects, or one that is too large, and the server is left."""
    web.holds(*[file_of()] * 4)

    with pytest.raises(SourceError, match="max_instances"), source.line() as line:
        line.fetch("2.25.1", ["2.25.2"], Taken())
    with pytest.raises(SourceError, match=r"dicom\.max_instance_mb"), source.line() as line:
        line.fetch("2.25.1", ["2.25.2"], Taken(RefusedError(0xA700, TOO_LARGE)))


def test_disk_that_fails_is_not_the_servers_fault(web: Web, source: DicomWeb):
    """An error of our own passes as what it is."""
    web.holds(file_of())

    def full(_fragments: Iterable[bytes], _origin: Origin) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"), source.line() as line:
        line.fetch("2.25.1", ["2.25.2"], full)


def test_server_that_is_down():
    """There is no line to it."""
    down = DicomWeb(
        address=WebAddress(name="vna", url=f"http://{HOST}:{free_port()}/dicom-web", timeout_s=5), max_instances=3
    )

    with pytest.raises(UnreachableError, match="vna does not answer"), down.line():
        pass
