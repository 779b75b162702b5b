"""`cxr accept-loss`: a person says that a damaged or missing file will not come back."""

from dataclasses import asdict
from typing import Annotated

import typer

from node.commands.options import ByOption, ConfigOption, DataOption, JsonOption, opened, print_json, who
from node.errors import SettingsError
from node.process.clock import utc_now
from node.upkeep import loss


def accept_loss(
    uids: Annotated[list[str], typer.Argument(metavar="UID...", help="SOP Instance UIDs, as `cxr verify` shows them.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it will not come back; no patient's data.")
    ],
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept that damaged or missing files are lost: `cxr verify` counts them and fails of them no more.

    Who did so, and why, is in the audit log; give no patient's data as the reason. An image that is lost is not read,
    and its study's job ends and says so; a result that is lost is not sent. Nothing is deleted: a file in the
    quarantine stays there. The same image sent again, or a whole copy put back, ends the loss. If one of the UIDs is
    not damaged or missing, none is accepted.

    Example: cxr accept-loss 1.2.840.99.1 --reason "disk failure in March, the archive has none either"
    """
    if not reason.strip():
        raise SettingsError("say why with --reason; the audit log keeps it")
    database = opened(config, data)
    done = loss.accept(database, list(dict.fromkeys(uids)), reason.strip(), by=who(by), now=utc_now())
    database.close()
    if as_json:
        print_json(asdict(done))
        return
    if not done.sop_instance_uids:
        typer.echo("That was accepted before; nothing is changed.")
        return
    typer.echo(f"{len(done.sop_instance_uids)} files are accepted as lost; cxr verify fails of them no more.")
    if done.jobs:
        typer.echo(f"Jobs that had failed of them run again, and end without: {', '.join(map(str, done.jobs))}.")
