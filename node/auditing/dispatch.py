"""The service that sends the audit log, put together from the settings."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime

from db import audit
from db.engine import Database
from db.errors import DatabaseError
from node.auditing.forwarder import Forwarder
from node.auditing.message import Node
from node.auditing.syslog import Address, Collector, Datagrams, Stream
from node.process.beat import Beat
from node.sections.security import AuditSettings
from node.transport.tls import client_tls

log = logging.getLogger(__name__)

EVERY_S = 2.0


class Dispatch:
    """Sends what was logged every two seconds, and says itself when the node starts and stops."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder
        self._beat = Beat("audit messages", EVERY_S, forwarder.run)

    def start(self) -> None:
        """Begin. What was logged before anything was ever sent stays here."""
        self._forwarder.begin()
        self._note("node.start")
        self._beat.start()

    def stop(self) -> None:
        """Send what there is, once, and leave the rest to the next start or to another process."""
        self._beat.stop()
        stopping = threading.Event()
        stopping.set()
        try:
            self._note("node.stop")
            self._forwarder.run(stopping)
            self._forwarder.release()
        except DatabaseError:
            log.warning("audit messages wait for the next start")

    def _note(self, action: str) -> None:
        with self._forwarder.database.write() as connection:
            node, now = self._forwarder.node, self._forwarder.now()
            audit.append(connection, actor="node", action=action, subject=node.host, now=now, detail={"pid": node.pid})


def build(settings: AuditSettings, ae_title: str, database: Database, now: Callable[[], datetime]) -> Dispatch:
    """What sends the audit log to the collector of the settings; nothing is connected yet.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    node = Node(ae_title=ae_title, host=socket.gethostname(), pid=os.getpid())
    return Dispatch(Forwarder(database=database, collector=collector_of(settings), node=node, now=now))


def collector_of(settings: AuditSettings) -> Collector:
    """Where audit messages go, and how.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    address = Address(host=settings.host, port=settings.port)
    if settings.transport == "udp":
        return Datagrams(address=address)
    if settings.tls is None:
        return Stream(address=address)
    return Stream(address=address, tls=client_tls(settings.tls, "audit"), server_name=settings.tls.server_name)
