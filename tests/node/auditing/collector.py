"""A syslog collector on loopback, at a free port: it takes RFC 5424 messages by UDP, TCP or TLS and keeps them."""

import queue
import re
import socket
import ssl
import threading
from contextlib import suppress

HOST = "127.0.0.1"
WAIT_S = 20.0


class Listening:
    """Takes messages until it is closed.

    Args:
        tls: with this, it speaks TLS.
        port: 0 takes a free one; one that was closed can be taken again.
        udp: datagrams in place of connections.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, port: int = 0, udp: bool = False) -> None:
        self._messages: queue.Queue[bytes] = queue.Queue()
        self._tls = tls
        self._udp = udp
        if udp:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((HOST, port))
        else:
            self._socket = socket.create_server((HOST, port))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._take_datagrams if udp else self._accept, daemon=True)
        self._thread.start()

    def take(self, count: int) -> list[bytes]:
        """So many messages, as they came."""
        return [self._messages.get(timeout=WAIT_S) for _ in range(count)]

    @property
    def empty(self) -> bool:
        """Whether nothing has come that was not taken."""
        return self._messages.empty()

    def close(self) -> None:
        """Take no more."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._udp:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
                waking.sendto(b"", (HOST, self.port))
        self._socket.close()
        self._thread.join()

    def _take_datagrams(self) -> None:
        with suppress(OSError):
            while message := self._socket.recv(65535):
                self._messages.put(message)

    def _accept(self) -> None:
        while True:
            try:
                plain = self._socket.accept()[0]
            except OSError:
                return
            with suppress(OSError), plain:
                self._read(plain)

    def _read(self, plain: socket.socket) -> None:
        """All messages of a connection; they count only once it has been read to its end."""
        speaking = plain if self._tls is None else self._tls.wrap_socket(plain, server_side=True)
        content = b""
        while more := speaking.recv(65536):
            content += more
        for message in unframed(content):
            self._messages.put(message)
        if isinstance(speaking, ssl.SSLSocket):
            speaking.unwrap()
            speaking.close()


def unframed(content: bytes) -> list[bytes]:
    """The messages of a stream, each after its length (RFC 6587 3.4.1)."""
    found = []
    while content:
        counted = re.match(rb"([1-9][0-9]*) ", content)
        assert counted
        end = counted.end() + int(counted[1])
        found.append(content[counted.end() : end])
        assert len(found[-1]) == int(counted[1])
        content = content[end:]
    return found
