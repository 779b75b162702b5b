"""`cxr reports import`: bring in reports from before the node, from files."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from node.clock import utc_now
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.errors import SettingsError
from node.history import folder, importer
from node.history.importer import Tally
from node.history.reader import Reader, require_encoding
from node.settings import MIB

SHOWN = 3
"""Places that are named for each reason."""
EVERY_S = 10.0
"""Between two lines of progress where no terminal is."""


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
    with _progress(paths) as meter:
        reader = Reader(
            accession_from=settings.hl7.accession_from,
            facility=facility,
            encoding=encoding,
            max_bytes=settings.hl7.max_message_mb * MIB,
            now=utc_now,
            on_bytes=meter.advance,
        )
        tally = importer.store(reader.read(paths), database, utc_now, meter.show)
    database.close()
    if tally.read == 0:
        raise SettingsError("there is no file of reports in that folder")
    _print(tally, time.monotonic() - began, as_json=as_json)
    if tally.refused:
        raise typer.Exit(1)


def _print(tally: Tally, seconds: float, *, as_json: bool) -> None:
    if as_json:
        refused = [
            {"reason": reason, "count": refusal.count, "places": refusal.places}
            for reason, refusal in tally.refused.items()
        ]
        counts = {"read": tally.read, "stored": tally.stored, "already_there": tally.already_there}
        print_json(counts | {"refused": tally.refused_count, "reasons": refused, "seconds": round(seconds, 1)})
        return
    if tally.refused:
        rows = [
            (refusal.count, reason, ", ".join(refusal.places[:SHOWN]) + (" ..." if refusal.count > SHOWN else ""))
            for reason, refusal in tally.refused.items()
        ]
        print_table(("refused", "because", "where"), rows, empty="")
    typer.echo(f"{_counts(tally)}, in {seconds:.0f} s.")


def _counts(tally: Tally) -> str:
    return (
        f"{tally.read} read: {tally.stored} stored, {tally.already_there} already there, {tally.refused_count} refused"
    )


class _Meter:
    """Progress on the standard error: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total_bytes: int, progress: Progress | None) -> None:
        self._total = max(total_bytes, 1)
        self._progress = progress
        self._task = progress.add_task("", total=self._total) if progress else None
        self._done = 0
        self._began = self._said = time.monotonic()

    def advance(self, number: int) -> None:
        """So many bytes more have been read."""
        self._done += number

    def show(self, tally: Tally) -> None:
        """So far."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._done, description=_counts(tally))
            return
        now = time.monotonic()
        if now - self._said >= EVERY_S:
            self._said = now
            share = min(self._done / self._total, 1.0)
            left = (now - self._began) * (1 - share) / max(share, 1e-6)
            print(f"{_counts(tally)}; {share:.0%}, {left:.0f} s left", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _progress(paths: list[Path]) -> Iterator[_Meter]:
    console = Console(stderr=True)
    total = folder.size(paths)
    if not console.is_terminal:
        yield _Meter(total, None)
        return
    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*parts, console=console, transient=True) as progress:
        yield _Meter(total, progress)
