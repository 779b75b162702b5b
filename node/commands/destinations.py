"""`cxr destinations`: where results go, and whether they would arrive."""

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from pydicom.uid import UID
from rich.console import Console

from db import trials
from db.engine import Database
from inference import bundle as model_bundle
from node.clock import utc_now
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.destinations import outbound, trial
from node.destinations.delivery import NOT_OFFERED, Recipient
from node.destinations.routes import Route, back_to
from node.destinations.trial import Trial
from node.dicom.commitment import Report
from node.dicom.outgoing import NO_CONTEXT, Answer
from node.errors import NodeError, SettingsError
from node.models import service
from node.sections.remote import DestinationSettings

destinations_app = typer.Typer(no_args_is_help=True, help="Where results go: look, and try.")

LOOK_S = 0.2


class TrialError(NodeError):
    """A destination does not take all of a trial, or does not keep it."""


@destinations_app.command("list")
def list_destinations(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the destinations of the settings: where each is, and which results it gets.

    Example: cxr destinations list --config node.toml
    """
    settings = settings_of(config, data)
    rows = [
        {
            "name": each.name,
            "protocol": each.protocol,
            "address": _where(each),
            "tls": each.tls is not None or (each.url or "").startswith("https:"),
            "results": sorted(route.kinds),
            "only_above": each.only_above,
            "commitment": each.commitment,
        }
        for each, route in zip(settings.destinations, outbound.routes(settings), strict=True)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["name", "protocol", "address", "TLS", "results", "only with a finding", "commitment"],
        [
            (
                row["name"],
                row["protocol"],
                row["address"],
                "yes" if row["tls"] else "",
                ", ".join(outbound.routes(settings)[number].kinds),
                "yes" if row["only_above"] else "",
                "yes" if row["commitment"] else "",
            )
            for number, row in enumerate(rows)
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
    route = next((each for each in outbound.routes(settings) if each.name == name), None)
    if route is None:
        raise SettingsError(f"the settings have no destination {name!r}; `cxr destinations list` shows them")
    early: dict[str, dict[str, str]] = {}
    ways_out = outbound.build(settings, lambda report: _heard(early, report))
    recipient = _recipient(ways_out.recipients, route, sender)
    database = opened(config, data) if recipient.commitment else None
    say = Console(stderr=True)
    try:
        with say.status("Reading the phantom"):
            model = service.load(model_bundle.load(settings.reading.model or model_bundle.STARTER), threads=0)
        with trial.pieces(model, route.kinds, utc_now()) as (study_instance_uid, objects):
            say.print(f"Sending {len(objects)} objects of a synthetic patient to {name}")
            outcome = trial.run(recipient, study_instance_uid, objects, lambda uid: _note(database, uid, name))
            failed = _awaited(database, outcome, early, wait_s, say)
    finally:
        ways_out.close()
        if database is not None:
            database.close()
    _show(outcome, failed, recipient, as_json=as_json)


def _recipient(recipients: Mapping[str, Recipient], route: Route, sender: str | None) -> Recipient:
    if not route.return_to_sender:
        return recipients[route.name]
    found = recipients.get(back_to(route.name, sender or ""))
    if found is None:
        every = (name.partition(":") for name in recipients)
        known = ", ".join(ae_title for name, _, ae_title in every if name == route.name) or "none yet"
        raise SettingsError(f"results go back to who sent the study: name an AE title with --sender ({known})")
    return found


def _note(database: Database | None, transaction_uid: str, name: str) -> None:
    if database is not None:
        with database.write() as connection:
            trials.ask(connection, transaction_uid, name, utc_now())


def _heard(early: dict[str, dict[str, str]], report: Report) -> bool:
    """A report that came on our own association."""
    early[report.transaction_uid] = {
        reference.sop_instance_uid: f"failure reason {reason:#06x}" for reference, reason in report.failed
    }
    return True


def _awaited(
    database: Database | None, outcome: Trial, early: dict[str, dict[str, str]], wait_s: float, say: Console
) -> dict[str, str] | None:
    """What the destination does not keep, by UID with the reason; None if it did not say in time, or was not asked."""
    if database is None or outcome.asked != 0:
        return None
    end = time.monotonic() + wait_s
    with say.status("Waiting for its commitment report"):
        while True:
            with database.read() as connection:
                failed = trials.answer(connection, outcome.transaction_uid)
            if failed is None:
                failed = early.get(outcome.transaction_uid)
            if failed is not None or time.monotonic() > end:
                return failed
            time.sleep(LOOK_S)


def _show(outcome: Trial, failed: dict[str, str] | None, recipient: Recipient, *, as_json: bool) -> None:
    rows = [
        {
            "object": piece.kind,
            "stored": answer.stored,
            "answer": "accepted" if answer.status == 0 else answer.words,
            "sop_class": UID(answer.sent.sop_class_uid).name if answer.sent else None,
            "transfer_syntax": UID(answer.sent.transfer_syntax_uid).name if answer.sent else None,
            "committed": _commitment(answer, outcome, failed) if recipient.commitment else None,
            "sop_instance_uid": answer.sent.sop_instance_uid if answer.sent else piece.outgoing.sop_instance_uid,
        }
        for piece, answer in outcome.answers
    ]
    if as_json:
        print_json({"study_instance_uid": outcome.study_instance_uid, "objects": rows})
    else:
        columns = ["object", "answer", "sop_class", "transfer_syntax", "committed"]
        print_table(
            ["object", "answer", "SOP Class", "transfer syntax", "committed"],
            [[row[column] for column in columns] for row in rows],
            empty="Nothing was sent.",
        )
        typer.echo(f"Study {outcome.study_instance_uid} of PHANTOM^CHEST; remove it there.")
    refused = [row for row in rows if not row["stored"]]
    if refused:
        raise TrialError(f"{len(refused)} of {len(rows)} objects were not taken; enable their SOP Classes there")
    if recipient.commitment and failed != {}:
        raise TrialError("not all objects are committed to; the table says why")


def _commitment(answer: Answer, outcome: Trial, failed: dict[str, str] | None) -> str:
    if not answer.stored or answer.sent is None:
        return ""
    if outcome.asked == NO_CONTEXT:
        return f"no: {NOT_OFFERED}"
    if outcome.asked != 0:
        return f"no: it answered {outcome.asked:#06x} to the request"
    if failed is None:
        return "no report came: does it know our AE title, host and port, and does cxr serve run?"
    reason = failed.get(answer.sent.sop_instance_uid)
    return f"no: {reason}" if reason else "yes"


def _where(each: DestinationSettings) -> str:
    if each.return_to_sender:
        return "who sent the study"
    return each.url or f"{each.ae_title}@{each.host}:{each.port}"
