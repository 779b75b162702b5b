"""`cxr models promote` and `rollback`: which model reads is a person's decision, and is written down."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from db import audit, jobs, models
from db import snapshots as snapshot_rows
from db.records import Model, ModelState
from inference import admission
from node.clock import utc_now
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
from node.models import registry
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
    _decide(comparison, current, force=force)
    confirm(f"Let {version} read from now on?", yes=yes)
    over = current.version if current else None
    words = {
        "over": over,
        "compared": None if comparison is None else asdict(comparison),
        "objections": list(comparison.objections) if comparison else [],
        "forced": force,
        "reason": reason or "",
    }
    with database.write() as connection:
        models.require_current(connection, over)
        models.promote(connection, version, by=actor, now=utc_now())
        jobs.wake_for_model(connection, utc_now())
        audit.append(connection, actor=actor, action="model.promote", subject=version, now=utc_now(), detail=words)
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
    with database.read() as connection:
        current, before = models.current(connection), models.previous(connection)
    if current is None or before is None:
        raise SettingsError("no model was promoted before the one that reads; `cxr models list` shows which there are")
    admission.prove(registry.bundle_of(before, settings.data))
    words = {"from": current.version, "to": before.version, "reason": reason or ""}
    with database.write() as connection:
        models.require_current(connection, current.version)
        models.roll_back(connection, before.version, by=actor, now=utc_now())
        jobs.wake_for_model(connection, utc_now())
        for action, version in (("model.rollback", current.version), ("model.reinstate", before.version)):
            audit.append(connection, actor=actor, action=action, subject=version, now=utc_now(), detail=words)
    if as_json:
        print_json(words)
    else:
        _say(f"{before.version} reads again; {current.version} is a candidate.", settings)


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


def _decide(comparison: Comparison | None, current: Model | None, *, force: bool) -> None:
    """Refuse a candidate that is worse, or of which nobody knows."""
    if current is None:
        return
    if force:
        for objection in comparison.objections if comparison else ("Nothing was compared.",):
            typer.echo(objection, err=True)
        return
    if comparison is None:
        raise SettingsError(
            "nothing was compared: name a snapshot with --snapshot, or insist with --force --reason TEXT"
        )
    if comparison.objections:
        raise SettingsError(
            f"{comparison.candidate} is not promoted. {' '.join(comparison.objections)} "
            "Who promotes it all the same gives --force --reason TEXT"
        )


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
