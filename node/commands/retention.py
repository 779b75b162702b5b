"""`cxr retention`: what the settings have removed from the store."""

import threading
from dataclasses import asdict, replace
from typing import Annotated

import typer

from node import premises, wiring
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    confirm,
    opened,
    print_json,
    settings_of,
    who,
)
from node.errors import SettingsError
from node.process.clock import utc_now
from node.settings import MIB


def retention(
    run: Annotated[
        bool, typer.Option("--run", help="Remove it now; the running node does so every ten minutes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what [retention] would remove from the store now; with --run, remove it.

    Never removed is what a job or delivery may still need and, unless the settings say otherwise, what a model can
    learn from. The rows stay and say that the file was removed, and when; the audit log says who ran it.

    Example: cxr retention --config /etc/cxr/node.toml
    """
    settings, database = settings_of(config, data), opened(config, data)
    if not settings.retention.on:
        raise SettingsError("retention is off; [retention] in the settings switches it on")
    store = premises.open_store(settings)
    try:
        work = wiring.open_retention(settings, database, store, utc_now)
        done = work.look()
        if run and done.files:
            confirm(f"Remove {done.files} files for good?", yes=yes)
            done = replace(work, actor=who(by)).run(threading.Event())
    finally:
        store.close()
        database.close()
    if as_json:
        print_json(asdict(done) | {"removed": run})
    else:
        verb = "removed" if run else "would be removed"
        typer.echo(f"{done.files} files, {done.size / MIB:.0f} MiB, {verb}.")
