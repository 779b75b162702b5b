"""How many connections and associations a port has room for, in all and from one address.

A connection is open before anybody knows whose it is; it takes no association's place until its request has come, and
from one address come no more connections than twice the associations that it may have. So a silent address can
neither shut out the associations of others, nor, alone, the connections.
"""

import socket
import threading
from collections import Counter
from contextlib import suppress


class Places:
    """The open connections of a port, by their numbers.

    Args:
        associations: in all, and `per_address` from one address. Twice as many may be connected.
    """

    def __init__(self, associations: int, per_address: int) -> None:
        self._associations = associations
        self._per_address = per_address
        self._lock = threading.Lock()
        self._sockets: dict[int, socket.socket] = {}
        self._connected: dict[int, str] = {}
        self._associated: dict[int, str] = {}

    @property
    def connected(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._connected)

    def connect(self, number: int, sock: socket.socket, address: str) -> bool:
        """Let a connection in; False if there are too many."""
        with self._lock:
            room = _room(self._connected, address, 2 * self._associations, 2 * self._per_address)
            if room:
                self._sockets[number], self._connected[number] = sock, address
            return room

    def replace(self, number: int, sock: socket.socket) -> None:
        """The connection goes on by another socket: that of TLS."""
        with self._lock:
            self._sockets[number] = sock

    def associate(self, number: int, address: str) -> bool:
        """Let a connection's association begin; False if there are too many."""
        with self._lock:
            room = _room(self._associated, address, self._associations, self._per_address)
            if room:
                self._associated[number] = address
            return room

    def leave(self, number: int) -> None:
        """The connection ends."""
        with self._lock:
            for each in (self._sockets, self._connected, self._associated):
                each.pop(number, None)

    def cut(self) -> None:
        """Break every connection."""
        with self._lock:
            for sock in self._sockets.values():
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


def _room(taken: dict[int, str], address: str, in_all: int, from_one: int) -> bool:
    return len(taken) < in_all and Counter(taken.values())[address] < from_one
