"""Bring a database's schema to the one this version needs, by Alembic's revisions in `migrations/`.

Alembic is loaded where a revision is run, and nowhere else: it is a tenth of the time that a command takes which only
asks whether the schema is the right one. That is read in the revisions' files.
"""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import column, inspect, select, table

from db.engine import Connection, Database, queue_for
from db.errors import SchemaOutOfDateError, SchemaTooNewError

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).with_name("migrations")
_NAMES = re.compile(r'^(revision|down_revision)(?:: [^=]+)? = "(\w+)"$', re.MULTILINE)
_AT = table("alembic_version", column("version_num"))


def upgrade(database: Database, revision: str = "head") -> str:
    """Run the missing revisions, in one transaction. Returns the revision the schema is at.

    Where none is missing nobody is waited for, and a large database is not checked from end to end. Nodes that start
    together come here one after the other; all but the first find nothing to do.

    Raises:
        SchemaTooNewError: a newer version has made the schema.
    """
    with database.read() as connection:
        at = _revision(connection)
    if at == (revisions()[-1] if revision == "head" else revision):
        return at
    from alembic import command  # noqa: PLC0415 - seldom needed

    with database.rebuild() as connection:
        queue_for(connection, "migration")
        _require_known(_revision(connection))
        command.upgrade(_config(connection), revision)
        return _revision(connection) or "none"


def downgrade(database: Database, revision: str) -> None:
    """Undo revisions down to `revision` ("base" is an empty database)."""
    from alembic import command  # noqa: PLC0415 - seldom needed

    with database.rebuild() as connection:
        command.downgrade(_config(connection), revision)


def require_current(database: Database) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        SchemaOutOfDateError: the schema is missing, older or newer.
    """
    head = revisions()[-1]
    with database.read() as connection:
        revision = _revision(connection)
    if revision != head:
        _require_known(revision)
        found = revision or "empty"
        raise SchemaOutOfDateError(f"the database is at revision {found}, this version needs {head}: run cxr migrate")


@cache
def revisions() -> tuple[str, ...]:
    """Every revision that this version knows, the first one first: each file names the one before it."""
    after = {}
    for path in (SCRIPTS / "versions").glob("*.py"):
        names = dict(_NAMES.findall(path.read_text("utf-8")))
        after[names.get("down_revision")] = names["revision"]
    found: list[str] = []
    while (following := after.get(found[-1] if found else None)) is not None:
        found.append(following)
    return tuple(found)


def _revision(connection: Connection) -> str | None:
    """The revision the schema is at; None before the first one."""
    if not inspect(connection).has_table(_AT.name):
        return None
    return connection.execute(select(_AT.c.version_num)).scalar()


def _require_known(revision: str | None) -> None:
    known = revisions()
    if revision is not None and revision not in known:
        raise SchemaTooNewError(revision, known[-1])


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - seldom needed

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config
