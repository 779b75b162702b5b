"""`cxr results`: what was built, where it went, and what was taken back."""

from typing import Annotated

import typer

from db import deliveries, results
from db.result_records import Delivery, Result
from node.commands.deferred import group_of
from node.commands.options import ConfigOption, DataOption, JsonOption, UidsOption, opened, print_json, print_table

COMMANDS = {
    "list": (
        "node.commands.results:list_results",
        "List the result objects that were built, where each was sent, and which were taken back.",
    ),
    "retract": (
        "node.commands.retraction:retract",
        "Take results back: each destination that got some is sent a rejection note, and what waits is withdrawn.",
    ),
}

results_app = typer.Typer(
    cls=group_of({"Commands": COMMANDS}, default="list"),
    help="The result objects that were built, and taking them back; without a further word they are listed.",
)


def list_results(
    config: ConfigOption = None,
    data: DataOption = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only so many, those built last. Without it 100, but all with --uids."),
    ] = None,
    uids: UidsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the result objects that were built, where each was sent, and which were taken back.

    `cxr results` alone does the same. A result is superseded when a later revision of its study has one of its kind.

    Example: cxr results list --json
    """
    with opened(config, data).read() as connection:
        if uids and limit is None:
            typer.echo("\n".join(results.uids(connection)))
            return
        found = results.newest(connection, limit or 100)
        sent = deliveries.of_results(connection, [result.id for result in found])
        superseded = results.superseded(connection, sent.keys())
    if uids:
        typer.echo("\n".join(result.sop_instance_uid for result in found))
    elif as_json:
        print_json(
            [
                {"result": result, "superseded_by": superseded.get(result.id), "deliveries": sent[result.id]}
                for result in found
            ]
        )
    else:
        print_table(
            ["built", "kind", "revision", "model", "sent to", "taken back", "SOP Instance UID"],
            [
                (
                    result.created_at,
                    result.kind,
                    _revision(result, superseded.get(result.id)),
                    result.model_version,
                    ", ".join(_fate(each) for each in sent[result.id]),
                    _taken_back(result),
                    result.sop_instance_uid,
                )
                for result in found
            ],
            empty="No result has been built yet.",
        )


def _revision(result: Result, later: int | None) -> str:
    return str(result.revision) if later is None else f"{result.revision}, superseded by {later}"


def _fate(delivery: Delivery) -> str:
    """How far a delivery got, and why not further."""
    return f"{delivery.destination}: {delivery.state}" + (f" ({delivery.error})" if delivery.error else "")


def _taken_back(result: Result) -> str:
    if result.retracted_at is None:
        return ""
    return f"{result.retracted_at.astimezone():%Y-%m-%d %H:%M:%S} ({result.retraction_reason})"
