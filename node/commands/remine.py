"""`cxr reports remine`: mine the stored reports again, or see what that would change."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from db import minings
from db.engine import Database
from db.report_records import MinerIdentity, Mining
from nlp import candidate, miner, workers
from nlp.datafiles import SHIPPED, Sources
from node.commands.mining import ModelOption, PolicyOption, WorkersOption, plain_errors, settings_with
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table
from node.errors import SettingsError
from node.labels import mining, trials
from node.labels.relabelling import Relabelling
from node.process.clock import utc_now

SHOWN = 50
"""Changes that are listed for a person; `--json` has all."""

T = TypeVar("T")


def remine(
    config: ConfigOption = None,
    data: DataOption = None,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show which labels would change.")] = False,
    policy: PolicyOption = None,
    model: ModelOption = None,
    replaces: Annotated[
        str | None,
        typer.Option(
            "--replace", metavar="NAME=FILE", help="Mine with this file in place of one of the shipped, with --diff."
        ),
    ] = None,
    processes: WorkersOption = 1,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many reports, the oldest first.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Mine the current version of every report that the miner in force (lexicon, rules, model, policy) has not mined.

    Its labels hold from then on; the old ones are kept. Whatever stops it, the next run goes on from there. --policy,
    --model and --replace are for --diff only: what the node mines with is in the settings and the shipped files.

    Example: cxr reports remine --diff --replace rules/negation.toml=mine.toml
    """
    in_force = settings_with(config, data, None, None)
    wanted = settings_with(config, data, policy, model)
    if wanted != in_force and not diff:
        raise SettingsError("set mining.policy and mining.language_model in the settings; only --diff tries others")
    if replaces is not None and not diff:
        raise SettingsError("--replace is for --diff; the files that come with the product are in force")
    with plain_errors(), _sources(replaces) as sources:
        identity = miner.identity(wanted.language_model, wanted.policy, sources)
        database = opened(config, data)
        with database.read() as connection:
            ids = minings.unmined(connection, identity, only_current=True, limit=limit)
        mine = partial(
            workers.mine, model=wanted.language_model, policy=wanted.policy, workers=processes, sources=sources
        )
        readings = _readings(database, ids, identity, mine)
        if diff:
            _show(identity, _compare(database, readings), as_json)
        else:
            _say(identity, sum(mining.store(database, readings)), as_json)


def _readings(database: Database, ids: Sequence[int], identity: MinerIdentity, mine: mining.Mine) -> Iterator[Mining]:
    """Mine these report versions, with progress on the standard error."""
    if ids:
        yield from _tracked(mining.read(database, ids, mine, identity.language_model, utc_now), len(ids))


def _tracked(items: Iterable[T], total: int) -> Iterable[T]:
    console = Console(stderr=True)
    return track(
        items, total=total, description="Mining", console=console, transient=True, disable=not console.is_terminal
    )


def _compare(database: Database, readings: Iterator[Mining]) -> Relabelling:
    found = Relabelling()
    for batch in trials.batches(readings, mining.BATCH):
        trials.compare(database, found, batch)
    return found


@contextmanager
def _sources(replaces: str | None) -> Iterator[Sources]:
    """The files to mine with: the shipped ones, or a copy of them with one replaced."""
    if replaces is None:
        yield SHIPPED
        return
    file, _, path = replaces.partition("=")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("--replace names no file that can be read; write rules/negation.toml=FILE") from error
    with tempfile.TemporaryDirectory(prefix="cxr-lexicon-") as folder:
        yield candidate.replaced(Path(folder), file, text)


def _say(identity: MinerIdentity, number: int, as_json: bool) -> None:
    if as_json:
        print_json({"miner": identity, "mined": number})
    elif number:
        typer.echo(f"{number} reports mined; their labels hold from now on.")
    else:
        typer.echo("Nothing to do: the miner in force has mined the current version of every report.")


def _show(identity: MinerIdentity, found: Relabelling, as_json: bool) -> None:
    if as_json:
        counts = [dict(zip(("finding", "old", "new", "reports"), row, strict=True)) for row in found.counts()]
        print_json(
            {
                "miner": identity,
                "compared": found.compared,
                "never_mined": found.first,
                "changed": found.changed,
                "counts": counts,
                "changes": found.changes,
            }
        )
        return
    typer.echo(f"{found.compared} reports compared, {found.changed} would change; {found.first} were never mined.")
    if not found.changes:
        return
    counted = [(finding, number, f"{old} -> {new}") for finding, old, new, number in found.counts()]
    print_table(("finding", "reports", "change"), counted, empty="")
    typer.echo("")
    rows = [
        (each.report_id, each.finding, f"{each.old} -> {each.new}", each.rule_id, each.sentence)
        for each in found.changes[:SHOWN]
    ]
    print_table(("report", "finding", "change", "rule", "sentence"), rows, empty="")
    if len(found.changes) > SHOWN:
        typer.echo(f"and {len(found.changes) - SHOWN} more; --json has all")
