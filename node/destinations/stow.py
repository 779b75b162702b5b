"""Storage over the web: objects to a destination by STOW-RS (DICOM PS3.18 section 10.5).

The objects of a study's revision go as the parts of one POST, each as the bytes of its file, and the response says for
each instance what became of it. Written over the standard library: dicomweb-client decodes and encodes every object
anew, raises the response away when an instance failed, and repeats a request by itself.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPResponse
from typing import Any

from pydicom.uid import ExplicitVRLittleEndian

from node.dicom.commitment import Request
from node.dicom.lines import IDLE_S, Lines
from node.dicom.outgoing import NO_CONTEXT, Answer, Outgoing, Render, Rendition, forms, in_form
from node.errors import UnreachableError
from node.transport import web
from node.transport.web import WebAddress

DICOM = "application/dicom"
MAX_RESPONSE_BYTES, READ_BYTES = 4 * 1024 * 1024, 256 * 1024
PROCESSING_FAILURE, OUT_OF_RESOURCES, CLASS_NOT_SUPPORTED = 0x0110, 0xA700, 0x0122
FAILED_SEQUENCE, REFERENCED_SEQUENCE = "00081198", "00081199"
REFERENCED_SOP_INSTANCE_UID, FAILURE_REASON, WARNING_REASON = "00081155", "00081197", "00081196"

LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that may be others another time; the request is repeated whole."""
REASONS = {
    401: "it wants other credentials: correct token, or user and password",
    403: "it does not let us store: correct the credentials, or allow it there",
    404: "there is no STOW-RS at this URL: correct url",
    405: "there is no STOW-RS at this URL: correct url",
    413: "the objects are too large for it",
    415: "it does not take DICOM files by STOW-RS",
}


class Stow(Lines[[Sequence[Outgoing]], "WebLine"]):
    """Sends to one destination by STOW-RS, over connections that are kept alive (see `OpenLine`)."""

    def __init__(self, *, address: WebAddress, render: Render, idle_s: float = IDLE_S) -> None:
        super().__init__(idle_s)
        self._address = address
        self._render = render

    def _open(self, _objects: Sequence[Outgoing]) -> "WebLine":
        return WebLine(self._address, self._render)


class WebLine:
    """An HTTP connection to a destination (see `node.dicom.outgoing.Line`)."""

    def __init__(self, address: WebAddress, render: Render) -> None:
        self._address = address
        self._render = render
        self._path = f"{web.root(address)}/studies"
        self._connection = web.connection(address)
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether it can still be used: a server that had enough closes, or says something without being asked."""
        return not self._closed and web.quiet(self._connection)

    def send(self, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send `objects` in one request; a report that is refused for its SOP Class goes again as the next one."""
        answers: list[Answer] = [Answer(status=NO_CONTEXT)] * len(objects)
        refused: dict[int, set[str]] = {number: set() for number in range(len(objects))}
        rest = list(refused)
        while rest:
            parts = {number: self._form(objects[number], refused[number]) for number in rest}
            said = self._store([part for part in parts.values() if not isinstance(part, Answer)])
            rest = []
            for number, part in parts.items():
                if isinstance(part, Answer):
                    answers[number] = answers[number] if refused[number] else part
                    continue
                answers[number] = Answer(status=said[part.sop_instance_uid], sent=part)
                if answers[number].status == CLASS_NOT_SUPPORTED:
                    refused[number].add(part.sop_class_uid)
                    rest.append(number)
        yield from answers

    def ask(self, request: Request) -> int:
        """STOW-RS has no request for commitment: its response is the proof."""
        return NO_CONTEXT

    def close(self) -> None:
        """Close the connection."""
        self._closed = True
        self._connection.close()

    abort = close

    def _form(self, outgoing: Outgoing, refused: set[str]) -> Outgoing | Rendition | Answer:
        """The best form that was not refused. Nothing is negotiated, so it is in the syntax that every server takes."""
        accepted = [form for form in forms(outgoing) if form[0] not in refused and form[1] == ExplicitVRLittleEndian]
        return in_form(outgoing, accepted, self._render)

    def _store(self, parts: Sequence[Outgoing | Rendition]) -> dict[str, int]:
        """The status of each instance, by its UID."""
        if not parts:
            return {}
        boundary = f"cxr-{secrets.token_hex(24)}"
        head, tail = (f"\r\n--{boundary}{end}\r\n".encode() for end in (f"\r\nContent-Type: {DICOM}\r\n", "--"))
        sizes = [part.path.stat().st_size if isinstance(part, Outgoing) else len(part.data) for part in parts]
        headers = {
            "Content-Type": f'multipart/related; type="{DICOM}"; boundary={boundary}',
            "Content-Length": str(sum(sizes) + len(sizes) * len(head) + len(tail)),
            "Accept": "application/dicom+json",
            **web.credentials(self._address),
        }
        with web.reaching(self._address):
            self._connection.request("POST", self._path, body=_body(parts, head, tail), headers=headers)
            response = self._connection.getresponse()
            content = response.read(MAX_RESPONSE_BYTES)
        if response.will_close or not response.isclosed():
            self.close()
        return self._statuses(response, content, parts)

    def _statuses(
        self, response: HTTPResponse, content: bytes, parts: Sequence[Outgoing | Rendition]
    ) -> dict[str, int]:
        statuses = said_of_each(content)
        if statuses is None and response.status in LATER:
            raise UnreachableError(f"{self._address.name} answered HTTP {response.status}", "http")
        if response.status in REASONS:
            words = f"{self._address.name} answered HTTP {response.status}: {REASONS[response.status]}"
            raise UnreachableError(words, "http")
        # What the response does not name was stored if the whole was (PS3.18 table 10.5.3-1), else it was not.
        otherwise = 0 if response.status == 200 else PROCESSING_FAILURE
        known = statuses or {}
        return {part.sop_instance_uid: known.get(part.sop_instance_uid, otherwise) for part in parts}


def said_of_each(content: bytes) -> dict[str, int] | None:
    """What a Store Instances Response says of each instance (PS3.18 I.2); None if it is no such response."""
    try:
        body = json.loads(content)
        module = body[0] if isinstance(body, list) else body
        stored = {_value(item, REFERENCED_SOP_INSTANCE_UID): item for item in _items(module, REFERENCED_SEQUENCE)}
        failed = {_value(item, REFERENCED_SOP_INSTANCE_UID): item for item in _items(module, FAILED_SEQUENCE)}
        statuses = {uid: int(_value(item, WARNING_REASON) or 0) for uid, item in stored.items()}
        return statuses | {uid: int(_value(item, FAILURE_REASON) or PROCESSING_FAILURE) for uid, item in failed.items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None


def _items(module: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    return list(module.get(tag, {}).get("Value") or ())


def _value(item: Mapping[str, Any], tag: str) -> Any:
    values = item.get(tag, {}).get("Value") or [None]
    return values[0]


def _body(parts: Sequence[Outgoing | Rendition], head: bytes, tail: bytes) -> Iterator[bytes]:
    for part in parts:
        yield head
        if isinstance(part, Rendition):
            yield part.data
            continue
        with part.path.open("rb") as file:
            while data := file.read(READ_BYTES):
                yield data
    yield tail
