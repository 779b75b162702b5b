"""`cxr migrate`: the schema."""

import typer

from db import migration
from node.commands.options import ConfigOption, DataOption, settings_of
from node.database import open_database


def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring the database to the schema this version needs. `cxr serve` does it too.

    Example: cxr migrate --config /etc/cxr/node.toml
    """
    database = open_database(settings_of(config, data))
    typer.echo(f"The database is at revision {migration.upgrade(database)}.")
