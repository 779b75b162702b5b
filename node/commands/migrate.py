"""`cxr migrate`: the schema, forwards and, before an older version is installed, back."""

from typing import Annotated

import typer

from db import migration, processes
from db.engine import Database
from node.commands.options import ConfigOption, DataOption, confirm, settings_of
from node.database import open_database
from node.errors import SettingsError
from node.process.clock import utc_now
from node.process.heartbeat import SILENT


def migrate(
    back_to: Annotated[
        str | None,
        typer.Option("--back-to", metavar="REVISION", help="Undo what came after this one, for an older version."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Bring the database to the schema this version needs. `cxr serve` does it too.

    With --back-to it is brought to that of an older version, which says which one it needs: every row stays but those
    that the older schema has no table for. Back up first, and stop the node; then install the older version before
    anything else starts, since this one would bring the database up again.

    Example: cxr migrate --config /etc/cxr/node.toml

    Example: cxr migrate --back-to 0018 --config /etc/cxr/node.toml
    """
    database = open_database(settings_of(config, data))
    if back_to is None:
        typer.echo(f"The database is at revision {migration.upgrade(database)}.")
    else:
        _step_back(database, back_to, yes=yes)
    database.close()


def _step_back(database: Database, revision: str, *, yes: bool) -> None:
    migration.require_current(database)
    *earlier, newest = migration.revisions()
    if revision not in earlier:
        raise SettingsError(f"{revision} is no revision before {newest}; there are {', '.join(earlier)}")
    with database.read() as connection:
        alive = [each for each in processes.every(connection) if utc_now() - each.beat_at <= SILENT]
    if alive:
        raise SettingsError(
            f"{len(alive)} processes of the node are alive: stop them; a killed one counts for a minute"
        )
    confirm(f"Step the schema back from {newest} to {revision}?", yes=yes)
    migration.downgrade(database, revision)
    typer.echo(
        f"The database is at revision {revision}. Install the version that needs it before anything else starts."
    )
