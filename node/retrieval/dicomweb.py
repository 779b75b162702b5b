"""An archive over the web: QIDO-RS to ask, WADO-RS to fetch (DICOM PS3.18 sections 10.6 and 10.4).

A response with objects is read part by part into the intake, never as a whole. The objects are asked for in the
transfer syntax that they are stored in.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from http.client import HTTPResponse
from io import BytesIO
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from node.collection import part10
from node.collection.part10 import NotTakenError
from node.dicom.lines import IDLE_S, Lines
from node.dicom.source import (
    MAX_MATCHES,
    TOO_LARGE_OBJECT,
    TOO_MANY_INSTANCES,
    TOO_MANY_MATCHES,
    Fetched,
    Found,
    Series,
    SourceError,
    Take,
    Wanted,
)
from node.errors import NodeError, RefusedError, SettingsError, UnreachableError
from node.intake import TOO_LARGE
from node.retrieval import multipart
from node.transport import web
from node.transport.web import WebAddress

JSON, DICOM_JSON = "application/json", "application/dicom+json"
ALL_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
MAX_ANSWER_BYTES = 8 * 1024 * 1024
HEAD_BYTES = 64 * 1024
STUDY_UID, SERIES_UID, ACCESSION_NUMBER = "0020000D", "0020000E", "00080050"
MODALITIES, MODALITY, SERIES_INSTANCES = "00080061", "00080060", "00201209"
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
REASONS = {
    401: "it wants other credentials: correct token, or user and password",
    403: "it does not let us read: correct the credentials, or allow it there",
    404: "there is no QIDO-RS at this URL: correct url",
    406: "it does not give DICOM files by WADO-RS",
}


class DicomWeb(Lines[[], "WebSourceLine"]):
    """Asks one DICOMweb service, over connections that are kept alive (see `node.dicom.source.Source`)."""

    def __init__(self, *, address: WebAddress, max_instances: int, idle_s: float = IDLE_S) -> None:
        super().__init__(idle_s)
        self._address = address
        self._max_instances = max_instances

    def _open(self) -> "WebSourceLine":
        line = WebSourceLine(self._address, self._max_instances)
        line.open()
        return line


class WebSourceLine:
    """An HTTP connection to a source (see `SourceLine`)."""

    def __init__(self, address: WebAddress, max_instances: int) -> None:
        self._address = address
        self._max_instances = max_instances
        self._root = f"{web.root(address)}/studies"
        self._connection = web.connection(address)
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether it can still be used."""
        return not self._closed and web.quiet(self._connection)

    def open(self) -> None:
        """Connect.

        Raises:
            UnreachableError: the service cannot be reached.
        """
        with web.reaching(self._address):
            self._connection.connect()

    def studies(self, wanted: Wanted) -> list[Found]:
        """QIDO-RS for studies."""
        key, value = ("StudyInstanceUID", wanted.study_instance_uid)
        if not value:
            key, value = ("AccessionNumber", wanted.accession_number)
        query = urlencode({key: value, "includefield": MODALITIES, "limit": MAX_MATCHES})
        return [
            Found(
                study_instance_uid=_value(match, STUDY_UID),
                accession_number=_value(match, ACCESSION_NUMBER),
                modalities=frozenset(_values(match, MODALITIES)),
            )
            for match in self._asked(f"{self._root}?{query}")
        ]

    def series(self, study_instance_uid: str) -> list[Series]:
        """QIDO-RS for the series of a study."""
        query = urlencode({"includefield": SERIES_INSTANCES, "limit": MAX_MATCHES})
        found = []
        for match in self._asked(f"{self._root}/{study_instance_uid}/series?{query}"):
            number = _value(match, SERIES_INSTANCES)
            found.append(
                Series(
                    series_instance_uid=_value(match, SERIES_UID),
                    modality=_value(match, MODALITY),
                    instances=int(number) if number.isdecimal() else None,
                )
            )
        return found

    def fetch(self, study_instance_uid: str, series_instance_uids: Sequence[str], take: Take) -> Fetched:
        """WADO-RS, a series after the other."""
        fetched = Fetched()
        for uid in series_instance_uids:
            path = f"{self._root}/{study_instance_uid}/series/{uid}"
            response = self._get(path, ALL_AS_STORED)
            if response.status not in (200, 206):
                raise self._refused(response, response.status != 404)
            try:
                boundary = multipart.boundary_of(response.headers.get("Content-Type", ""))
                for part in multipart.Parts(partial(self._read, response), boundary):
                    self._take(part, take, fetched)
            except SourceError as error:
                raise SourceError(f"{self._address.name}: {error}") from error
            self._done(response)
        return fetched

    def close(self) -> None:
        """Close the connection."""
        self._closed = True
        self._connection.close()

    abort = close

    def _take(self, part: Iterator[bytes], take: Take, fetched: Fetched) -> None:
        if fetched.taken + fetched.refused.total() >= self._max_instances:
            raise SourceError(TOO_MANY_INSTANCES)
        head = bytearray()
        for fragment in part:
            head += fragment
            if len(head) >= HEAD_BYTES:
                break
        try:
            origin, offset = part10.look(BytesIO(head), calling_ae=self._address.name[:16], calling_address="")
            take(chain([bytes(head[offset:])], part), origin)
        except NotTakenError as error:
            fetched.refused[str(error)] += 1
        except RefusedError as error:
            if error.comment == TOO_LARGE:  # nobody knows how much more is to come
                raise SourceError(TOO_LARGE_OBJECT) from error
            fetched.refused[error.comment] += 1
        else:
            fetched.taken += 1

    def _asked(self, path: str) -> list[Mapping[str, Any]]:
        """The matches of a question."""
        response = self._get(path, f"{DICOM_JSON}, {JSON};q=0.5")
        with web.reaching(self._address):
            content = response.read(MAX_ANSWER_BYTES)
        if response.status not in (200, 204):
            raise self._refused(response, for_good=True)
        self._done(response)
        try:
            matches = json.loads(content or b"[]")
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{self._address.name} answers a question with what is no DICOM JSON") from error
        if not isinstance(matches, list) or not all(isinstance(match, dict) for match in matches):
            raise SourceError(f"{self._address.name} answers a question with what is no DICOM JSON")
        if len(matches) > MAX_MATCHES:
            raise SourceError(f"{self._address.name}: {TOO_MANY_MATCHES}")
        return matches

    def _get(self, path: str, accept: str) -> HTTPResponse:
        with web.reaching(self._address):
            self._connection.request("GET", path, headers={"Accept": accept, **web.credentials(self._address)})
            return self._connection.getresponse()

    def _done(self, response: HTTPResponse) -> None:
        """A response was read; a connection that holds more of it, or ends with it, is of no more use."""
        if not response.isclosed():
            with web.reaching(self._address):
                response.read(MAX_ANSWER_BYTES)
        if response.will_close or not response.isclosed():
            self._closed = True
            self._connection.close()
            self._connection = web.connection(self._address)
            self._closed = False

    def _read(self, response: HTTPResponse, number: int) -> bytes:
        with web.reaching(self._address):
            return response.read1(number)

    def _refused(self, response: HTTPResponse, for_good: bool) -> NodeError:
        """Why there is no answer; `for_good` if the next question would have none either."""
        said = f"{self._address.name} answered HTTP {response.status}"
        if response.status in LATER:
            return UnreachableError(said, "http")
        reason = REASONS.get(response.status) if for_good else None
        return SettingsError(f"{said}: {reason}") if reason else SourceError(said)


def _values(match: Mapping[str, Any], tag: str) -> Iterable[str]:
    """The values of an attribute in the DICOM JSON model (PS3.18 F.2); none where it is something else."""
    attribute = match.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return [str(value).strip() for value in values if value is not None] if isinstance(values, list) else []


def _value(match: Mapping[str, Any], tag: str) -> str:
    return next(iter(_values(match, tag)), "")
