"""`cxr callers`: the peers of the node's ports."""

import typer

from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.reception.callers import IMAGES, Callers, gather


def callers(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show who may send to the node, who sent the last images, and who was turned away lately.

    Example: cxr callers --config node.toml
    """
    found = gather(opened(config, data), settings_of(config, data))
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: Callers) -> None:
    print_table(
        ["may send images", "from", "listens at", "certificate"],
        [
            (
                each.ae_title,
                ", ".join(each.addresses),
                f"{each.host}:{each.port}" if each.host else None,
                each.certificate_name,
            )
            for each in found.allowed
        ],
        empty="Nobody may send images; name them in [[dicom.peers]].",
    )
    typer.echo(f"Reports may come from {', '.join(found.reports_from)}.\n")
    print_table(
        [f"sent the last {IMAGES} images", "from", "images", "last"],
        [(each.calling_ae, each.calling_address, each.images, each.last_at) for each in found.seen],
        empty="Nobody has sent an image yet.",
    )
    typer.echo()
    print_table(
        ["turned away", "from", "when", "why", "repeated"],
        [
            (each.actor, each.subject, each.at, each.detail.get("reason"), each.detail.get("repeated"))
            for each in found.refused
        ],
        empty="Nobody was turned away.",
    )
