"""How far the audit log has been sent elsewhere: one note, held for a while by the process that sends.

Entries have their numbers in the order in which they were committed (`db.audit.append` queues), so that one number says
what was sent. A process that is killed between sending and noting leaves its batch to be sent again.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from db import notes
from db.engine import queue_for
from db.schema import audit, audit_head

NOTE = "audit.sending"
HELD = timedelta(minutes=2)
"""How long a process that fell silent keeps others from sending; a batch takes less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The last entry that was sent, who sends, until when that holds, and what is the matter, if anything is."""

    sent_id: int
    owner: str
    held_until: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """What has not been sent: how many entries, the time of the oldest, and why not, in a sentence."""

    entries: int
    oldest: datetime | None
    fault: str | None


def begin(connection: Connection, now: datetime) -> None:
    """Let everything be sent that is logged from now on, if nothing was asked for before."""
    queue_for(connection, NOTE)
    if _look(connection) is None:
        _write(connection, "", _last(connection), None, now - HELD)


def claim(connection: Connection, owner: str, now: datetime) -> int | None:
    """Be the one that sends. Returns the last entry that was sent; None while another process sends."""
    queue_for(connection, NOTE)
    held = _look(connection)
    if held is None or (held.owner != owner and now < datetime.fromisoformat(held.held_until) <= now + HELD):
        return None
    _write(connection, owner, held.sent_id, held.fault, now)
    return held.sent_id


def advance(connection: Connection, owner: str, sent_id: int, now: datetime, fault: str | None = None) -> bool:
    """Note how far it was sent. Returns False, and changes nothing, if another process sends by now."""
    queue_for(connection, NOTE)
    held = _look(connection)
    if held is None or held.owner != owner:
        return False
    _write(connection, owner, sent_id, fault, now)
    return True


def release(connection: Connection, owner: str, now: datetime) -> None:
    """Let another process send at once."""
    queue_for(connection, NOTE)
    held = _look(connection)
    if held is not None and held.owner == owner:
        _write(connection, "", held.sent_id, held.fault, now - HELD)


def unsent(connection: Connection) -> Unsent:
    """What waits to be sent; nothing before anything was ever sent."""
    held = _look(connection)
    if held is None:
        return Unsent(entries=0, oldest=None, fault=None)
    oldest = connection.execute(select(audit.c.at).where(audit.c.id > held.sent_id).order_by(audit.c.id).limit(1))
    return Unsent(entries=max(0, _last(connection) - held.sent_id), oldest=oldest.scalar(), fault=held.fault)


def _look(connection: Connection) -> Sending | None:
    found = notes.read(connection, NOTE)
    return None if found is None else Sending(**found.value)


def _write(connection: Connection, owner: str, sent_id: int, fault: str | None, now: datetime) -> None:
    sending = Sending(sent_id=sent_id, owner=owner, held_until=(now + HELD).isoformat(), fault=fault)
    notes.write(connection, NOTE, asdict(sending), now)


def _last(connection: Connection) -> int:
    """The number of the last entry."""
    return connection.execute(select(audit_head.c.last_id)).scalar() or 0
