"""`cxr trainings`: trainings that the node runs by itself, as its console shows them."""

from typing import Annotated

import typer

from db import training_runs
from db.learning_records import RunState, TrainingRun
from db.vocabulary import EIGHT
from node.commands.options import (
    ByOption,
    ConfigOption,
    DataOption,
    JsonOption,
    LimitOption,
    opened,
    print_json,
    print_table,
    settings_of,
    who,
)
from node.commands.targets import SensitivityOption, SpecificityOption, target_of
from node.errors import SettingsError
from node.learning import runs, snapshots
from node.learning.methods import METHODS
from node.learning.runs import Wish
from node.process.clock import utc_now

trainings_app = typer.Typer(no_args_is_help=True, help="Trainings that the node runs: look, start, stop, go on.")
VersionArgument = Annotated[str, typer.Argument(help="As `cxr trainings list` shows it.")]


@trainings_app.command("list")
def list_trainings(
    limit: LimitOption = 20, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List trainings, the newest first, and how far each is.

    Example: cxr trainings list
    """
    with opened(config, data).read() as connection:
        found = training_runs.newest(connection, limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["version", "method", "snapshot", "state", "how far", "started", "by"],
        [
            (each.version, each.method, _snapshot(each), each.state, _far(each), each.started_at, each.started_by)
            for each in found
        ],
        empty="No training was started yet; `cxr trainings start` starts one.",
    )


@trainings_app.command("start")
def start(
    snapshot: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="What to learn from; without one a snapshot is made of what is here."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Of a snapshot that is made: one of the paper's eight findings less; repeated."),
    ] = None,
    method: Annotated[str, typer.Option(help=f"{', '.join(METHODS)}.")] = next(iter(METHODS)),
    sensitivity: SensitivityOption = None,
    specificity: SpecificityOption = None,
    model_version: Annotated[
        str | None, typer.Option(help="The model's version. Default: the day and the method.")
    ] = None,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="Of `cxr train`, as they are.")
    ] = None,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a training; the node trains in a process of its own, and enters the model as a candidate.

    It waits for a node, or a worker on the queue `training`, where the extra `training` is installed. After a kill it
    goes on from its last checkpoint. `regions` is best with up to some thousand images, `upper` with more, `whole` with
    tens of thousands and a GPU.

    Example: cxr trainings start --snapshot 9a8523 --method upper -- --seed 7
    """
    database = opened(config, data)
    target = target_of(sensitivity, specificity)
    chosen = () if target is None else (f"--{target.measure}", str(target.value))
    wish = Wish(
        method=method,
        version=model_version,
        snapshot=None if snapshot is None else snapshots.find(database, snapshot).sha256,
        findings=_without(without or []) if snapshot is None else (),
        arguments=(*chosen, *(more or ())),
    )
    run = runs.start(database, wish, by=who(by), now=utc_now())
    if as_json:
        print_json(run)
    else:
        typer.echo(f"{run.version} waits for its turn. Next: cxr trainings show {run.version}")


@trainings_app.command("show")
def show(
    version: VersionArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Show how far a training is, and its validation after each epoch.

    Example: cxr trainings show 2026-11-28-upper
    """
    settings = settings_of(config, data)
    with opened(config, data).read() as connection:
        run = runs.watch(settings.data, runs.known(connection, version))
    if as_json:
        print_json(run)
        return
    typer.echo(f"{run.version}: {run.state}{'' if run.reason is None else f'. {run.reason}'}")
    typer.echo(f"cxr train SNAPSHOT {' '.join(run.arguments)}")
    print_table(
        ["epoch", "validation AUC", "within source and view"],
        [
            (f"{epoch:.0f}", f"{auc:.3f}", f"{fair:.3f}")
            for (epoch, auc), (_, fair) in zip(run.curves.validation, run.curves.fair, strict=True)
        ],
        empty="No epoch has ended.",
    )


@trainings_app.command("stop")
def stop(
    version: VersionArgument,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop a training; what it has learnt up to its last checkpoint is kept, and it can go on.

    Example: cxr trainings stop 2026-11-28-upper
    """
    stopped = runs.stop(opened(config, data), version, by=who(by), now=utc_now())
    said = f"{version} ends now." if stopped else f"{version} has ended, or was stopped before."
    _say(version, "stopped", stopped, said, as_json=as_json)


@trainings_app.command("go-on")
def go_on(
    version: VersionArgument,
    by: ByOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a training go on that was stopped or failed, from its last checkpoint.

    Example: cxr trainings go-on 2026-11-28-upper
    """
    going = runs.go_on(opened(config, data), version, by=who(by), now=utc_now())
    said = f"{version} goes on." if going else f"{version} was neither stopped nor failed."
    _say(version, "going_on", going, said, as_json=as_json)


def _say(version: str, what: str, done: bool, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"version": version, what: done})
    else:
        typer.echo(sentence)


def _without(names: list[str]) -> tuple[str, ...]:
    eight = tuple(each.name for each in EIGHT)
    if unknown := [name for name in names if name not in eight]:
        raise SettingsError(f"{', '.join(unknown)} is not among the findings: {', '.join(eight)}")
    return tuple(name for name in eight if name not in names)


def _snapshot(run: TrainingRun) -> str:
    return "is made first" if run.snapshot is None else run.snapshot[:12]


def _far(run: TrainingRun) -> str:
    if run.reason is not None:
        return run.reason
    if run.state is RunState.DONE:
        return "its model is a candidate" if run.registered else ""
    told = run.told
    return f"{told['what']} {told['done']} of {told['total']}" if "what" in told and not run.state.ended else ""
