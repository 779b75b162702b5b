"""`cxr destinations`: where results go, and whether they would arrive."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.destinations import standing, tryout
from node.destinations.tryout import Outcome
from node.errors import NodeError

destinations_app = typer.Typer(no_args_is_help=True, help="Where results go: look, and try.")


class TrialError(NodeError):
    """A destination does not take all of a trial, or does not keep it."""


@destinations_app.command("list")
def list_destinations(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the destinations of the settings: where each is, and which results it gets.

    Example: cxr destinations list --config node.toml
    """
    found = standing.described(settings_of(config, data))
    if as_json:
        print_json(found)
        return
    print_table(
        ["name", "protocol", "address", "TLS", "results", "only with a finding", "commitment"],
        [
            (
                each.name,
                each.protocol,
                each.address,
                "yes" if each.tls else "",
                ", ".join(each.results),
                "yes" if each.only_above else "",
                "yes" if each.commitment else "",
            )
            for each in found
        ],
        empty="The settings have no destination; results are only stored.",
    )


@destinations_app.command("state")
def state(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show how it stands with each destination: when it last took something, what has not arrived, and why.

    Example: cxr destinations state --config node.toml
    """
    with opened(config, data).read() as connection:
        found = standing.standings(connection, settings_of(config, data))
    if as_json:
        print_json(found)
        return
    print_table(
        ["name", "last took something", "not arrived", "why"],
        [
            (
                each.name,
                each.last_sent_at,
                ", ".join(f"{count} {state}" for state, count in sorted(each.unsettled.items())),
                "; ".join(f"{trouble.jobs} jobs: {trouble.error}" for trouble in each.troubles),
            )
            for each in found
        ],
        empty="The settings have no destination; results are only stored.",
    )


@destinations_app.command("test")
def try_out(
    name: Annotated[str, typer.Argument(help="The destination, as `cxr destinations list` shows it.")],
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for its commitment, where it has to commit.")
    ] = 30,
    sender: Annotated[
        str | None, typer.Option(help="The AE title that the study is to come from, where results go back to that.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a synthetic patient's radiograph and results to a destination, and show what became of each object.

    The patient is PHANTOM^CHEST; remove the study there afterwards. The running node hears a commitment report.

    Example: cxr destinations test pacs --config node.toml
    """
    settings = settings_of(config, data)
    say = Console(stderr=True)
    with say.status("Trying it out") as status:
        outcome = tryout.run(
            settings, lambda: opened(config, data), name, sender=sender, wait_s=wait_s, say=status.update
        )
    _show(outcome, as_json=as_json)
    if outcome.fault is not None:
        raise TrialError(outcome.fault)


def _show(outcome: Outcome, *, as_json: bool) -> None:
    rows = [asdict(each) for each in outcome.objects]
    if as_json:
        print_json({"study_instance_uid": outcome.study_instance_uid, "objects": rows})
        return
    columns = ["object", "answer", "sop_class", "transfer_syntax", "committed"]
    print_table(
        ["object", "answer", "SOP Class", "transfer syntax", "committed"],
        [[row[column] for column in columns] for row in rows],
        empty="Nothing was sent.",
    )
    typer.echo(f"Study {outcome.study_instance_uid} of PHANTOM^CHEST; remove it there.")
