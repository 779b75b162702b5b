"""`cxr results retract`: taking results back is a person's decision, and is written down."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from db import concordance, retractions, studies
from db.engine import Database
from db.retractions import Extent, TakenBack, Wanted
from db.vocabulary import RejectionReason
from node.commands import progress
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    confirm,
    opened,
    print_json,
    print_table,
    who,
)
from node.errors import SettingsError
from node.process.clock import utc_now
from node.study import acts

AT_ONCE = 20
"""Studies that one transaction takes back; each is whole in it."""

REASONS = ", ".join(f"{reason} ({reason.code.value})" for reason in RejectionReason)


def retract(
    reason: Annotated[str, typer.Option("--reason", metavar="CODE", help=f"{REASONS}.")],
    study: Annotated[str | None, typer.Option("--study", metavar="UID", help="Of this study.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="VERSION", help="Made by this model version.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Built from then on: 2026-03-14 or 2026-03-14T09:30.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show how much it is, and take nothing back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take results back: each destination that got some is sent a rejection note, and what waits is withdrawn.

    Nothing is deleted here: the results stay, as taken back, and the audit log says who did it and why. An archive that
    knows IHE's IOCM hides what a rejection note (a Key Object) names; others keep it, and show the note beside it.
    --study, --model and --since narrow down together. The node sends the notes, as soon as it runs. Stopped in between,
    the same command again goes on.

    Example: cxr results retract --model spring-1 --since 2026-03-14 --reason quality --dry-run
    """
    wanted, because = _wanted(study, model, since), _reason(reason)
    actor, database = who(by), opened(config, data)
    with database.read() as connection:
        if study is not None and studies.find(connection, study) is None:
            raise SettingsError("no study has this UID; `cxr studies` lists them")
        whole, parts = retractions.extent(connection, wanted), retractions.extents(connection, wanted)
    if not as_json:
        _show(whole, parts)
    if dry_run or not whole.objects:
        if as_json:
            print_json(_words(whole, parts) | {"retracted": []})
        return
    confirm(f"Take {whole.objects} results of {whole.studies} studies back?", yes=yes)
    taken = _take_back(database, wanted, because, actor)
    database.close()
    if as_json:
        print_json(_words(whole, parts) | {"retracted": [asdict(each) for each in taken]})
    else:
        notes = sum(len(each.destinations) for each in taken)
        typer.echo(
            f"{sum(each.objects for each in taken)} results of {len(taken)} studies are taken back; {notes} rejection "
            f"notes are queued for the destinations, and `cxr results` shows how far they get."
        )


def _take_back(database: Database, wanted: Wanted, reason: RejectionReason, actor: str) -> list[TakenBack]:
    with database.read() as connection:
        study_ids = retractions.study_ids(connection, wanted)
    taken: list[TakenBack] = []
    with progress.meter(len(study_ids)) as meter:
        for start in range(0, len(study_ids), AT_ONCE):
            some = study_ids[start : start + AT_ONCE]
            with database.write() as connection:
                for study_id in some:
                    done = acts.take_back(connection, study_id, wanted, reason, actor=actor, now=utc_now())
                    if done is not None:  # else somebody else took it back meanwhile
                        taken.append(done)
                concordance.refresh(connection, some)
            meter.advance(len(some))
            meter.show(f"{len(taken)} studies taken back")
    return taken


def _wanted(study: str | None, model: str | None, since: str | None) -> Wanted:
    if study is None and model is None and since is None:
        raise SettingsError("say which results: --study UID, --model VERSION or --since TIME")
    try:
        time = None if since is None else datetime.fromisoformat(since).astimezone()
    except ValueError as error:
        raise SettingsError("--since takes a time such as 2026-03-14 or 2026-03-14T09:30") from error
    return Wanted(study_instance_uid=study, model_version=model, since=time)


def _reason(text: str) -> RejectionReason:
    for reason in RejectionReason:
        if text in (reason.value, reason.code.value):
            return reason
    raise SettingsError(f"--reason is one of {REASONS}")


def _show(whole: Extent, parts: list[Extent]) -> None:
    rows = [(each.destination, each.studies, each.objects, each.waiting) for each in parts]
    print_table(
        ["destination", "studies", "objects that it got", "objects that still wait"],
        rows,
        empty="Nothing of it was sent anywhere.",
    )
    typer.echo(f"In all {whole.objects} results of {whole.studies} studies to take back.")


def _words(whole: Extent, parts: list[Extent]) -> dict[str, Any]:
    return {"studies": whole.studies, "objects": whole.objects, "destinations": [asdict(each) for each in parts]}
