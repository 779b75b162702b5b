"""`cxr reports import`: bring in reports from before the node, from files."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from node.commands import progress
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.errors import SettingsError
from node.history import folder, importer
from node.history.importer import Tally
from node.history.reader import Reader, require_encoding
from node.process.clock import utc_now
from node.settings import MIB

SHOWN = 3
"""Places that are named for each reason."""


def import_reports(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR|CSV...", help="HL7, text or CSV, or folders.")],
    config: ConfigOption = None,
    data: DataOption = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of texts and CSV files; without it UTF-8, else Windows-1252.")
    ] = None,
    facility: Annotated[
        str, typer.Option(help="Sending facility (MSH-4) whose reports the texts and rows are, if it sends HL7 too.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Store reports from files, each once; begun again after whatever stopped it, it goes on. A node may be running.

    HL7: one message a file or many, MLLP frames and batches. CSV: a first line that names findings, impression or
    text, and accession, uid or study_instance_uid; also patient_id, procedure, modality, status, time, indication,
    comparison. Text: one report a .txt file, its name the accession number unless a line `Accession: ...` says so.
    gzip of any. A row or text without a time is older than every version that has one. The exit code is 1 if
    anything was refused.

    Example: cxr reports import /archive/reports history.csv
    """
    settings = settings_of(config, data)
    require_encoding(encoding)
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise SettingsError(f"{path} is not there; name files of reports, or folders of them")
    database = opened(config, data)
    began = time.monotonic()
    with progress.meter(folder.size(paths)) as meter:
        reader = Reader(
            accession_from=settings.hl7.accession_from,
            facility=facility,
            encoding=encoding,
            max_bytes=settings.hl7.max_message_mb * MIB,
            now=utc_now,
            on_bytes=meter.advance,
        )
        tally = importer.store(reader.read(paths), database, utc_now, lambda tally: meter.show(counts_of(tally)))
    database.close()
    if tally.read == 0:
        raise SettingsError("there is no file of reports in that folder")
    print_tally(tally, time.monotonic() - began, as_json=as_json)
    if tally.refused:
        raise typer.Exit(1)


def print_tally(tally: Tally, seconds: float, *, as_json: bool, more: Mapping[str, int] | None = None) -> None:
    """Print what an import did; `more` are further counts, by their names."""
    more = more or {}
    if as_json:
        refused = [
            {"reason": reason, "count": refusal.count, "places": refusal.places}
            for reason, refusal in tally.refused.items()
        ]
        counts = {"read": tally.read, "stored": tally.stored, "already_there": tally.already_there}
        print_json(
            counts | dict(more) | {"refused": tally.refused_count, "reasons": refused, "seconds": round(seconds, 1)}
        )
        return
    if tally.refused:
        rows = [
            (refusal.count, reason, ", ".join(refusal.places[:SHOWN]) + (" ..." if refusal.count > SHOWN else ""))
            for reason, refusal in tally.refused.items()
        ]
        print_table(("refused", "because", "where"), rows, empty="")
    others = "".join(f", {number} {what}" for what, number in more.items())
    typer.echo(f"{counts_of(tally)}{others}, in {seconds:.0f} s.")


def counts_of(tally: Tally) -> str:
    """What an import did so far, in a line."""
    return (
        f"{tally.read} read: {tally.stored} stored, {tally.already_there} already there, {tally.refused_count} refused"
    )
