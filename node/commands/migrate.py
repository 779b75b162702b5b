"""`cxr migrate`: the schema."""

import typer

from db import migration
from node import wiring
from node.commands.options import ConfigOption, DataOption, settings_of


def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring the database to the schema this version needs. `cxr serve` does it too.

    Example: cxr migrate --config /etc/cxr/node.toml
    """
    database = wiring.open_database(settings_of(config, data))
    typer.echo(f"The database is at revision {migration.upgrade(database)}.")
