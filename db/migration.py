"""Bring a database's schema to the one this version needs, by Alembic's revisions in `migrations/`."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from db.engine import Database, queue_for
from db.errors import SchemaOutOfDateError, SchemaTooNewError


def upgrade(database: Database, revision: str = "head") -> str:
    """Run the missing revisions, in one transaction. Returns the revision the schema is at.

    Nodes that start together come here one after the other; all but the first find nothing to do.

    Raises:
        SchemaTooNewError: a newer version has made the schema.
    """
    config = _config()
    with database.rebuild() as connection:
        queue_for(connection, "migration")
        found = MigrationContext.configure(connection).get_current_revision()
        _require_known(found)
        if found == revisions()[-1]:
            return found
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        return MigrationContext.configure(connection).get_current_revision() or "none"


def downgrade(database: Database, revision: str) -> None:
    """Undo revisions down to `revision` ("base" is an empty database)."""
    config = _config()
    with database.rebuild() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def require_current(database: Database) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        SchemaOutOfDateError: the schema is missing, older or newer.
    """
    head = revisions()[-1]
    with database.read() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision != head:
        _require_known(revision)
        found = revision or "empty"
        raise SchemaOutOfDateError(f"the database is at revision {found}, this version needs {head}: run cxr migrate")


@cache
def revisions() -> tuple[str, ...]:
    """Every revision that this version knows, the first one first; Alembic loads all their files for it."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())[::-1]


def _require_known(revision: str | None) -> None:
    known = revisions()
    if revision is not None and revision not in known:
        raise SchemaTooNewError(revision, known[-1])


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
