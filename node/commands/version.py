"""`cxr version`."""

import typer

from node.implementation import SOFTWARE_VERSION


def version() -> None:
    """Print the version.

    Example: cxr version
    """
    typer.echo(SOFTWARE_VERSION)
