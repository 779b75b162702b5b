"""Sends the audit log to the site's collector, entry by entry in its order, after the acts and never in their way.

What was sent is a number in the database (`db.audit_sending`), moved on only when the collector has taken a batch. So
while it is down entries wait where they are, and after a kill a batch may come twice, never not at all.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from db import audit, audit_sending
from db.audit import AuditEntry
from db.engine import Connection, Database
from db.whose import Whose, whose
from node.auditing.message import Node, audit_message
from node.auditing.syslog import Collector, framed
from node.errors import UnreachableError

log = logging.getLogger(__name__)

BATCH = 200
MOST_STUDIES = 40
"""Of those that one entry is about, so many are named; a datagram has 64 KiB."""


@dataclass(slots=True, kw_only=True)
class Forwarder:
    """Sends what has not been sent."""

    database: Database
    collector: Collector
    node: Node
    now: Callable[[], datetime]
    _owner: str = field(default_factory=lambda: str(uuid4()))
    _fault: str | None = None

    def begin(self) -> None:
        """What is logged from now on is to be sent, if nothing ever was."""
        with self.database.write() as connection:
            audit_sending.begin(connection, self.now())

    def run(self, stopping: threading.Event) -> None:
        """Send all there is, until the collector does not answer; leave it to another process if one is at it.

        Raises:
            DatabaseError: the database does not answer; nothing is lost.
        """
        with self.database.read() as connection:
            if not audit_sending.unsent(connection).entries:
                return
        with self.database.write() as connection:
            sent_id = audit_sending.claim(connection, self._owner, self.now())
        while sent_id is not None:
            sent_id = self._batch(sent_id)
            if stopping.is_set():
                break

    def release(self) -> None:
        """Let another process send."""
        with self.database.write() as connection:
            audit_sending.release(connection, self._owner, self.now())

    def _batch(self, sent_id: int) -> int | None:
        """Send the entries after one. Returns the last that was sent; None if there is no more to do now."""
        with self.database.read() as connection:
            entries = audit.after(connection, sent_id, BATCH)
            messages = [self._message(connection, entry) for entry in entries]
        if not entries:
            return None
        fault = self._send(messages)
        last = sent_id if fault else entries[-1].id
        with self.database.write() as connection:
            mine = audit_sending.advance(connection, self._owner, last, self.now(), fault)
        return last if mine and not fault else None

    def _message(self, connection: Connection, entry: AuditEntry) -> bytes:
        body = audit_message(entry, self.node, _patients(connection, entry))
        return framed(body, entry.at, self.node.host, self.node.pid)

    def _send(self, messages: Sequence[bytes]) -> str | None:
        """What went wrong, in a sentence; each beginning and end of an outage is logged once."""
        try:
            self.collector.send(messages)
        except UnreachableError as error:
            if self._fault is None:
                log.warning("audit messages wait for their collector", extra={"fields": {"code": error.code}})
            self._fault = str(error)
            return self._fault
        if self._fault is not None:
            log.info("audit messages are sent again")
            self._fault = None
        return None


def _patients(connection: Connection, entry: AuditEntry) -> list[Whose]:
    """Whose data an entry is about; one about many files names them in its detail."""
    subjects = entry.detail.get("sop_instance_uids") or [entry.subject]
    found = dict.fromkeys(each for subject in subjects if (each := whose(connection, str(subject))) is not None)
    return list(found)[:MOST_STUDIES]
