"""`cxr models`: the registry."""

from datetime import UTC, datetime

import typer

from db import migration, models
from node.commands.options import ConfigOption, DataOption, JsonOption, print_json, print_table, settings_of
from node.database import open_database
from node.starter import install_starter

models_app = typer.Typer(no_args_is_help=True, help="The models this node knows.")


@models_app.command("list")
def list_models(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the models and which of them reads.

    Example: cxr models list
    """
    settings = settings_of(config, data)
    database = open_database(settings)
    migration.upgrade(database)
    install_starter(database, settings.data / "models", datetime.now(UTC))
    with database.read() as connection:
        found = models.every(connection)
    if as_json:
        print_json(found)
        return
    print_table(
        ["version", "name", "state", "mean AUC", "promoted", "by"],
        [
            (m.version, m.name, m.state, f"{m.card['metrics']['mean_auc']:.3f}", m.promoted_at, m.promoted_by)
            for m in found
        ],
        empty="No model.",
    )
