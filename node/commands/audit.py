"""`cxr audit`: who did what, and whether that is still what was written."""

import json
from typing import Annotated

import typer

from db import audit
from node.commands.deferred import group_of
from node.commands.options import ConfigOption, DataOption, JsonOption, LimitOption, opened, print_json, print_table
from node.errors import SettingsError

COMMANDS = {
    "list": ("node.commands.audit:list_entries", "List who did what, the newest first."),
    "verify": (
        "node.commands.audit:verify",
        "Work out every digest of the audit log again and name the first entry that was changed.",
    ),
}

audit_app = typer.Typer(cls=group_of({"Commands": COMMANDS}), no_args_is_help=True, help="The audit log: who did what.")


def list_entries(
    config: ConfigOption = None,
    data: DataOption = None,
    limit: LimitOption = 20,
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as study.view.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List who did what, the newest first.

    Example: cxr audit list --limit 100
    """
    with opened(config, data).read() as connection:
        found = audit.found(connection, limit, actor=actor, action=action, subject=subject)
    if as_json:
        print_json(found)
        return
    print_table(
        ["entry", "at", "who", "did", "to", "detail"],
        [(e.id, e.at, e.actor, e.action, e.subject, json.dumps(e.detail, ensure_ascii=False)) for e in found],
        empty="Nothing has been logged yet.",
    )


def verify(
    config: ConfigOption = None,
    data: DataOption = None,
    noted: Annotated[
        str | None, typer.Option(help="Number and digest that this command printed before, as 17:9f86...; still there?")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Work out every digest of the audit log again and name the first entry that was changed.

    Changed, removed, added and swapped entries are found, and entries missing at the end. Who can write to the
    database could make the whole log anew: note the last digest somewhere else, and give it back with --noted.
    The exit code is 1 if the log is not what was written.

    Example: cxr audit verify --noted 17:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    """
    with opened(config, data).read() as connection:
        chain = audit.examine(connection, _entry(noted))
    if as_json:
        print_json(chain)
    elif chain.fault is None:
        typer.echo(f"{chain.entries} entries, as they were written. Note the last: {chain.last_id}:{chain.digest}")
    elif chain.broken_id is None:
        typer.echo(f"The audit log is not whole: {chain.fault}.")
    else:
        typer.echo(f"The audit log is broken at entry {chain.broken_id}: {chain.fault}.")
    if chain.fault is not None:
        raise typer.Exit(1)


def _entry(noted: str | None) -> tuple[int, str] | None:
    if noted is None:
        return None
    number, _, digest = noted.partition(":")
    if not number.isdecimal() or not digest:
        raise SettingsError("give --noted as cxr audit verify printed it: the entry's number, a colon, its digest")
    return int(number), digest
