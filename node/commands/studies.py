"""`cxr studies`: what has arrived."""

from db import studies
from node.commands.options import ConfigOption, DataOption, JsonOption, LimitOption, opened, print_json, print_table


def list_studies(
    config: ConfigOption = None, data: DataOption = None, limit: LimitOption = 20, as_json: JsonOption = False
) -> None:
    """List studies and their states, the newest first.

    Example: cxr studies --limit 50
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
