"""What the node has received, is doing and has made: `cxr status|studies|instances|jobs|results|retry|migrate`."""

import shutil
from typing import Annotated, Any

import typer

from db import deliveries, jobs, migration, models, results, studies
from db.engine import Database
from db.records import JobState
from node import wiring
from node.commands.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    LimitOption,
    print_json,
    print_table,
    settings_of,
)
from node.errors import SettingsError

UidsOption = Annotated[bool, typer.Option("--uids", help="Print SOP Instance UIDs alone, one a line.")]


def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring the database to the schema this version needs. `cxr serve` does it too.

    Example: cxr migrate --config /etc/cxr/node.toml
    """
    database = wiring.open_database(settings_of(config, data))
    typer.echo(f"The database is at revision {migration.upgrade(database)}.")


def status(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show how much there is in each state, the model in service and the room left on the disk.

    Example: cxr status --json
    """
    settings = settings_of(config, data)
    with _open(config, data).read() as connection:
        model = models.current(connection)
        facts: dict[str, Any] = {
            "model": model.version if model else None,
            "studies": studies.counts(connection),
            "jobs": jobs.counts(connection),
            "deliveries": deliveries.counts(connection),
            "free_bytes": shutil.disk_usage(settings.data).free if settings.data.exists() else None,
        }
    if as_json:
        print_json(facts)
        return
    rows: list[tuple[str, object]] = [("model in service", facts["model"] or "none")]
    for noun in ("studies", "jobs", "deliveries"):
        rows += [(f"{noun}, {state}", count) for state, count in sorted(facts[noun].items())]
    if facts["free_bytes"] is not None:
        rows.append(("free on disk, GiB", f"{facts['free_bytes'] / 1024**3:.1f}"))
    print_table(["what", "how many"], rows, empty="Nothing yet.")


def list_studies(
    config: ConfigOption = None, data: DataOption = None, limit: LimitOption = 20, as_json: JsonOption = False
) -> None:
    """List studies and their states, the newest first.

    Example: cxr studies --limit 50
    """
    with _open(config, data).read() as connection:
        found = studies.newest(connection, limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["received", "state", "revision", "accession", "Study Instance UID"],
        [(s.first_received_at, s.state, s.revision, s.accession_number, s.study_instance_uid) for s in found],
        empty="No study has arrived yet.",
    )


def instances(
    config: ConfigOption = None, data: DataOption = None, uids: UidsOption = False, as_json: JsonOption = False
) -> None:
    """List stored instances; one that is not read says why.

    Example: cxr instances --uids
    """
    with _open(config, data).read() as connection:
        if uids:
            typer.echo("\n".join(studies.instance_uids(connection)))
            return
        found = studies.instances(connection)
    if as_json:
        print_json(found)
        return
    print_table(
        ["received", "from", "reason", "why it is not read", "SOP Instance UID"],
        [(i.received_at, i.calling_ae, i.reason, i.reason_detail, i.sop_instance_uid) for i in found],
        empty="No instance has arrived yet.",
    )


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
    with _open(config, data).read() as connection:
        if unfinished_count:
            typer.echo(jobs.unfinished_count(connection) + studies.unsettled_count(connection))
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


def list_results(
    config: ConfigOption = None, data: DataOption = None, uids: UidsOption = False, as_json: JsonOption = False
) -> None:
    """List the result objects that were built, and where each was sent.

    Example: cxr results --json
    """
    with _open(config, data).read() as connection:
        found = results.every(connection)
        sent = {result.id: deliveries.of_result(connection, result.id) for result in found}
    if uids:
        typer.echo("\n".join(result.sop_instance_uid for result in found))
    elif as_json:
        print_json([{"result": result, "deliveries": sent[result.id]} for result in found])
    else:
        print_table(
            ["built", "kind", "revision", "model", "sent to", "SOP Instance UID"],
            [
                (
                    result.created_at,
                    result.kind,
                    result.revision,
                    result.model_version,
                    ", ".join(f"{each.destination}: {each.state}" for each in sent[result.id]),
                    result.sop_instance_uid,
                )
                for result in found
            ],
            empty="No result has been built yet.",
        )


def retry(
    job: Annotated[int | None, typer.Argument(help="The job's number, as `cxr jobs` shows it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every failed and dead job.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Queue a failed or dead job again.

    Example: cxr retry 17
    """
    if (job is None) != every:
        raise SettingsError("name one job, or give --all; `cxr jobs --state dead --state failed` lists them")
    with _open(config, data).write() as connection:
        queued = jobs.retry(connection, job, wiring.utc_now())
    if not queued:
        raise SettingsError("no such job is failed or dead; `cxr jobs` lists them")
    typer.echo(f"Queued again: {', '.join(str(job_id) for job_id in queued)}")


def _open(config: object, data: object) -> Database:
    database = wiring.open_database(settings_of(config, data))  # type: ignore[arg-type]
    migration.require_current(database)
    return database
