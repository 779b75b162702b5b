"""The audit log: who did what, in a chain of digests in which one changed byte is found.

Theory of operation. An entry's digest covers its own words and the digest before it. The last digest is kept a second
time, in `audit_head`, and the next entry goes on from there: so a log that lost its end does not fit together again
when it grows. Who can write to the database can make a whole new chain; only a digest that was noted elsewhere, or
sent to a log server, finds that.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from db import upsert
from db.engine import queue_for
from db.schema import audit, audit_head

HEAD = 1
"""The number of the one row of `audit_head`."""
CHUNK = 1000
"""Entries that are in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to what; each entry's digest covers the one before it."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChain:
    """What the audit log looks like when all its digests are worked out again."""

    entries: int
    """How many there are, up to the broken one."""
    last_id: int
    """The last of them; 0 where there is none."""
    digest: str
    """Its digest; noted elsewhere, it proves later that nothing up to it was changed."""
    broken_id: int | None
    """The first entry that is not what it was, or does not follow the one before it."""
    fault: str | None
    """What is the matter, in a sentence; None if the chain holds."""


def append(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry; other writers wait until the transaction ends."""
    queue_for(connection, "audit")  # one chain, whoever writes
    before = connection.execute(select(audit_head.c.digest)).scalar() or ""
    words = {"actor": actor, "action": action, "subject": subject, "detail": dict(detail or {})}
    digest = _digest(before, now, words)
    added = connection.execute(audit.insert().values(at=now, digest=digest, **words)).inserted_primary_key
    head = {"last_id": added[0] if added else 0, "digest": digest}
    insert = upsert.insert(connection.dialect.name, audit_head)
    connection.execute(insert.values(id=HEAD, **head).on_conflict_do_update(index_elements=["id"], set_=head))


def newest(connection: Connection, limit: int) -> list[AuditEntry]:
    """The last entries, the newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def found(
    connection: Connection,
    limit: int,
    *,
    before: int | None = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> list[AuditEntry]:
    """The last entries before the one of an id, of an actor, an action and a subject if these are given."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    for column, value in ((audit.c.actor, actor), (audit.c.action, action), (audit.c.subject, subject)):
        if value is not None:
            query = query.where(column == value)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def after(connection: Connection, entry_id: int, limit: int) -> list[AuditEntry]:
    """The entries that follow the one of an id, in order."""
    query = select(audit).where(audit.c.id > entry_id).order_by(audit.c.id).limit(limit)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def of_subject(connection: Connection, subject: str, prefix: str) -> list[AuditEntry]:
    """What was done to a subject by actions that begin with `prefix`, in order."""
    query = select(audit).where(audit.c.subject == subject, audit.c.action.startswith(prefix, autoescape=True))
    return [AuditEntry(**row) for row in connection.execute(query.order_by(audit.c.id)).mappings()]


def examine(connection: Connection, noted: tuple[int, str] | None = None) -> AuditChain:
    """Work out every digest again.

    Args:
        noted: number and digest of an entry, as `AuditChain` had them before; it must still be there.
    """
    head = connection.execute(select(audit_head.c.last_id, audit_head.c.digest)).first()  # first: the log may grow
    expected = {} if noted is None else {noted[0]: noted[1]}
    if head is not None:
        expected.setdefault(head.last_id, head.digest)
    entries, last_id, before = 0, 0, ""
    query = select(audit).order_by(audit.c.id).execution_options(yield_per=CHUNK)
    with connection.execute(query) as rows:
        for row in rows.mappings():
            words = {name: row[name] for name in ("actor", "action", "subject", "detail")}
            held = row["digest"] == _digest(before, row["at"], words)
            if not held or expected.pop(row["id"], row["digest"]) != row["digest"]:
                fault = "it was changed, or what was before it is not there or not in its order"
                return AuditChain(entries=entries, last_id=last_id, digest=before, broken_id=row["id"], fault=fault)
            entries, last_id, before = entries + 1, row["id"], row["digest"]
    missing = f"entries after {last_id} are not there" if expected else None
    if entries and head is None:
        missing = "the record of the last entry is not there"
    return AuditChain(entries=entries, last_id=last_id, digest=before, broken_id=None, fault=missing)


def _digest(before: str, at: datetime, words: Mapping[str, Any]) -> str:
    text = json.dumps([before, at.astimezone(UTC).isoformat(), words], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
