"""`cxr version`."""

import typer

from node.commands.options import JsonOption, print_json
from node.process.floors import installed
from node.process.implementation import SOFTWARE_VERSION


def version(as_json: JsonOption = False) -> None:
    """Print the version.

    --json has those of the libraries that the node rests on, too.

    Example: cxr version
    """
    if as_json:
        print_json(installed())
    else:
        typer.echo(SOFTWARE_VERSION)
