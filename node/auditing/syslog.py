"""Syslog to the site's audit repository (DICOM PS3.15 A.6 and A.7): RFC 5424 by UDP, TCP or TLS.

Written over the standard library, whose SysLogHandler speaks RFC 3164 and drops what it cannot send. A collector
acknowledges nothing. Over a stream it is asked all the same: we close our side after a batch, and that it then closes
its own proves that it has read to the end (RFC 5425 4.4 has it answer with close_notify). UDP proves nothing.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from node.errors import UnreachableError

PRIORITY = 10 * 8 + 5
"""Facility 10, security; severity 5, notice (PS3.15 A.6)."""
MESSAGE_ID = "DICOM+RFC3881"
PAUSE_S = 0.002
"""After each datagram: without it rsyslog was seen to lose two of five in a batch."""
TIMEOUT_S = 10.0
"""To connect, and for each thing that is waited for then."""


class Collector(Protocol):
    """Takes syslog messages."""

    def send(self, messages: Sequence[bytes]) -> None:
        """Send them in order.

        Raises:
            UnreachableError: some may not have arrived.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the collector listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """As the settings have it."""
        return f"{self.host}:{self.port}"


def framed(body: bytes, at: datetime, host: str, pid: int) -> bytes:
    """A syslog message around an audit message; the BOM says that it is UTF-8 (RFC 5424 6.4)."""
    header = f"<{PRIORITY}>1 {at.isoformat(timespec='milliseconds')} {host} cxr-node {pid} {MESSAGE_ID} - "
    return header.encode("ascii", "replace") + b"\xef\xbb\xbf" + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagrams:
    """Sends each message in a datagram (RFC 5426); what is lost on the way is lost."""

    address: Address

    def send(self, messages: Sequence[bytes]) -> None:
        """Send them; of a port where nobody listens the machine there may say so."""
        try:
            found = socket.getaddrinfo(self.address.host, self.address.port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(found[0], socket.SOCK_DGRAM) as sending:
                sending.connect(found[4])
                for message in messages:
                    sending.send(message)
                    time.sleep(PAUSE_S)
        except OSError as error:
            raise _unreachable(self.address) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Sends messages over a connection of their own, each after its length (RFC 6587 3.4.1, RFC 5425 4.3).

    Args:
        tls: with this, over TLS.
        server_name: what the collector's certificate names, if that is not its host.
    """

    address: Address
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    def send(self, messages: Sequence[bytes]) -> None:
        """Send them, and wait until the collector has read them all and closes."""
        try:
            with socket.create_connection((self.address.host, self.address.port), TIMEOUT_S) as plain:
                if self.tls is None:
                    plain.sendall(_counted(messages))
                    plain.shutdown(socket.SHUT_WR)
                    _until_closed(plain)
                    return
                with self.tls.wrap_socket(plain, server_hostname=self.server_name or self.address.host) as secure:
                    secure.sendall(_counted(messages))
                    with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):  # closed, if without a word
                        secure.unwrap()
        except ssl.SSLError as error:
            said = getattr(error, "verify_message", "") or error.reason or "no answer"
            raise UnreachableError(
                f"{self.address} and we agree on no TLS ({said}); correct audit.tls", "not_trusted"
            ) from error
        except OSError as error:
            raise _unreachable(self.address) from error


def _counted(messages: Sequence[bytes]) -> bytes:
    return b"".join(b"%d %b" % (len(message), message) for message in messages)


def _until_closed(plain: socket.socket) -> None:
    """A collector has nothing to say; what it says is not listened to."""
    while plain.recv(4096):
        pass


def _unreachable(address: Address) -> UnreachableError:
    return UnreachableError(f"the audit collector {address} does not answer, or broke off; see that it runs")
