"""`cxr reports count` and `text`: the radiologists' reports that have arrived."""

from typing import Annotated

import typer

from db import reports
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json
from node.errors import SettingsError


def count(
    config: ConfigOption = None,
    data: DataOption = None,
    accession: Annotated[str | None, typer.Option(help="Only those under this accession number.")] = None,
) -> None:
    """Print how many versions of reports are stored; a message sent twice counts once.

    Example: cxr reports count --accession 4711
    """
    with opened(config, data).read() as connection:
        typer.echo(reports.count(connection, accession))


def text(
    accession: Annotated[str, typer.Option(help="Accession number.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the text of the current version of a report: the latest by its own times, whenever it arrived.

    Example: cxr reports text --accession 4711
    """
    with opened(config, data).read() as connection:
        report = reports.current(connection, accession)
    if report is None:
        raise SettingsError("no report has arrived under this accession number")
    if as_json:
        print_json(report)
    else:
        typer.echo(report.text)
