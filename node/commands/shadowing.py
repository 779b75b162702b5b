"""`cxr models shadow` and `compare`: a model that reads live studies unheard, and what it says."""

from datetime import datetime
from typing import Annotated

import typer

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
from node.commands.promotion import DIFFERENCE, signed
from node.errors import SettingsError
from node.models import live, promotion
from node.models.live import LiveComparison
from node.process.clock import utc_now


def shadow(
    version: Annotated[str | None, typer.Argument(help="As `cxr models list` shows it.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Let no model read in the shadow any more.")] = False,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model read every study after the current one has; its predictions are kept, and nothing is sent.

    It stands back while studies wait to be read. `cxr models compare` shows what it says.

    Example: cxr models shadow spring-1
    """
    if (version is None) != off:
        raise SettingsError("name one model, or give --off; `cxr models list` shows them")
    actor, database = who(by), opened(config, data)
    if version is None:
        ended = promotion.end_shadow(database, by=actor, now=utc_now())
        said = "No model reads in the shadow." if ended is None else f"{ended} reads in the shadow no more."
    else:
        promotion.cast_shadow(database, settings_of(config, data).data, version, by=actor, now=utc_now())
        said = f"{version} reads in the shadow from the next study on. Next: cxr models compare"
    if as_json:
        print_json({"shadow": version})
    else:
        typer.echo(said)


def compare(
    version: Annotated[str | None, typer.Argument(help="A model; without it the shadow.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only studies that began to arrive on this day or later."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the shadow beside the current model on the live images that both have read.

    Present means at or above the model's own operating point. Where studies have labels, from reports or people, both
    are set beside these; but who wrote the report may have seen the current model's result, and never the shadow's.

    Example: cxr models compare --since 2026-11-01
    """
    with opened(config, data).read() as connection:
        found = live.compare(connection, version, since.astimezone() if since else None)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: LiveComparison) -> None:
    if found.findings:
        typer.echo(f"{found.other} beside {found.current} on {found.findings[0].images} live images")
    rows = [
        (
            each.finding,
            f"{each.share:.1%}",
            _number(each.kappa),
            each.both,
            each.only_first,
            each.only_second,
            each.neither,
            _number(each.correlation),
        )
        for each in found.findings
    ]
    headings = (
        "finding",
        "agree",
        "kappa",
        "both present",
        "only current",
        f"only {found.state}",
        "neither",
        "correlation",
    )
    print_table(headings, rows, empty="No image was read by both yet.")
    labelled = [
        (
            each.finding,
            f"{each.labels.positives} / {each.labels.negatives}",
            f"{each.labels.first.value:.3f}",
            f"{each.labels.second.value:.3f}",
            signed(each.labels.difference),
        )
        for each in found.findings
        if each.labels is not None
    ]
    if labelled:
        typer.echo("\nbeside the labels in force")
        print_table(("finding", "with / without", "AUC current", f"AUC {found.state}", DIFFERENCE), labelled, empty="")
    if found.waiting:
        typer.echo(f"{found.waiting} studies still wait for the shadow.")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
