"""Trying a destination out: a synthetic patient goes there, and what it says of each object is put into words."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.uid import UID

from db import trials
from db.engine import Database
from node.destinations import outbound
from node.destinations.delivery import Recipient
from node.destinations.ending import NOT_OFFERED
from node.destinations.routes import Route, back_to
from node.dicom.commitment import Report
from node.dicom.outgoing import NO_CONTEXT, Answer
from node.errors import SettingsError
from node.process.clock import utc_now
from node.settings import Settings

if TYPE_CHECKING:
    from node.destinations.trial import Trial

LOOK_S = 0.2

Say = Callable[[str], object]
"""Is told what is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One object of the trial, what the destination answered, and in which form it went.

    `committed` is None where the destination does not have to commit, else "yes" or why not.
    """

    object: str
    stored: bool
    answer: str
    sop_class: str | None
    transfer_syntax: str | None
    committed: str | None
    sop_instance_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a trial; the study is to be removed at the destination. `fault` says what is not as it should."""

    study_instance_uid: str
    objects: tuple[Tried, ...]
    fault: str | None


def run(
    settings: Settings, database: Callable[[], Database], name: str, *, sender: str | None, wait_s: float, say: Say
) -> Outcome:
    """Send a synthetic patient's radiograph and results to a destination.

    Args:
        database: opens the node's, in which the running node notes a commitment report; asked for only then.
        sender: the AE title that the study is to come from, where results go back to that.
        wait_s: how long to wait for a commitment.

    Raises:
        SettingsError: there is no such destination, or it needs a sender.
        UnreachableError: there is no way to it.
    """
    # Models and makers of results: who offers a trial on a page loads them when one is wanted.
    from inference import bundle  # noqa: PLC0415
    from node.destinations import trial  # noqa: PLC0415
    from node.models import service  # noqa: PLC0415

    route = next((each for each in outbound.routes(settings) if each.name == name), None)
    if route is None:
        raise SettingsError(f"the settings have no destination {name!r}; `cxr destinations list` shows them")
    early: dict[str, dict[str, str]] = {}
    with closing(outbound.build(settings, lambda report: _heard(early, report))) as ways_out:
        recipient = _recipient(ways_out.recipients, route, sender)
        asking = database() if recipient.commitment else None
        say("Reading the phantom")
        model = service.load(bundle.load(settings.reading.model or bundle.STARTER), threads=0)
        with trial.pieces(model, route.kinds, utc_now()) as (study_instance_uid, objects):
            say(f"Sending {len(objects)} objects of a synthetic patient to {name}")
            outcome = trial.run(recipient, study_instance_uid, objects, lambda uid: _note(asking, uid, name))
            say("Waiting for its commitment report")
            failed = _awaited(asking, outcome, early, wait_s)
    return _told(outcome, failed, commitment=recipient.commitment)


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
    database: Database | None, outcome: "Trial", early: dict[str, dict[str, str]], wait_s: float
) -> dict[str, str] | None:
    """What the destination does not keep, by UID with the reason; None if it did not say in time, or was not asked."""
    if database is None or outcome.asked != 0:
        return None
    end = time.monotonic() + wait_s
    while True:
        with database.read() as connection:
            failed = trials.answer(connection, outcome.transaction_uid)
        if failed is None:
            failed = early.get(outcome.transaction_uid)
        if failed is not None or time.monotonic() > end:
            return failed
        time.sleep(LOOK_S)


def _told(outcome: "Trial", failed: dict[str, str] | None, *, commitment: bool) -> Outcome:
    objects = tuple(
        Tried(
            object=piece.kind,
            stored=answer.stored,
            answer="accepted" if answer.status == 0 else answer.words,
            sop_class=UID(answer.sent.sop_class_uid).name if answer.sent else None,
            transfer_syntax=UID(answer.sent.transfer_syntax_uid).name if answer.sent else None,
            committed=_commitment(answer, outcome, failed) if commitment else None,
            sop_instance_uid=answer.sent.sop_instance_uid if answer.sent else piece.outgoing.sop_instance_uid,
        )
        for piece, answer in outcome.answers
    )
    refused = sum(not each.stored for each in objects)
    fault = None
    if refused:
        fault = f"{refused} of {len(objects)} objects were not taken; enable their SOP Classes there"
    elif commitment and failed != {}:
        fault = "not all objects are committed to; the table says why"
    return Outcome(study_instance_uid=outcome.study_instance_uid, objects=objects, fault=fault)


def _commitment(answer: Answer, outcome: "Trial", failed: dict[str, str] | None) -> str:
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
