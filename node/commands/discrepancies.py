"""`cxr discrepancies`: where model and reports differ, and a radiologist's verdicts."""

from typing import Annotated

import typer

from db import discrepancies
from node.commands.options import ByOption, ConfigOption, DataOption, JsonOption, opened, print_json, print_table, who
from node.labels import correction, verdict
from node.labels.verdict import Verdict
from node.process.clock import utc_now

discrepancies_app = typer.Typer(no_args_is_help=True, help="Where model and reports differ: look, judge.")


@discrepancies_app.command("list")
def list_discrepancies(
    config: ConfigOption = None,
    data: DataOption = None,
    finding: Annotated[str | None, typer.Option(help="Only this finding.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List what nobody has judged, the most urgent first: a pneumothorax before all, then what the model is surest of.

    Left out are reports that came after the result, and what a report calls uncertain.

    Example: cxr discrepancies list --finding Pneumothorax
    """
    name = None if finding is None else correction.finding_named(finding)
    with opened(config, data).read() as connection:
        found = discrepancies.unjudged(connection, finding=name, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("finding", "model", "probability", "report", "accession", "study"),
        [
            (
                each.found.finding,
                "present" if each.found.present else "not above",
                f"{each.found.probability:.2f}",
                "positive" if each.found.reported else "not positive",
                each.accession_number,
                each.study_instance_uid,
            )
            for each in found
        ],
        empty="Model and reports do not differ, or nobody has spoken yet.",
    )


@discrepancies_app.command("decide")
def decide(
    study: Annotated[str, typer.Argument(help="Study Instance UID.")],
    finding: Annotated[str, typer.Option(help="The finding.")],
    right: Annotated[Verdict, typer.Option(help="Who is right; unsure: it cannot be said.")],
    config: ConfigOption = None,
    data: DataOption = None,
    reason: Annotated[str, typer.Option(help="Why; kept beside the label, not in the audit log.")] = "",
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who is right: a gold label of the study, which outranks what was mined, and is audited.

    Example: cxr discrepancies decide 2.25.4711 --finding Effusion --right model --by dr.lee
    """
    with opened(config, data).write() as connection:
        said = verdict.decide(connection, study, finding, right, actor=who(by), reason=reason, now=utc_now())
    if as_json:
        print_json({"study_instance_uid": study, "finding": correction.finding_named(finding), "assertion": said})
    else:
        typer.echo(f"{correction.finding_named(finding)} is {said} in this study from now on.")
