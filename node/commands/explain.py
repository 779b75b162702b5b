"""`cxr reports explain`: what mining makes of one report, and why."""

from pathlib import Path
from typing import Annotated

import typer

from db import minings, reports
from db.engine import Connection
from db.report_records import Mining, ReportText
from db.vocabulary import FINDINGS, Assertion
from nlp import miner, workers
from node.commands.mining import ModelOption, PolicyOption, plain_errors, settings_with
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.errors import SettingsError
from node.labels import mining
from node.process.clock import utc_now
from node.sections.running import MiningSettings
from node.settings import DATABASE_FILE


def explain(
    report: Annotated[
        str | None,
        typer.Argument(metavar="TEXT|ID", help="A report's text; or the number or accession number of a stored one."),
    ] = None,
    accession: Annotated[str | None, typer.Option(help="A stored report's accession number.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Mine a stored report anew; nothing is written.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    policy: PolicyOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what mining makes of a report: each mention, its state, and the rule that decided it.

    Of a stored report it shows the labels that hold; what it would be now with --again, --policy or --model.

    Example: cxr reports explain "No change in the left effusion. No pneumothorax."
    """
    if (report is None) == (accession is None):
        raise SettingsError("give a report's text or number, or --accession with the number of a stored one")
    settings = settings_with(config, data, policy, model)
    stored = _stored(config, data, report, accession)
    if stored is None:
        with plain_errors():
            made = miner.load(settings.language_model)
        mined = made.mine(made.sections(report or ""), settings.policy)
        if as_json:
            print_json(mined)
        else:
            _show(mining.reading(0, mined, settings.language_model, utc_now()))
        return
    text, held = stored
    if held is None or again or policy or model:
        held = _mined_now(text, settings)
    if as_json:
        print_json({"report_id": text.id, "text": text.text, "mining": held})
        return
    typer.echo(f"report version {text.id}\n\n{text.text}\n")
    _show(held)


def _mined_now(text: ReportText, settings: MiningSettings) -> Mining:
    with plain_errors():
        (mined,) = workers.mine([text], model=settings.language_model, policy=settings.policy, workers=1)
        identity = miner.identity(settings.language_model, settings.policy)
    return mining.reading(text.id, mined, identity.language_model, utc_now())


def _stored(
    config: Path | None, data: Path | None, name: str | None, accession: str | None
) -> tuple[ReportText, Mining | None] | None:
    """The stored report meant, and the reading of it that holds; None if `name` is a report's text.

    A number is a report version, else an accession number. Another word alone may be an accession number, where there
    is a database.
    """
    if accession is None and name is not None and not _may_name(config, data, name):
        return None
    with opened(config, data).read() as connection:
        found = _find(connection, name, accession)
        if found is not None:
            return found, minings.current(connection, [found.id]).get(found.id)
    if accession is not None:
        raise SettingsError("no report has arrived under this accession number")
    if name is not None and name.isdecimal():
        raise SettingsError("no report version and no accession number is that; see cxr reports count")
    return None


def _may_name(config: Path | None, data: Path | None, name: str) -> bool:
    if name.isdecimal():
        return True
    settings = settings_of(config, data)
    there = settings.database.url is not None or (settings.data / DATABASE_FILE).exists()
    return there and len(name.split()) == 1


def _find(connection: Connection, name: str | None, accession: str | None) -> ReportText | None:
    if name is not None and name.isdecimal() and len(name) < 10:
        texts = minings.texts(connection, [int(name)], workers.LONGEST + 1)
        if texts:
            return texts[0]
    current = reports.current(connection, accession or name or "")
    return None if current is None else ReportText(id=current.id, text=current.text, sections=current.sections)


def _show(shown: Mining) -> None:
    positive = [name for name in FINDINGS if shown.state(name) is Assertion.POSITIVE]
    verdict = "Normal" if shown.normal else ", ".join(positive) or "no label"
    by = shown.miner
    typer.echo(f"{shown.readability}: {verdict}   (policy {by.policy}, lexicon {by.lexicon_version}, ", nl=False)
    typer.echo(f"rules {by.rules_version})")
    deciding = set(shown.labels.values())
    print_table(
        ("concept", "finding", "state", "rule", "decides", "section", "characters", "sentence"),
        [
            (
                item.concept,
                item.finding,
                item.assertion,
                item.rule_id,
                "yes" if place in deciding else None,
                item.section,
                f"{item.start}-{item.end}",
                item.sentence,
            )
            for place, item in enumerate(shown.mentions)
        ],
        empty="No finding is mentioned.",
    )
