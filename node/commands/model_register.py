"""`cxr models register` and `verify`: bundles on their way into the registry, and whether they are still whole."""

from pathlib import Path
from typing import Annotated

import typer

from db import models
from db.learning_records import Model
from inference import admission
from inference.errors import BundleError
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
from node.models import registration, registry
from node.process.clock import utc_now


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
    card, new = registration.register(database, folder, settings.data, by=who(by), now=utc_now())
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
    folder = settings_of(config, data).data
    with opened(config, data).read() as connection:
        found = models.every(connection)
    faults = {model.version: _fault(model, folder) for model in found}
    if as_json:
        print_json([{"version": m.version, "state": m.state, "fault": faults[m.version]} for m in found])
    else:
        rows = [(m.version, m.state, faults[m.version] or "whole") for m in found]
        print_table(["version", "state", "files"], rows, empty="No model.")
    if any(faults.values()):
        raise typer.Exit(1)


def _fault(model: Model, folder: Path) -> str | None:
    try:
        admission.prove(registry.bundle_of(model, folder))
    except BundleError as error:
        return str(error)
    return None
