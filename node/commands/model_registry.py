"""`cxr models list`, `show`, `register` and `verify`: which models there are, and what each says of itself."""

from pathlib import Path
from typing import Annotated

import typer

from db import audit, migration, models
from db.records import Model
from inference import admission
from inference.errors import BundleError
from node import registry
from node.commands import model_card
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    opened,
    print_json,
    print_table,
    settings_of,
    who,
)
from node.database import open_database
from node.starter import install_starter
from node.wiring import utc_now


def list_models(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the models and which of them reads.

    Each AUC is of the model's own test set; only `cxr models promote` sets two models beside each other.

    Example: cxr models list
    """
    settings = settings_of(config, data)
    database = open_database(settings)
    migration.upgrade(database)
    install_starter(database, settings.data / "models", utc_now())
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

    Example: cxr models show starter-0.1.1
    """
    with opened(config, data).read() as connection:
        model = models.get(connection, version)
        history = audit.of_subject(connection, version, "model.")
    if as_json:
        print_json({"model": model, "history": history})
    else:
        model_card.print_card(model, registry.card_of(model), history)


def register(
    folder: Annotated[Path, typer.Argument(help="A bundle as training writes it.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a bundle into the data folder, check it and enter it as a candidate; it reads nothing until it is promoted.

    Hashes, file types, opset and findings are checked, and the graph has to read an image. A model that is registered
    already stays; if its files were damaged, they are put right.

    Example: cxr models register runs/spring/bundle
    """
    database = opened(config, data)
    settings = settings_of(config, data)
    card, new = registry.register(database, folder, settings.data / "models", by=who(by), now=utc_now())
    if as_json:
        print_json({"version": card.version, "new": new})
    elif new:
        typer.echo(f"{card.version} is a candidate. Next: cxr models promote {card.version} --snapshot DIR")
    else:
        typer.echo(f"{card.version} is registered already, and its files are whole.")


def verify(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check the files of every registered model against their hashes and the registered cards.

    The exit code is 1 if one is broken. To mend it, register the same bundle again from where it came.

    Example: cxr models verify
    """
    with opened(config, data).read() as connection:
        found = models.every(connection)
    faults = {model.version: _fault(model) for model in found}
    if as_json:
        print_json([{"version": m.version, "state": m.state, "fault": faults[m.version]} for m in found])
    else:
        rows = [(m.version, m.state, faults[m.version] or "whole") for m in found]
        print_table(["version", "state", "files"], rows, empty="No model.")
    if any(faults.values()):
        raise typer.Exit(1)


def _fault(model: Model) -> str | None:
    try:
        admission.prove(registry.bundle_of(model))
    except BundleError as error:
        return str(error)
    return None
