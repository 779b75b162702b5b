"""`cxr reports label` and `evaluate`: what mining makes of reports in files; and the options of mining."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import tee
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from nlp import sections, spreadsheet, table2, thesaurus, workers
from nlp.aggregate import MinedReport, Policy
from nlp.errors import NlpError
from nlp.spreadsheet import ReportRow
from nlp.table2 import Protocol, Row, Score
from node.commands.options import ConfigOption, JsonOption, print_json, print_table, settings_of
from node.errors import SettingsError
from node.sections.running import MiningSettings

PolicyOption = Annotated[
    Policy | None,
    typer.Option(
        help="`coded`: what is probable, borderline or an alternative is present; `strict`: it is not. "
        "Without it, as the settings say."
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", envvar="CXR_LANGUAGE_MODEL", help="spaCy's language model. Without it, as the settings say."
    ),
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Processes that mine.")]


def label(
    source: Annotated[Path, typer.Argument(metavar="IN.csv", help="Columns uid and findings, impression or text.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.csv", help="Written: a row uid,finding for each label.")],
    policy: PolicyOption = None,
    model: ModelOption = None,
    processes: WorkersOption = 1,
    config: ConfigOption = None,
) -> None:
    """Mine the labels of reports in a CSV file. A report without a finding that is not Normal either has no row.

    Example: cxr reports label reports.csv labels.csv
    """
    number = 0
    mining = settings_with(config, None, policy, model)
    with plain_errors(), target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("uid", "finding"))
        for row, mined in _mined(source, mining, processes):
            number += 1
            writer.writerows((row.uid, name) for name in mined.positive)
    typer.echo(f"{number} reports read, their labels written to {target}.")


def evaluate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD.csv", help="Reports with the human labels, a column each.")],
    protocol: Annotated[
        Protocol, typer.Option(help="`paper`: reports with one of the nine labels; `indexed`: all that were coded.")
    ] = Protocol.PAPER,
    policy: PolicyOption = None,
    model: ModelOption = None,
    processes: WorkersOption = 1,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the paper's Table 2 for these reports: precision, recall and F1, beside MetaMap's and the paper's.

    The interval is that of F1, 95 %, from 1,000 bootstrap samples of the reports.

    Example: cxr reports evaluate gold.csv --protocol indexed
    """
    true, ours = [], []
    mining = settings_with(config, None, policy, model)
    with plain_errors():
        for row, mined in _mined(gold, mining, processes, needed=table2.CLASSES):
            labels = table2.gold_of(row.columns, protocol)
            if labels is not None:
                true.append(labels)
                ours.append(frozenset(mined.positive))
        rows = table2.table(true, ours)
    if as_json:
        print_json({"protocol": protocol, "reports": len(true), "rows": [asdict(row) for row in rows]})
        return
    typer.echo(f"protocol {protocol}: {len(true)} reports, {sum(map(len, true))} labels; policy {mining.policy}")
    columns = ("P/R/F1", "MetaMap", "the paper", "ours", "F1, 95 %")
    print_table(columns, [_table_row(row) for row in rows], empty="")


def settings_with(config: Path | None, data: Path | None, policy: Policy | None, model: str | None) -> MiningSettings:
    """The settings of mining in force, under what was given with a command."""
    given = {"mining.policy": policy, "mining.language_model": model}
    return settings_of(config, data, **given).mining


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say what is wrong with a file or the installation in the command line's own terms."""
    try:
        yield
    except (NlpError, OSError) as error:
        raise SettingsError(str(error)) from error


def _mined(
    path: Path, mining: MiningSettings, processes: int, needed: tuple[str, ...] = ()
) -> Iterator[tuple[ReportRow, MinedReport]]:
    """Mine the reports of a file, with progress on the standard error."""
    reader = sections.SectionReader(thesaurus.load().headings)
    rows, again = tee(spreadsheet.read(path, reader, needed))
    mined = workers.mine(
        (row.report for row in again), model=mining.language_model, policy=mining.policy, workers=processes
    )
    pairs = zip(rows, mined, strict=True)
    console = Console(stderr=True)
    yield from track(pairs, description="Mining", console=console, transient=True, disable=not console.is_terminal)


def _table_row(row: Row) -> tuple[str, ...]:
    interval = "" if row.ours.low is None else f"{row.ours.low:.3f}-{row.ours.high:.3f}"
    ours = f"{row.ours.precision:.3f}/{row.ours.recall:.3f}/{row.ours.f1:.3f}"
    return (row.name, _printed(row.metamap), _printed(row.paper), ours, interval)


def _printed(score: Score | None) -> str:
    return "" if score is None else f"{score.precision:.2f}/{score.recall:.2f}/{score.f1:.2f}"
