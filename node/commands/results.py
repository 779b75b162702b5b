"""`cxr results`: what was built, and where it went."""

from typing import Annotated

import typer

from db import deliveries, results
from db.records import Delivery
from node.commands.options import ConfigOption, DataOption, JsonOption, UidsOption, opened, print_json, print_table


def list_results(
    config: ConfigOption = None,
    data: DataOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only so many, those built last.")] = None,
    uids: UidsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the result objects that were built, and where each was sent.

    Example: cxr results --json
    """
    with opened(config, data).read() as connection:
        found = results.every(connection)[-(limit or 0) :]
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
                    ", ".join(_fate(each) for each in sent[result.id]),
                    result.sop_instance_uid,
                )
                for result in found
            ],
            empty="No result has been built yet.",
        )


def _fate(delivery: Delivery) -> str:
    """How far a delivery got, and why not further."""
    return f"{delivery.destination}: {delivery.state}" + (f" ({delivery.error})" if delivery.error else "")
