"""`cxr studies`: what has arrived."""

import typer

from db import studies
from node.commands.deferred import group_of
from node.commands.options import ConfigOption, DataOption, JsonOption, LimitOption, opened, print_json, print_table

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
    cls=group_of(COMMANDS, default="list"),
    help="What has arrived, and what became of it; without a further word studies are listed.",
)


def list_studies(
    config: ConfigOption = None, data: DataOption = None, limit: LimitOption = 20, as_json: JsonOption = False
) -> None:
    """List studies and their states, the newest first.

    `cxr studies` alone does the same.

    Example: cxr studies list --limit 50
    """
    with opened(config, data).read() as connection:
        found = studies.newest(connection, limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["received", "state", "revision", "accession", "Study Instance UID"],
        [(s.first_received_at, s.state, s.revision, s.accession_number, s.study_instance_uid) for s in found],
        empty="No study has arrived yet.",
    )
