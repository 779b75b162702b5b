"""`cxr instances`: the images, and why some are not read."""

import typer

from db import studies
from node.commands.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    LimitOption,
    UidsOption,
    opened,
    print_json,
    print_table,
)


def instances(
    config: ConfigOption = None,
    data: DataOption = None,
    limit: LimitOption = 100,
    uids: UidsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List stored instances, the newest first; one that is not read says why.

    `file` says whether its file is here, or was found damaged or missing, or was removed by retention. --uids has all.

    Example: cxr instances --uids
    """
    with opened(config, data).read() as connection:
        if uids:
            typer.echo("\n".join(studies.instance_uids(connection)))
            return
        found = studies.newest_instances(connection, limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["received", "from", "file", "reason", "why it is not read", "SOP Instance UID"],
        [
            (i.received_at, i.calling_ae, i.absence or "here", i.reason, i.reason_detail, i.sop_instance_uid)
            for i in found
        ],
        empty="No instance has arrived yet.",
    )
