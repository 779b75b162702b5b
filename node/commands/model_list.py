"""`cxr models list` and `show`: which models there are, and what each says of itself."""

from typing import Annotated

import typer

from db import audit, comparisons, migration, models
from node.commands import model_card
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.database import open_database
from node.models import registry
from node.models.starter import install_starter
from node.process.clock import utc_now

COMPARISONS = 10
"""That the node made of a candidate, the last asked for."""


def list_models(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the models and which of them reads.

    Each AUC is of the model's own test set; only `cxr models promote` sets two models beside each other.

    Example: cxr models list
    """
    settings = settings_of(config, data)
    database = open_database(settings)
    migration.upgrade(database)
    install_starter(database, settings.data, utc_now())
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


def show(
    version: Annotated[str, typer.Argument(help="As `cxr models list` shows it.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a model's card: data, results with intervals, operating points, limits; and what was done with it here.

    Example: cxr models show starter-0.3.0
    """
    with opened(config, data).read() as connection:
        model = models.get(connection, version)
        history = audit.of_subject(connection, version, "model.")
        beside = comparisons.of_candidate(connection, version, COMPARISONS)
    if as_json:
        print_json({"model": model, "history": history, "comparisons": beside})
    else:
        model_card.print_card(model, registry.card_of(model), history)
