"""`cxr reports search`: the reports that fit, as the console's page finds them."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from db import report_search
from db.report_search import FoundReport, Wanted
from db.vocabulary import NORMAL, Assertion
from node.commands.options import ConfigOption, DataOption, JsonOption, LimitOption, opened, print_json, print_table
from node.errors import SettingsError
from node.labels.correction import finding_named


def search(
    config: ConfigOption = None,
    data: DataOption = None,
    accession: Annotated[str | None, typer.Option(help="Accession number.")] = None,
    patient: Annotated[str | None, typer.Option(help="Patient id.")] = None,
    finding: Annotated[str | None, typer.Option(help="A finding, or Normal.")] = None,
    state: Annotated[Assertion, typer.Option(help="What the report says of the finding.")] = Assertion.POSITIVE,
    since: Annotated[datetime | None, typer.Option(help="Reports of this time or later.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Reports before this time.")] = None,
    word: Annotated[list[str] | None, typer.Option(help="In the text; more than one must all be there.")] = None,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """Find reports by accession number, patient, time, finding and its state, and words of the text.

    Reports have the version that holds, the latest by their own times first. Times are this machine's.

    Example: cxr reports search --finding Pneumothorax --state uncertain --word apical
    """
    wanted = Wanted(
        accession_number=accession,
        patient_id=patient,
        finding=None if finding is None else finding_named(finding),
        assertion=state,
        since=since and since.astimezone(UTC),
        until=until and until.astimezone(UTC),
        words=tuple(word or ()),
    )
    if finding is not None and (
        state is Assertion.UNMENTIONED or (wanted.finding, state) == (NORMAL, Assertion.NEGATIVE)
    ):
        raise SettingsError("only what a report says can be searched for; give another --state")
    found: list[FoundReport] = []
    after = None
    with opened(config, data).read() as connection:
        while len(found) < limit:
            page = report_search.find(connection, wanted, after=after, limit=limit - len(found))
            found += page.reports
            after = page.further
            if after is None:
                break
    if as_json:
        print_json(found)
        return
    columns = ("report", "of", "accession", "status", "says")
    rows = [(each.report_id, each.version_at, each.accession_number, each.status, _says(each)) for each in found]
    print_table(columns, rows, empty="No report fits.")


def _says(of: FoundReport) -> str:
    if of.standing is None:
        return "no labels"
    if of.standing.normal:
        return NORMAL
    return ", ".join(f"{name} {state}" for name, state in of.standing.states.items()) or "none of these"
