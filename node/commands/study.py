"""`cxr studies show`, `read` and `send`: one study, as its page in the console has it."""

from typing import Annotated

import typer

from db import dossier
from db.dossier import Dossier
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    opened,
    print_json,
    print_table,
    who,
)
from node.process.clock import utc_now
from node.study import outline, timeline
from node.study.acts import Acts, Outcome, UnknownStudyError

StudyArgument = Annotated[str, typer.Argument(metavar="UID", help="The study's Study Instance UID.")]


def show(
    study: StudyArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Show one study: its images, what models said, its reports and results, and what happened to it.

    With --json it is all that the study's page in the console has; the texts of reports are `cxr reports text`.

    Example: cxr studies show 1.2.840.113619.2.1
    """
    with opened(config, data).read() as connection:
        found = dossier.of_study(connection, study)
    if found is None:
        raise UnknownStudyError
    if as_json:
        print_json(outline.whole(found))
        return
    of = found.study
    typer.echo(f"{of.state}, revision {of.revision}, accession number {of.accession_number or 'none'}\n")
    _show_scores(found)
    print_table(
        ["at", "what happened", ""],
        [(each.at, each.what, each.detail) for each in timeline.events(found)],
        empty="Nothing is known of it.",
    )


def read(
    study: StudyArgument,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a study read again, by the model that is in service then.

    A reading that failed is tried again. Else the study gets a new revision: images that another model has read, or
    that were not read, get results that take the place of those before. Where the same model has read all of them there
    is nothing new to say, and nothing is sent. The node does it, as soon as it runs.

    Example: cxr studies read 1.2.840.113619.2.1
    """
    acts = Acts(database=opened(config, data), now=utc_now)
    _tell(acts.read_again(study, who(by)), as_json=as_json)


def send(
    study: StudyArgument,
    to: Annotated[str, typer.Option("--to", metavar="DESTINATION", help="Its name in the settings.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send what stands of a study's newest results to a destination again.

    They are the same SOP Instances, byte for byte, whatever the destination said of them before. What was taken back,
    or was never meant for it, is not sent. The node does it, as soon as it runs.

    Example: cxr studies send 1.2.840.113619.2.1 --to pacs
    """
    acts = Acts(database=opened(config, data), now=utc_now)
    _tell(acts.send_again(study, to, who(by)), as_json=as_json)


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome)
    else:
        typer.echo(outcome.sentence)


def _show_scores(found: Dossier) -> None:
    uids = {each.id: each.sop_instance_uid for each in found.instances}
    rows = [
        (
            uids[each.instance_id],
            each.model_version,
            score["finding"],
            f"{score['probability']:.2f}",
            f"{score['operating_point']:.2f}",
            "above" if score["probability"] >= score["operating_point"] else None,
        )
        for each in found.scores
        for score in each.scores
    ]
    columns = ["image", "model", "finding", "probability", "operating point", ""]
    print_table(columns, rows, empty="No model has read an image of it.")
    for each in found.instances:
        if each.reason is not None:
            typer.echo(f"{each.sop_instance_uid} is not read: {each.reason_detail or each.reason.sentence}")
    typer.echo("")
