"""`cxr conformance`: what the node conforms to."""

from pathlib import Path
from typing import Annotated

import typer

from node.commands.options import ConfigOption, settings_of
from node.statement import document


def conformance(
    config: ConfigOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file. Without one, print it.")] = None,
) -> None:
    """Write the conformance statement of this node, DICOM and HL7, as Markdown: of its version and its settings.

    Example: cxr conformance --config node.toml --out CONFORMANCE.md
    """
    statement = document.conformance(settings_of(config, None))
    if out is None:
        typer.echo(statement, nl=False)
        return
    out.write_text(statement, "utf-8")
