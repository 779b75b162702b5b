"""The audit log: who did what, in a chain of digests in which one changed byte is found."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from db.records import AuditEntry
from db.schema import audit


def append(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry; its digest covers its own words and the digest before it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE audit IN EXCLUSIVE MODE")  # one chain, whoever writes
    last = connection.execute(select(audit.c.digest).order_by(audit.c.id.desc()).limit(1)).scalar()
    words = {"actor": actor, "action": action, "subject": subject, "detail": dict(detail or {})}
    digest = _digest(last or "", now, words)
    connection.execute(audit.insert().values(at=now, digest=digest, **words))


def newest(connection: Connection, limit: int) -> list[AuditEntry]:
    """The last entries, the newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def of_subject(connection: Connection, subject: str, prefix: str) -> list[AuditEntry]:
    """What was done to a subject by actions that begin with `prefix`, in order."""
    query = select(audit).where(audit.c.subject == subject, audit.c.action.startswith(prefix, autoescape=True))
    return [AuditEntry(**row) for row in connection.execute(query.order_by(audit.c.id)).mappings()]


def first_broken(connection: Connection) -> int | None:
    """The id of the first entry whose digest does not fit, or None if the chain holds."""
    before = ""
    for row in connection.execute(select(audit).order_by(audit.c.id)).mappings():
        words = {name: row[name] for name in ("actor", "action", "subject", "detail")}
        if row["digest"] != _digest(before, row["at"], words):
            return int(row["id"])
        before = row["digest"]
    return None


def _digest(before: str, at: datetime, words: Mapping[str, Any]) -> str:
    text = json.dumps([before, at.astimezone(UTC).isoformat(), words], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
