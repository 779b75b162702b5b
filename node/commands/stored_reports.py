"""`cxr reports count`, `list` and `text`: the radiologists' reports that have arrived."""

from dataclasses import asdict
from typing import Annotated

import typer

from db import links, reports
from db.report_records import Report, ReportLink
from node.commands.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    LimitOption,
    opened,
    print_json,
    print_table,
)
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


def list_reports(
    config: ConfigOption = None,
    data: DataOption = None,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only those that are linked to no study.")] = False,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """List the current version of each report and the studies it is linked to, or why it is linked to none.

    Example: cxr reports list --unlinked --limit 20
    """
    with opened(config, data).read() as connection:
        found = links.listed(connection, unlinked_only=unlinked, limit=limit)
    if as_json:
        print_json([asdict(each) | {"sentence": each.unlinked and each.unlinked.sentence} for each in found])
        return
    columns = ("accession", "status", "version of", "examination", "procedure", "studies, or why none")
    empty = "No report waits for a study." if unlinked else "No report has arrived."
    print_table(columns, [_row(each) for each in found], empty=empty)


def _row(of: ReportLink) -> tuple[object, ...]:
    studies = of.unlinked.sentence if of.unlinked else " ".join(of.study_instance_uids)
    examination = of.examination.replace("_", " ")
    return of.accession_number, of.status, of.version_at, examination, _ordered(of), studies


def text(
    accession: Annotated[str, typer.Option(help="Accession number.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the text of the current version of a report: the latest by its own times, whenever it arrived.

    Where several reports stand under the accession number each is printed, the latest first, under a line that tells
    them apart. With --json the latest is the object, and the others are in its list "others".

    Example: cxr reports text --accession 4711
    """
    with opened(config, data).read() as connection:
        found = reports.current_of_each(connection, accession)[::-1]
    if not found:
        raise SettingsError("no report has arrived under this accession number")
    if as_json:
        print_json(asdict(found[0]) | {"others": found[1:]})
    elif len(found) == 1:
        typer.echo(found[0].text)
    else:
        titles = (_title(each, number, len(found)) for number, each in enumerate(found, 1))
        typer.echo("\n\n".join(f"{title}\n{each.text}" for title, each in zip(titles, found, strict=True)))


def _title(of: Report, number: int, total: int) -> str:
    what = _ordered(of) or "unknown examination"
    return f"=== report {number} of {total}: {what}, {of.status}, {of.version_at:%Y-%m-%d %H:%M:%S} UTC"


def _ordered(of: Report | ReportLink) -> str:
    """What its order says: the procedure, and the modality in brackets."""
    return " ".join(part for part in (of.procedure, of.modality and f"({of.modality})") if part)
