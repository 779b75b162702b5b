"""`cxr reports label`, `evaluate` and `explain`: what mining makes of reports, in files or one by one."""

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

from db import reports
from nlp import miner, sections, spreadsheet, table2, thesaurus, workers
from nlp.aggregate import MinedReport, Policy
from nlp.errors import NlpError
from nlp.parser import MODEL
from nlp.spreadsheet import ReportRow
from nlp.table2 import Protocol, Row, Score
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table
from node.errors import SettingsError

PolicyOption = Annotated[
    Policy,
    typer.Option(help="`coded`: what is probable, borderline or an alternative is present; `strict`: it is not."),
]
ModelOption = Annotated[str, typer.Option("--model", envvar="CXR_LANGUAGE_MODEL", help="spaCy's language model.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Processes that mine.")]


def label(
    source: Annotated[Path, typer.Argument(metavar="IN.csv", help="Columns uid and findings, impression or text.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.csv", help="Written: a row uid,finding for each label.")],
    policy: PolicyOption = Policy.CODED,
    model: ModelOption = MODEL,
    processes: WorkersOption = 1,
) -> None:
    """Mine the labels of reports in a CSV file. A report without a finding that is not Normal either has no row.

    Example: cxr reports label reports.csv labels.csv
    """
    number = 0
    with _plain_errors(), target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("uid", "finding"))
        for row, mined in _mined(source, policy, model, processes):
            number += 1
            writer.writerows((row.uid, name) for name in mined.positive)
    typer.echo(f"{number} reports read, their labels written to {target}.")


def evaluate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD.csv", help="Reports with the human labels, a column each.")],
    protocol: Annotated[
        Protocol, typer.Option(help="`paper`: reports with one of the nine labels; `indexed`: all that were coded.")
    ] = Protocol.PAPER,
    policy: PolicyOption = Policy.CODED,
    model: ModelOption = MODEL,
    processes: WorkersOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Print the paper's Table 2 for these reports: precision, recall and F1, beside MetaMap's and the paper's.

    The interval is that of F1, 95 %, from 1,000 bootstrap samples of the reports.

    Example: cxr reports evaluate gold.csv --protocol indexed
    """
    true, ours = [], []
    with _plain_errors():
        for row, mined in _mined(gold, policy, model, processes, needed=table2.CLASSES):
            labels = table2.gold_of(row.columns, protocol)
            if labels is not None:
                true.append(labels)
                ours.append(frozenset(mined.positive))
        rows = table2.table(true, ours)
    if as_json:
        print_json({"protocol": protocol, "reports": len(true), "rows": [asdict(row) for row in rows]})
        return
    typer.echo(f"protocol {protocol}: {len(true)} reports, {sum(map(len, true))} labels; policy {policy}")
    columns = ("P/R/F1", "MetaMap", "the paper", "ours", "F1, 95 %")
    print_table(columns, [_table_row(row) for row in rows], empty="")


def explain(
    report: Annotated[str | None, typer.Argument(metavar="TEXT", help="The text of a report.")] = None,
    accession: Annotated[str | None, typer.Option(help="Or a stored report's accession number.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    policy: PolicyOption = Policy.CODED,
    model: ModelOption = MODEL,
    as_json: JsonOption = False,
) -> None:
    """Show what mining makes of a report: each mention, its state, and the rule that decided it.

    Example: cxr reports explain "No change in the left effusion. No pneumothorax."
    """
    if (report is None) == (accession is None):
        raise SettingsError("give the text of a report, or --accession with the number of a stored one")
    if report is None:
        report = _stored(config, data, accession or "")
    with _plain_errors():
        made = miner.load(model)
    mined = made.mine(made.sections(report), policy)
    if as_json:
        print_json(mined)
    else:
        _show(mined)


def _mined(
    path: Path, policy: Policy, model: str, processes: int, needed: tuple[str, ...] = ()
) -> Iterator[tuple[ReportRow, MinedReport]]:
    """Mine the reports of a file, with progress on the standard error."""
    reader = sections.SectionReader(thesaurus.load().headings)
    rows, again = tee(spreadsheet.read(path, reader, needed))
    mined = workers.mine((row.report for row in again), model=model, policy=policy, workers=processes)
    pairs = zip(rows, mined, strict=True)
    console = Console(stderr=True)
    yield from track(pairs, description="Mining", console=console, transient=True, disable=not console.is_terminal)


def _stored(config: Path | None, data: Path | None, accession: str) -> str:
    with opened(config, data).read() as connection:
        stored = reports.current(connection, accession)
    if stored is None:
        raise SettingsError("no report has arrived under this accession number")
    return stored.text


def _show(mined: MinedReport) -> None:
    verdict = "Normal" if mined.normal else ", ".join(mined.positive) or "no label"
    typer.echo(f"{mined.readability}: {verdict}   (policy {mined.policy}, lexicon {mined.lexicon_version}, ", nl=False)
    typer.echo(f"rules {mined.rules_version})")
    print_table(
        ("concept", "finding", "state", "rule", "section", "characters", "sentence"),
        [
            (
                item.concept.name,
                item.concept.finding,
                item.assertion,
                item.rule_id,
                item.section,
                f"{item.start}-{item.end}",
                item.sentence,
            )
            for item in mined.evidence
        ],
        empty="No finding is mentioned.",
    )


def _table_row(row: Row) -> tuple[str, ...]:
    interval = "" if row.ours.low is None else f"{row.ours.low:.3f}-{row.ours.high:.3f}"
    ours = f"{row.ours.precision:.3f}/{row.ours.recall:.3f}/{row.ours.f1:.3f}"
    return (row.name, _printed(row.metamap), _printed(row.paper), ours, interval)


def _printed(score: Score | None) -> str:
    return "" if score is None else f"{score.precision:.2f}/{score.recall:.2f}/{score.f1:.2f}"


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say what is wrong with a file or the installation in the command line's own terms."""
    try:
        yield
    except (NlpError, OSError) as error:
        raise SettingsError(str(error)) from error
