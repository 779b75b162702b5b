"""`cxr backup` and `cxr restore`: a node in another folder, and back."""

import os
from pathlib import Path
from typing import Annotated

import typer

from db import holdings
from node import premises
from node.commands import progress
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, settings_of
from node.process.clock import utc_now
from node.settings import MIB
from node.upkeep import manifest
from node.upkeep.backup import Backup
from node.upkeep.manifest import Manifest
from node.upkeep.restore import Restore


def backup(
    target: Annotated[Path, typer.Argument(help="A folder on another disk: empty, or with an earlier backup.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back up the node, running or not: database, stored files, models, snapshots and the secret of pseudonyms.

    Into a folder with an earlier backup only new files are copied; that one stays whole until this one is. The exit
    code is 1 if files are damaged or missing: `cxr verify` says which. Settings and certificates are not in it.

    Example: cxr backup /mnt/backup/cxr
    """
    os.umask(0o077)  # a backup is for its owner only
    settings, database = settings_of(config, data), opened(config, data)
    store = premises.open_store(settings)
    try:
        with database.read() as connection:
            size = holdings.extent(connection).size
        with manifest.written_into(target), progress.files(size, "copying") as on_file:
            made = Backup(database=database, store=store, data=settings.data, target=target, now=utc_now).make(on_file)
    finally:
        store.close()
        database.close()
    _tell(made, "backed up to", target, made.lost, as_json=as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `cxr backup` made.")],
    check: Annotated[bool, typer.Option("--check", help="Read all of the backup and restore nothing.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a node of a backup, in an empty data folder; or only check the backup.

    A PostgreSQL database has to be empty too. Everything is compared with its SHA-256. What was cut off is begun again
    with the same command, and until it is finished no other command works there. The exit code is 1 if files of the
    backup are damaged or were lost before.

    Example: cxr restore /mnt/backup/cxr --data /var/lib/cxr
    """
    os.umask(0o077)
    settings = settings_of(config, data)
    work = Restore(source=source, data=settings.data, url=settings.database_url)
    size, doing = manifest.read(source).size, "checking" if check else "restoring"
    with manifest.written_into(settings.data), progress.files(size, doing) as on_file:
        found, spoilt = (work.check if check else work.run)(on_file)
    where = "whole in" if check else "restored to"
    _tell(found, where, source if check else settings.data, (*found.lost, *spoilt), as_json=as_json)


def _tell(made: Manifest, done: str, where: Path, lost: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(made.model_dump(mode="json") | {"lost": list(lost)})
    else:
        typer.echo(f"{made.files} files, {made.size / MIB:.0f} MiB, of {made.made_at[:19]} UTC: {done} {where}.")
    if lost:
        if not as_json:
            typer.echo(f"{len(lost)} stored files are damaged or missing: run cxr verify on the node they are of.")
        raise typer.Exit(1)
