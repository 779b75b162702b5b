"""`cxr studies`: what has arrived, how far it has got and what was found."""

from typing import Annotated

import typer

from db import worklist
from db.engine import Connection
from db.worklist import Listed, Wanted
from node.commands.deferred import group_of
from node.commands.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    LimitOption,
    opened,
    print_json,
    print_table,
    settings_of,
)
from node.study.outline import line
from node.study.wanted import read_as

StateOption = Annotated[str | None, typer.Option("--state", help="How far it has got: arriving, sent, failed ...")]
FindingOption = Annotated[str | None, typer.Option("--finding", help="With this finding, such as Pneumothorax.")]
FromOption = Annotated[str | None, typer.Option("--from", help="Received on this day or later, such as 2026-03-14.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Received on this day or before.")]
AeOption = Annotated[str | None, typer.Option("--ae", help="Sent by this AE title.")]
AccessionOption = Annotated[str | None, typer.Option("--accession", help="With this accession number.")]
PatientOption = Annotated[
    str | None, typer.Option("--patient", help="With this patient id, or a name that begins so, family name first.")
]

COMMANDS = {
    "list": ("node.commands.studies:list_studies", "List studies and their states, the newest first."),
    "show": (
        "node.commands.study:show",
        "Show one study: its images, what models said, its reports and results, and what happened to it.",
    ),
    "read": ("node.commands.study:read", "Have a study read again, by the model that is in service then."),
    "send": ("node.commands.study:send", "Send what stands of a study's newest results to a destination again."),
}

studies_app = typer.Typer(
    cls=group_of({"Commands": COMMANDS}, default="list"),
    help="What has arrived, and what became of it; without a further word studies are listed.",
)


def list_studies(
    config: ConfigOption = None,
    data: DataOption = None,
    state: StateOption = None,
    finding: FindingOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    ae: AeOption = None,
    accession: AccessionOption = None,
    patient: PatientOption = None,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List studies, how far each has got and what was found in it, the newest first.

    Days are those of the setting time_zone of the console. `cxr studies` alone does the same.

    Example: cxr studies list --finding Pneumothorax --from 2026-03-14
    """
    given = {
        "state": state,
        "finding": finding,
        "from": from_,
        "to": to,
        "ae": ae,
        "accession": accession,
        "patient": patient,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    wanted = read_as(asked, settings_of(config, data).console.time_zone)
    with opened(config, data).read() as connection:
        found = _found(connection, wanted, limit)
    if as_json:
        print_json([line(row) for row in found])
        return
    print_table(
        ["received", "state", "findings", "accession", "sent by", "Study Instance UID"],
        [_cells(row) for row in found],
        empty="No study fits." if asked else "No study has arrived yet.",
    )


def _found(connection: Connection, wanted: Wanted, limit: int) -> list[Listed]:
    """Page after page, until there are enough or no more."""
    page = worklist.listing(connection, wanted, limit=limit)
    found = list(page.rows)
    while page.after is not None and len(found) < limit:
        page = worklist.listing(connection, wanted, limit=limit - len(found), after=page.after)
        found += page.rows
    return found


def _cells(row: Listed) -> list[object]:
    study = row.study
    findings = ", ".join(f"{each.finding} {each.probability:.2f}" for each in row.findings)
    return [
        study.first_received_at,
        row.progress,
        findings or row.reason,
        study.accession_number,
        study.calling_ae,
        study.study_instance_uid,
    ]
