"""Connections to DICOMweb services (DICOM PS3.18): where one is, who we are there, and why it cannot be reached."""

import select
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from node.errors import UnreachableError


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """A DICOMweb service; `url` is its root, to which `/studies` is added. `authorization` is the header's value."""

    name: str
    url: str
    timeout_s: float = 30.0
    tls: ssl.SSLContext | None = None
    authorization: str | None = None


def root(address: WebAddress) -> str:
    """The path of the service, without a slash at its end."""
    return urlsplit(address.url).path.rstrip("/")


def connection(address: WebAddress) -> HTTPConnection:
    """A connection to it that is not opened yet."""
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=address.timeout_s, context=address.tls)
    return HTTPConnection(host, parts.port, timeout=address.timeout_s)


def quiet(open_connection: HTTPConnection) -> bool:
    """Whether it can be used: a server that had enough closes, or says something without being asked."""
    if open_connection.sock is None:
        return True
    listening = select.poll()
    listening.register(open_connection.sock, select.POLLIN)
    return not listening.poll(0)


def credentials(address: WebAddress) -> dict[str, str]:
    """The header that says who we are."""
    return {} if address.authorization is None else {"Authorization": address.authorization}


@contextmanager
def reaching(address: WebAddress) -> Iterator[None]:
    """Around what is sent and received: a connection that fails is an `UnreachableError` that says why."""
    try:
        yield
    except ssl.SSLError as error:
        said = getattr(error, "verify_message", "") or error.reason or "no answer"
        words = f"{address.name} and we agree on no TLS ({said}): correct tls.ca, tls.certificate or tls.key"
        raise UnreachableError(words, "not_trusted") from error
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"{address.name} does not answer, or broke off") from error
