"""Whether a process can do its work now: what an orchestrator asks before it sends any."""

import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from db import migration
from db.engine import Database
from db.errors import DatabaseError, SchemaOutOfDateError

Check = Callable[[], str | None]
"""Returns what is the matter, in a sentence without names; None if nothing is."""

CONNECT_S = 2.0


def database_answers(database: Database) -> Check:
    """It answers, and has the tables of this version."""

    def check() -> str | None:
        try:
            migration.require_current(database)
        except SchemaOutOfDateError:
            return "the schema is of another version; run cxr migrate"
        except DatabaseError:
            return "the database does not answer"
        return None

    return check


def disk_has_room(data: Path, min_free_bytes: int) -> Check:
    """There is more room than the floor below which nothing is received."""

    def check() -> str | None:
        try:
            free = shutil.disk_usage(data).free
        except OSError:
            return "the data folder cannot be reached"
        return None if free >= min_free_bytes else "the disk is below min_free_mb"

    return check


def broker_is_reached(url: str) -> Check:
    """Its port takes a connection."""
    parts = urlsplit(url)

    def check() -> str | None:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 6379), CONNECT_S).close()
        except OSError:
            return "the broker cannot be reached"
        return None

    return check


def ask(checks: Mapping[str, Check]) -> dict[str, str]:
    """Every check and `ok`, or what is the matter."""
    return {name: check() or "ok" for name, check in checks.items()}
