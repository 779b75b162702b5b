"""`cxr models promote` and `rollback`: which model reads is a person's decision, and is written down."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from db import models
from db import snapshots as snapshot_rows
from db.learning_records import Model, ModelState
from inference import admission
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    confirm,
    opened,
    print_json,
    print_table,
    settings_of,
    who,
)
from node.errors import SettingsError
from node.models import promotion as decision
from node.models import registry
from node.models.promotion import Evidence, WorseError, require_better
from node.process.clock import utc_now
from node.settings import Settings
from training import promote as promotion
from training import snapshot as snapshots
from training.promote import Comparison, Standing
from training.roc import Interval
from training.snapshot import Item

DIFFERENCE = "difference (95 %)"
"""The heading over what `signed` prints."""
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")]


def promote(
    version: Annotated[str, typer.Argument(help="As `cxr models list` shows it.")],
    snapshot: Annotated[
        Path | None, typer.Option(help="A snapshot's folder; the two models are compared on its test patients.")
    ] = None,
    by: ByOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also if it is worse, or was not compared.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; goes to the audit log, so nothing of a patient.")] = None,
    yes: YesOption = False,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads for one image; 0 is one a core.")] = 0,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a candidate beside the model that reads, on the same test patients, and let it read from now on.

    It is refused if it is worse: if the interval of the difference of the mean AUC lies below 0, if the mean is lower
    by more than 0.01, or if a finding is lost. Then, or without a snapshot, --force needs a --reason. Scores are kept,
    so that asking again is quick, and whatever stops it, the next time goes on from there. Running nodes take the model
    up with their next study.

    Example: cxr models promote spring-1 --snapshot data/snapshots/spring
    """
    if force and not (reason or "").strip():
        raise SettingsError("--force needs a --reason, which is written down")
    actor, settings, database = who(by), settings_of(config, data), opened(config, data)
    with database.read() as connection:
        candidate, current = models.get(connection, version), models.current(connection)
    if candidate.state is ModelState.CURRENT:
        raise SettingsError(f"{version} is the model that reads already")
    admission.prove(registry.bundle_of(candidate, settings.data))
    comparison = None
    if snapshot and current:
        with database.read() as connection:
            known = [each.sha256 for each in snapshot_rows.newest(connection)]
        comparison = _compared(current, candidate, snapshot, settings, threads=threads, known=known)
    if comparison and not as_json:
        _show(comparison)
    evidence = Evidence(
        over=current.version if current else None,
        compared=None if comparison is None else asdict(comparison),
        objections=comparison.objections if comparison else (),
    )
    _decide(version, evidence, force=force)
    confirm(f"Let {version} read from now on?", yes=yes)
    words = decision.promote(
        database,
        settings.data,
        version,
        evidence,
        by=actor,
        now=utc_now(),
        insist=force,
        reason=reason or "",
    )
    if as_json:
        print_json({"promoted": version} | words)
    else:
        _say(f"{version} reads from the next study on.", settings)


def rollback(
    by: ByOption = None,
    reason: Annotated[str | None, typer.Option(help="Why; goes to the audit log, so nothing of a patient.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the last promotion back: the model that read before reads again. Once more goes one further back.

    Example: cxr models rollback --reason "too many false pneumothoraces"
    """
    actor, settings, database = who(by), settings_of(config, data), opened(config, data)
    words = decision.roll_back(database, settings.data, by=actor, now=utc_now(), reason=reason or "")
    if as_json:
        print_json(words)
    else:
        _say(f"{words['to']} reads again; {words['from']} is a candidate.", settings)


def _compared(
    current: Model, candidate: Model, snapshot: Path, settings: Settings, *, threads: int, known: Collection[str]
) -> Comparison:
    console = Console(stderr=True)
    columns = TextColumn("Test images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()

    def track(items: Sequence[Item]) -> Iterable[Item]:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            yield from progress.track(items)

    return promotion.compare(
        registry.bundle_of(current, settings.data),
        registry.bundle_of(candidate, settings.data),
        snapshots.read(snapshot),
        folder=settings.data / "scores",
        track=track,
        threads=threads,
        known=known,
    )


def _decide(version: str, evidence: Evidence, *, force: bool) -> None:
    """Refuse a candidate that is worse, or of which nobody knows; who insists is told so."""
    try:
        require_better(version, evidence)
    except WorseError as error:
        if not force:
            raise SettingsError(f"{error}: --force --reason TEXT") from error
        for objection in evidence.objections or ("Nothing was compared.",):
            typer.echo(objection, err=True)


def _show(comparison: Comparison) -> None:
    typer.echo(
        f"{comparison.candidate} beside {comparison.current} on {comparison.images} test images of "
        f"{comparison.patients} patients, snapshot {comparison.snapshot[:12]}"
    )
    rows: list[tuple[Any, ...]] = [
        (
            each.finding,
            f"{each.positives} / {each.negatives}",
            f"{each.current.auc.value:.3f}",
            f"{each.candidate.auc.value:.3f}",
            signed(each.difference),
            _point(each.current),
            _point(each.candidate),
        )
        for each in comparison.findings
    ]
    means = f"{comparison.current_mean:.3f}", f"{comparison.candidate_mean:.3f}"
    rows.append(("mean", "", *means, signed(comparison.difference), "", ""))
    headings = (
        "finding",
        "with / without",
        "AUC now",
        "candidate",
        DIFFERENCE,
        "sens / spec now",
        "candidate",
    )
    print_table(headings, rows, empty="")
    for words, names in (("Only the current model knows", comparison.lost), ("Only the candidate", comparison.gained)):
        if names:
            typer.echo(f"{words}: {', '.join(names)}.")
    for version in comparison.untraced:
        typer.echo(
            f"The card of {version} names no snapshot of this node; if it learnt from any of these patients, "
            "it looks too good."
        )


def signed(interval: Interval) -> str:
    """A difference of AUCs with its interval."""
    return f"{interval.value:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"


def _point(standing: Standing) -> str:
    return f"{standing.sensitivity:.2f} / {standing.specificity:.2f}"


def _say(sentence: str, settings: Settings) -> None:
    typer.echo(sentence)
    if settings.reading.model is not None:
        typer.echo("But these settings name a bundle in reading.model, and the node reads with that one.", err=True)
