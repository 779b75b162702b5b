"""The snapshots that were made here."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from db import upsert
from db.learning_records import RegisteredSnapshot
from db.schema import snapshot
from db.vocabulary import Split


def register(
    connection: Connection,
    *,
    sha256: str,
    folder: str,
    created_at: datetime,
    findings: tuple[str, ...],
    images: Mapping[Split, int],
    about: Mapping[str, str],
) -> None:
    """Enter a snapshot that is on disk; one that is entered stays as it is."""
    insert = upsert.insert(connection.dialect.name, snapshot)
    values = {
        "sha256": sha256,
        "folder": folder,
        "created_at": created_at,
        "findings": list(findings),
        "images": {str(split): images.get(split, 0) for split in Split},
        "about": dict(about),
    }
    connection.execute(insert.values(values).on_conflict_do_nothing(index_elements=[snapshot.c.sha256]))


def newest(connection: Connection, limit: int | None = None) -> list[RegisteredSnapshot]:
    """Snapshots, the last made first."""
    query = select(snapshot).order_by(snapshot.c.created_at.desc(), snapshot.c.id.desc()).limit(limit)
    return [_snapshot(row) for row in connection.execute(query).mappings()]


def beginning_with(connection: Connection, sha256: str) -> list[RegisteredSnapshot]:
    """The snapshots whose SHA-256 begins so."""
    query = select(snapshot).where(snapshot.c.sha256.startswith(sha256, autoescape=True)).order_by(snapshot.c.id)
    return [_snapshot(row) for row in connection.execute(query).mappings()]


def _snapshot(row: RowMapping) -> RegisteredSnapshot:
    images = {Split(name): number for name, number in row["images"].items()}
    return RegisteredSnapshot(**{**row, "findings": tuple(row["findings"]), "images": images})
