"""`cxr labels`: the labels in force, a person's corrections, and the paper's Table 1 and Figure 2 of this site."""

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from db import corrections
from db.tally import Cooccurrence, Counted
from db.vocabulary import Assertion
from node.commands import sheet
from node.commands.options import ByOption, ConfigOption, DataOption, JsonOption, opened, print_json, print_table, who
from node.commands.sheet import CsvOption
from node.errors import SettingsError
from node.labels import chord, correction, listing, tallies
from node.labels.listing import COLUMNS
from node.process.clock import utc_now

labels_app = typer.Typer(no_args_is_help=True, help="The labels that reports and people gave: look, count, correct.")


class Findings(StrEnum):
    """The paper's eight, or the fourteen of ChestX-ray14."""

    EIGHT = "8"
    FOURTEEN = "14"

    @property
    def names(self) -> tuple[str, ...]:
        """The findings' names, in the vocabulary's order."""
        return tallies.FOURTEEN if self is Findings.FOURTEEN else tallies.EIGHT


FindingsOption = Annotated[
    Findings, typer.Option("--findings", help="8: those of ChestX-ray8; 14: those of ChestX-ray14 as well.")
]
StudyOption = Annotated[str | None, typer.Option("--study", help="Study Instance UID.")]
AccessionOption = Annotated[str | None, typer.Option("--accession", help="Accession number.")]


@labels_app.command("list")
def list_labels(
    config: ConfigOption = None,
    data: DataOption = None,
    finding: Annotated[str | None, typer.Option(help="Only this finding, or Normal.")] = None,
    assertion: Annotated[Assertion | None, typer.Option(help="Only this state.")] = None,
    study: StudyOption = None,
    accession: AccessionOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many. Without it 20, but all with --csv.")
    ] = None,
    csv_file: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the labels in force, those of the newest report first: mined ones, and people's in their place.

    With --study they are those of the study, its reports put together; else of each report. A finding without a row
    is unmentioned; --assertion unmentioned lists these.

    Columns of --json and --csv: report_id, accession_number, study_instance_uid, finding, assertion, by (mined or
    gold), mining_id, lexicon_version, rules_version, policy, gold_id, actor, at (of the gold label, UTC).

    Example: cxr labels list --finding Effusion --assertion positive
    """
    if study is not None and accession is not None:
        raise SettingsError("give --study or --accession, not both")
    name = None if finding is None else correction.finding_named(finding)
    if limit is None and csv_file is None:
        limit = 20
    with opened(config, data).read() as connection:
        lines = listing.lines(connection, study_instance_uid=study, accession_number=accession)
        chosen = listing.chosen(lines, finding=name, assertion=assertion)
        found = islice(chosen, limit)
        if csv_file is not None:
            number = sheet.write(csv_file, COLUMNS, (listing.cells(line) for line in found))
            typer.echo(f"{number} labels written to {csv_file}.", err=as_json)
            return
        shown = list(found)
    if as_json:
        print_json(shown)
        return
    print_table(
        ("report", "accession", "finding", "state", "by", "of"),
        [(s.report_id, s.accession_number, s.finding, s.assertion, s.actor or s.by, s.origin) for s in shown],
        empty="No such label.",
    )


@labels_app.command("correct")
def correct(
    finding: Annotated[str, typer.Option(help="A finding, or Normal.")],
    assertion: Annotated[Assertion, typer.Option(help="What is true of it.")],
    config: ConfigOption = None,
    data: DataOption = None,
    study: StudyOption = None,
    accession: AccessionOption = None,
    by: Annotated[str | None, typer.Option(help="Who says so. Without it the operating system's user.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept beside the label, not in the audit log.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what is true of a finding: a gold label, which outranks what was and will be mined.

    --accession corrects the reports under it or, where none has arrived, its studies. Nothing is overwritten: the
    newest correction holds. To take a wrong finding back does not make a report Normal; say --finding Normal too.

    Example: cxr labels correct --accession 4711 --finding Effusion --assertion negative --by dr.lee
    """
    name = correction.finding_named(finding)
    actor = who(by) if by is None else by.strip()
    if not actor:
        raise SettingsError("--by is empty; say who corrects")
    if (study is None) == (accession is None):
        raise SettingsError("say what to correct: --study with a Study Instance UID, or --accession with a number")
    with opened(config, data).write() as connection:
        if study is not None:
            targets = correction.of_study(connection, study)
        else:
            targets = correction.of_accession(connection, accession or "")
        correction.require_possible(targets, name, assertion)
        correction.write(
            connection,
            targets,
            finding=name,
            assertion=assertion,
            actor=actor,
            reason=reason,
            now=utc_now(),
        )
    if as_json:
        print_json([each.corrected(name, assertion) for each in targets])
        return
    for target in targets:
        before = f"it was {target.state(name)} ({target.source(name)})"
        typer.echo(f"{name} of {target.name} is {assertion} now, by {actor}; {before}.")


@labels_app.command("undo")
def undo(
    gold_id: Annotated[int, typer.Option("--gold", help="Which correction: its gold_id, as `cxr labels list` has it.")],
    config: ConfigOption = None,
    data: DataOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a person's label back: what was said before it, or mined, holds again. It stays in the history.

    Example: cxr labels undo --gold 12 --by dr.lee
    """
    actor = who(by)
    with opened(config, data).write() as connection:
        taken = corrections.take_back(connection, gold_id, actor=actor, now=utc_now())
    if not taken:
        raise SettingsError("no label in force has this number; `cxr labels list --json` has gold_id")
    if as_json:
        print_json({"gold_id": gold_id, "by": actor})
    else:
        typer.echo(f"Taken back by {actor}.")


@labels_app.command("table")
def table(
    config: ConfigOption = None,
    data: DataOption = None,
    findings: FindingsOption = Findings.EIGHT,
    csv_file: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the labels in force: the paper's Table 1 for this site.

    Columns of --json (under `rows`) and --csv: label; reports, in which it is positive; overlap, of these with another
    of the findings; uncertain and negative, reports again; gold, people's labels in force; studies, with their reports
    put together; images of these studies that may be read. "Uncertain only" and "None of these" are the reports that
    have no positive finding and are not Normal; with Normal and those with a finding they make the total. --json has
    under `counted` how many reports that is of, how many are not mined yet, and with what they were mined. Many
    reports are counted every few minutes: `counted_at` says when, and is null where it was just now.

    Example: cxr labels table --findings 14 --csv table1.csv
    """
    with opened(config, data).read() as connection:
        counted = tallies.look(connection, tallies.LABELS)
    found, _ = counted.value[len(findings.names)]
    columns = ("label", "reports", "overlap", "uncertain", "negative", "gold", "studies", "images")
    cells = [tuple(asdict(row).values()) for row in found.rows]
    if csv_file is not None:
        sheet.write(csv_file, columns, cells)
    if as_json:
        print_json(asdict(found) | {"counted_at": counted.counted_at})
        return
    print_table(columns, cells, empty="")
    _say(found.counted, counted.counted_at)


@labels_app.command("cooccurrence")
def cooccurrence(
    config: ConfigOption = None,
    data: DataOption = None,
    findings: FindingsOption = Findings.EIGHT,
    plot: Annotated[Path | None, typer.Option(help="Draw the chord diagram into this .png or .svg file.")] = None,
    csv_file: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count which findings are positive in one report together: the paper's Figure 2 for this site.

    Columns of --csv: finding; reports that have it; alone, of these without another; then a column for each finding,
    with how many reports have both. --json has `findings`, `matrix` (in their order, the reports that have a finding
    on the diagonal), `alone` and `counted`. --plot needs the extra `plots`.

    Example: cxr labels cooccurrence --plot cooccurrence.svg
    """
    draw = None if plot is None else chord.artist(plot)
    with opened(config, data).read() as connection:
        counted = tallies.look(connection, tallies.LABELS)
    _, found = counted.value[len(findings.names)]
    columns, rows = _matrix(found)
    if csv_file is not None:
        sheet.write(csv_file, columns, rows)
    if draw is not None:
        draw(found)
    if as_json:
        print_json(asdict(found) | {"counted_at": counted.counted_at})
        return
    print_table(columns, rows, empty="")
    _say(found.counted, counted.counted_at)


def _matrix(found: Cooccurrence) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    rows: list[tuple[object, ...]] = [
        (name, found.matrix[i][i], found.alone[i], *found.matrix[i]) for i, name in enumerate(found.findings)
    ]
    return ("finding", "reports", "alone", *found.findings), rows


def _say(counted: Counted, at: datetime | None) -> None:
    """What the counts are of, in sentences."""
    if at is not None:
        typer.echo(f"\nCounted at {at.astimezone():%Y-%m-%d %H:%M:%S}; so many reports are counted every few minutes.")
    typer.echo(
        f"\n{counted.labelled} of {counted.reports} reports have labels: {counted.with_finding} with a finding, "
        f"{counted.uncertain_only} with an uncertain one only, {counted.normal} Normal, "
        f"{counted.none_of_these} none of these."
    )
    for miner, number in counted.miners or ():
        model = f", language model {miner.language_model}" if miner.language_model else ""
        typer.echo(f"Labels of {number}: {miner}{model}.")
    if counted.not_mined:
        reports = "report is" if counted.not_mined == 1 else "reports are"
        typer.echo(f"NOT WHOLE: {counted.not_mined} {reports} not mined yet.")
    if counted.unreadable:
        typer.echo(f"Empty or not in English, so without mined labels: {counted.unreadable}.")
    left_out = counted.left_out
    if left_out and (left_out.cancelled or left_out.other_examination):
        typer.echo(f"Left out: {left_out.cancelled} cancelled, {left_out.other_examination} of another examination.")
