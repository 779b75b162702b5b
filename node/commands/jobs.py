"""`cxr jobs` and `cxr retry`: what there is to do, and what needs a person."""

from typing import Annotated

import typer

from db import backlog, jobs, studies
from db.records import JobState
from node import retry as retrying
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
from node.process.clock import utc_now


def list_jobs(
    config: ConfigOption = None,
    data: DataOption = None,
    limit: LimitOption = 20,
    unfinished_count: Annotated[
        bool,
        typer.Option("--unfinished-count", help="Print how many have not ended, arriving studies included."),
    ] = False,
    state: Annotated[list[JobState] | None, typer.Option(help="Only jobs in this state; may be repeated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, the newest first; one that went wrong says why.

    Example: cxr jobs --state dead --state failed
    """
    with opened(config, data).read() as connection:
        if unfinished_count:
            typer.echo(backlog.unfinished_count(connection) + studies.unsettled_count(connection))
            return
        found = jobs.newest(connection, limit, state or ())
    if as_json:
        print_json(found)
        return
    print_table(
        ["job", "kind", "state", "attempts", "to", "code", "error"],
        [(j.id, j.kind, j.state, j.attempts, j.destination, j.error_code, j.error) for j in found],
        empty="No such job.",
    )


def retry(
    job: Annotated[int | None, typer.Argument(help="The job's number, as `cxr jobs` shows it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every failed and dead job.")] = False,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a failed or dead job again.

    Example: cxr retry 17
    """
    if (job is None) != every:
        raise SettingsError("name one job, or give --all; `cxr jobs --state dead --state failed` lists them")
    queued = retrying.retry(opened(config, data), job, by=who(by), now=utc_now())
    if not queued:
        raise SettingsError("no such job is failed or dead; `cxr jobs` lists them")
    if as_json:
        print_json(queued)
    else:
        typer.echo(f"Queued again: {', '.join(str(job_id) for job_id in queued)}")
