"""STOW-RS to servers that answer in every way."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, ExplicitVRLittleEndian

from node.destinations.outbound import RENDER
from node.destinations.stow import Stow, said_of_each
from node.dicom.outgoing import Answer, Outgoing
from node.errors import UnreachableError
from node.transport.web import WebAddress
from tests.peers.processes import HOST, free_port
from tests.peers.web import WebServer


class Web:
    """A server that answers each POST by a function of the parts it got; `statuses` are of instances by UID."""

    def __init__(self) -> None:
        self.requests: list[dict[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.connections: set[int] = set()
        self.http_status = 200
        self.body: Callable[[dict[str, bytes]], bytes] = lambda _parts: b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                parts = parted(data, self.headers["Content-Type"].rpartition("boundary=")[2].encode())
                outer.requests.append(parts)
                outer.headers.append(dict(self.headers))
                outer.connections.add(self.client_address[1])
                body = outer.body(parts)
                self.send_response(outer.http_status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = WebServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}/dicom-web"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def parted(data: bytes, boundary: bytes) -> dict[str, bytes]:
    """The files of a multipart body, by SOP Instance UID."""
    found = {}
    for part in data.split(b"--" + boundary)[1:-1]:
        head, _, file = part.partition(b"\r\n\r\n")
        assert head.strip() == b"Content-Type: application/dicom"
        content = file.removesuffix(b"\r\n")
        uid = "2.25.102" if b"2.25.102" in content else "2.25.101" if b"2.25.101" in content else "other"
        found[uid] = content
    return found


def response(failed: dict[str, int], stored: dict[str, int]) -> bytes:
    """A Store Instances Response: failure reasons and warnings by UID."""

    def item(uid: str, tag: str, reason: int) -> dict[str, Any]:
        named = {"00081155": {"vr": "UI", "Value": [uid]}}
        return named | ({tag: {"vr": "US", "Value": [reason]}} if reason else {})

    body: dict[str, Any] = {}
    if failed:
        body["00081198"] = {"vr": "SQ", "Value": [item(uid, "00081197", each) for uid, each in failed.items()]}
    if stored:
        body["00081199"] = {"vr": "SQ", "Value": [item(uid, "00081196", each) for uid, each in stored.items()]}
    return json.dumps(body).encode()


@pytest.fixture
def web() -> Iterator[Web]:
    """A DICOMweb server that is none."""
    server = Web()
    yield server
    server.stop()


@pytest.fixture
def objects(tmp_path: Path) -> list[Outgoing]:
    """Two reports in the store."""
    return [written(tmp_path, number) for number in (101, 102)]


def written(folder: Path, number: int) -> Outgoing:
    """A report in the store."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = Comprehensive3DSRStorage, f"2.25.{number}"
    path = folder / f"{number}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return Outgoing(
        path=path,
        sop_class_uid=str(Comprehensive3DSRStorage),
        sop_instance_uid=f"2.25.{number}",
        transfer_syntax_uid=str(ExplicitVRLittleEndian),
    )


def send(url: str, objects: list[Outgoing], **more: Any) -> list[Answer]:
    """Over one line."""
    sender = Stow(address=WebAddress(name="web", url=url, timeout_s=30, **more), render=RENDER)
    try:
        with sender.line(objects) as line:
            return list(line.send(objects))
    finally:
        sender.close()


def test_files_go_as_they_are_in_one_request(web: Web, objects: list[Outgoing]):
    """Each object is a part of one POST, byte for byte; the credentials go along."""
    answers = send(web.url, objects, authorization="Bearer abc")

    assert [answer.status for answer in answers] == [0, 0]
    (parts,) = web.requests
    assert parts == {each.sop_instance_uid: each.path.read_bytes() for each in objects}
    assert web.headers[0]["Authorization"] == "Bearer abc"


def test_studies_share_a_connection(web: Web, objects: list[Outgoing]):
    """What comes next takes the connection that is open."""
    sender = Stow(address=WebAddress(name="web", url=web.url), render=RENDER)
    for each in objects:
        with sender.line([each]) as line:
            assert [answer.status for answer in line.send([each])] == [0]
    sender.close()

    assert len(web.connections) == 1


@pytest.mark.parametrize(
    ("http_status", "failed", "stored", "expected"),
    [
        (202, {"2.25.102": 0xA700}, {"2.25.101": 0}, [0, 0xA700]),
        (202, {"2.25.102": 0xC000}, {"2.25.101": 0xB000}, [0xB000, 0xC000]),
        (409, {"2.25.101": 0x0110, "2.25.102": 0x0124}, {}, [0x0110, 0x0124]),
        (202, {}, {"2.25.101": 0}, [0, 0x0110]),
    ],
)
def test_each_instance_has_its_own_answer(
    http_status: int,
    failed: dict[str, int],
    stored: dict[str, int],
    expected: list[int],
    web: Web,
    objects: list[Outgoing],
):
    """The response is read instance by instance; one that is not named in a partial success was not stored."""
    web.http_status, web.body = http_status, lambda _parts: response(failed, stored)

    assert [answer.status for answer in send(web.url, objects)] == expected


def test_report_whose_class_is_refused_goes_as_an_older_one(web: Web, objects: list[Outgoing]):
    """Without negotiation the refusal decides; what was stored is not sent again."""

    def body(parts: dict[str, bytes]) -> bytes:
        return response({"2.25.101": 0x0122}, {"2.25.102": 0}) if "2.25.102" in parts else b""

    web.body = body

    answers = send(web.url, objects)

    assert [answer.status for answer in answers] == [0, 0]
    assert answers[0].sent is not None
    assert answers[0].sent.sop_class_uid == ComprehensiveSRStorage
    assert [sorted(parts) for parts in web.requests] == [["2.25.101", "2.25.102"], ["other"]]


@pytest.mark.parametrize(
    ("http_status", "words"),
    [(401, "correct token"), (404, "correct url"), (503, "answered HTTP 503"), (500, "answered HTTP 500")],
)
def test_server_that_does_not_take_the_request(http_status: int, words: str, web: Web, objects: list[Outgoing]):
    """What concerns the whole request is no answer to an object: it is tried again, and says what to do."""
    web.http_status, web.body = http_status, lambda _parts: b"<html>no</html>"

    with pytest.raises(UnreachableError, match=words) as raised:
        send(web.url, objects)

    assert raised.value.code == "http"


def test_server_that_is_down(objects: list[Outgoing]):
    """A closed port is unreachable."""
    with pytest.raises(UnreachableError, match="web does not answer"):
        send(f"http://{HOST}:{free_port()}/dicom-web", objects)


@pytest.mark.parametrize("content", [b"", b"<xml/>", b"[]", b"7", b'{"00081198": 7}', b'{"00081199": {"Value": [7]}}'])
def test_what_is_no_response_says_nothing(content: bytes):
    """A body of another kind, and a malformed one, is not read as success or failure of an instance."""
    assert said_of_each(content) is None
