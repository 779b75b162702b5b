"""`cxr verify`: the stored files against the database, byte by byte."""

from dataclasses import asdict
from typing import Annotated

import typer

from db import holdings
from db.engine import Database
from db.records import Absence, StoredFile
from node import premises
from node.commands import progress
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.process.clock import utc_now
from node.settings import MIB
from node.upkeep.bookmark import Bookmark
from node.upkeep.verification import Verification, Verified


def verify(
    one_in: Annotated[
        int, typer.Option("--sample", metavar="N", min=1, help="Look at one file in N; without it at all.")
    ] = 1,
    mb_per_s: Annotated[float | None, typer.Option(min=0.1, help="Read no more than so many MiB a second.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Begin anew, whatever was interrupted.")] = False,
    look_only: Annotated[bool, typer.Option("--look-only", help="Set nothing aside and write nothing.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every stored image and result against its size and SHA-256, and the database's own structure.

    What is not what it was goes into store/quarantine; its row says so, and nothing reads, sends or commits to it. A
    file that was put back is used again. The node may be running, and a check that was interrupted goes on where it was
    with the same command. The exit code is 1 if anything is damaged or missing; what a person has accepted as lost
    (`cxr accept-loss`) is only counted. Files that no row names are listed and left alone.

    Example: cxr verify --mb-per-s 50
    """
    settings, database = settings_of(config, data), opened(config, data)
    store = premises.open_store(settings)
    verification = Verification(
        database=database,
        store=store,
        now=utc_now,
        one_in=one_in,
        bytes_per_s=mb_per_s * MIB if mb_per_s else None,
        look_only=look_only,
    )
    try:
        found = _run(verification, database, None if again else verification.interrupted())
    finally:
        store.close()
        database.close()
    _tell(found, as_json=as_json)
    if found.damage:
        raise typer.Exit(1)


def _run(verification: Verification, database: Database, place: Bookmark | None) -> Verified:
    with database.read() as connection:
        size = holdings.extent(connection).size // verification.one_in
    if place is not None:
        size -= place.size
        since = f"{place.checked} files were checked since {place.began_at.astimezone():%Y-%m-%d %H:%M}"
        typer.echo(f"Going on: {since}; --again begins with the first.", err=True)
    with progress.files(size, "checking") as on_file:
        return verification.run(on_file, place)


def _tell(found: Verified, *, as_json: bool) -> None:
    if as_json:
        faults = [{"fault": fault} | asdict(file) for file, fault in found.faults]
        print_json(asdict(found) | {"faults": faults})
        return
    for sentence in found.database:
        typer.echo(f"The database: {sentence}.")
    if found.faults:
        print_table(["what", "of", "SOP Instance UID", "file"], [_row(*each) for each in found.faults], empty="")
    typer.echo(
        f"{found.checked} files, {found.size / MIB:.0f} MiB: {len(found.faults)} damaged or missing, "
        f"{found.accepted} accepted as lost, {found.returned} put back, {len(found.orphans)} that no row names."
    )
    if found.faults:
        typer.echo("Put them back from a backup or have them sent again, or accept the loss: cxr accept-loss.")
    if found.orphans:
        print_table(["file that no row names"], [[path] for path in found.orphans], empty="")


def _row(file: StoredFile, fault: Absence) -> tuple[str, str, str, str]:
    return fault, file.kind, file.sop_instance_uid, file.path
