"""`cxr lexicon`: what people tried in place of the lexicon or the rules, as the console shows it."""

from typing import Annotated

import typer

from db import lexicon_trials
from db.engine import Connection
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    LimitOption,
    opened,
    print_json,
    print_table,
    who,
)
from node.errors import SettingsError
from node.labels import trial as trials
from node.labels.trial import SHOWN, Trial
from node.process.clock import utc_now

CHANGES = 50
"""Changes that are listed for a person; `--json` has all that are kept."""

lexicon_app = typer.Typer(no_args_is_help=True, help="Trials of another lexicon or other rules: look, stop.")
NumberArgument = Annotated[int, typer.Argument(help="As `cxr lexicon list` shows it.", min=1, max=2**31 - 1)]


@lexicon_app.command("list")
def list_trials(
    limit: LimitOption = SHOWN, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the trials that were begun on the console or by a program, the newest first, and what came of each.

    `cxr reports remine --diff --replace` tries a file on all reports, at once and on its own.

    Example: cxr lexicon list
    """
    with opened(config, data).read() as connection:
        found = trials.newest(connection, utc_now(), limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("trial", "asked", "by", "file", "outcome"),
        [(each.trial.id, each.trial.asked_at, each.trial.actor, each.trial.file, each.line) for each in found],
        empty="Nobody has tried another lexicon yet; the console's page Labels leads to where that is done.",
    )


@lexicon_app.command("show")
def show(
    number: NumberArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Show how far a trial is, or which labels would be others with its file; `--json` has the file itself, too.

    Example: cxr lexicon show 3
    """
    with opened(config, data).read() as connection:
        found = _known(connection, number)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found.trial.file}, tried by {found.trial.actor}: {found.line.removesuffix('.')}.")
    if found.trial.outcome is not None and found.trial.outcome["changes"]:
        _print_changes(found.trial.outcome["counts"], found.trial.outcome["changes"])


@lexicon_app.command("stop")
def stop(
    number: NumberArgument,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a trial end where it is.

    Example: cxr lexicon stop 3
    """
    with opened(config, data).write() as connection:
        _known(connection, number)
        stopped = lexicon_trials.stop(connection, number, who(by), utc_now())
    if as_json:
        print_json({"trial": number, "stopped": stopped})
    else:
        typer.echo(f"Trial {number} ends now." if stopped else f"Trial {number} had ended, or was stopped before.")


def _known(connection: Connection, number: int) -> Trial:
    found = trials.find(connection, number, utc_now())
    if found is None:
        raise SettingsError(f"there was no trial {number}; `cxr lexicon list` shows which there were")
    return found


def _print_changes(counts: list[dict[str, object]], changes: list[dict[str, object]]) -> None:
    counted = [(row["finding"], row["reports"], f"{row['old']} -> {row['new']}") for row in counts]
    print_table(("finding", "reports", "change"), counted, empty="")
    typer.echo("")
    rows = [
        (each["report_id"], each["finding"], f"{each['old']} -> {each['new']}", each["rule_id"])
        for each in changes[:CHANGES]
    ]
    print_table(("report", "finding", "change", "rule"), rows, empty="")
    if len(changes) > CHANGES:
        typer.echo(f"and {len(changes) - CHANGES} more; --json has them")
