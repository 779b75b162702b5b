"""`cxr snapshot`: what a model is trained and measured on, taken from what has accumulated, and never changed again."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from db import frontals, snapshots
from db.engine import Database
from db.vocabulary import Split
from node import premises
from node.commands import progress
from node.commands.labels import Findings as FindingsChoice
from node.commands.labels import FindingsOption
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.errors import SettingsError
from node.learning import snapshots as node_snapshots
from node.process.clock import utc_now
from node.settings import Settings
from training import snapshot
from training.selection import without_positives
from training.snapshot import Snapshot
from training.study_labels import Wanted

snapshot_app = typer.Typer(no_args_is_help=True, help="Images, labels and split to train on: make, list, look.")


@snapshot_app.command("create")
def create(
    config: ConfigOption = None,
    data: DataOption = None,
    findings: FindingsOption = FindingsChoice.EIGHT,
    without: Annotated[
        list[str] | None, typer.Option(help="A finding to leave out, since too few images have it; repeated.")
    ] = None,
    include_after_result: Annotated[
        bool,
        typer.Option(
            "--include-after-result",
            help="Take reports too that were written after the node's result was there, and may repeat it.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a snapshot of all frontal images with labels, split by patient 70/10/20, in the data folder.

    A patient stays in the part that it was once given. What has the same content has the same hash and is made once.
    An image counts whose study has a mined or published report, or a person's labels; people's outrank mined ones.

    Example: cxr snapshot create --findings 14
    """
    settings = settings_of(config, data)
    names = _without(findings.names, without or ())
    database = opened(config, data)
    made = _create(
        settings,
        database,
        Wanted(findings=names, policy=settings.mining.policy, after_result=include_after_result),
    )
    folder = node_snapshots.folder_of(settings.data, node_snapshots.find(database, made.sha256))
    database.close()
    warnings = _warnings(made)
    if as_json:
        print_json(_facts(made) | {"folder": folder, "warnings": warnings})
        return
    _print(made)
    for sentence in warnings:
        typer.echo(f"Note: {sentence}", err=True)
    typer.echo(f"Next: cxr train {folder}")


@snapshot_app.command("list")
def list_snapshots(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the snapshots that were made here, the newest first.

    Example: cxr snapshot list --json
    """
    settings = settings_of(config, data)
    with opened(config, data).read() as connection:
        found = snapshots.newest(connection)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.folder,
            each.created_at,
            len(each.findings),
            *(each.images[split] for split in Split),
            each.about.get("policy", ""),
            "" if node_snapshots.folder_of(settings.data, each).is_dir() else "its folder is gone",
        )
        for each in found
    ]
    columns = ("snapshot", "made", "findings", *(str(split) for split in Split), "policy", "")
    print_table(columns, rows, empty="No snapshot was made yet; `cxr snapshot create` makes one.")


@snapshot_app.command("show")
def show(
    beginning: Annotated[str, typer.Argument(metavar="HASH", help="Its hash, or as much of it as tells it apart.")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a snapshot is as it was made, and count its images, patients and findings in each part.

    Example: cxr snapshot show 3fa2c1
    """
    settings = settings_of(config, data)
    registered = node_snapshots.find(opened(config, data), beginning)
    found = snapshot.read(node_snapshots.folder_of(settings.data, registered))
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)


def _without(names: Sequence[str], left_out: Sequence[str]) -> tuple[str, ...]:
    if unknown := [name for name in left_out if name not in names]:
        raise SettingsError(f"{', '.join(unknown)} is not among the findings: {', '.join(names)}")
    rest = tuple(name for name in names if name not in left_out)
    if not rest:
        raise SettingsError("no finding is left; leave fewer out")
    return rest


def _create(settings: Settings, database: Database, wanted: Wanted) -> Snapshot:
    store = premises.open_store(settings)
    with database.read() as connection:
        total = frontals.unlooked_count(connection)
    looked = 0
    with progress.meter(total) as meter:

        def on_batch(number: int) -> None:
            nonlocal looked
            looked += number
            meter.advance(number)
            meter.show(f"{looked} of {total} headers looked at")

        try:
            return node_snapshots.create(
                database,
                store,
                data=settings.data,
                wanted=wanted,
                policy=settings.reading.policy,
                now=utc_now(),
                on_batch=on_batch,
            )
        finally:
            store.close()


def _warnings(made: Snapshot) -> list[str]:
    counted = node_snapshots.counts(made)
    said, rare = [], list(without_positives(made))
    if missing := tuple(rare):
        said.append(f"no image has {' or '.join(missing)}; a model can neither learn nor measure that.")
    for place, name in enumerate(made.findings):
        lacking = [str(split) for split in Split if not counted[split].positive[place]]
        if lacking and name not in missing:
            said.append(f"{name} is in no image of {' and '.join(lacking)}.")
            rare.append(name)
    if empty := [str(split) for split in Split if not counted[split].images]:
        said.append(f"{' and '.join(empty)} has no image yet; four patients fill each part.")
    if rare:
        options = " ".join(f"--without {name}" for name in rare)
        instead = f", or leave them out: {options}" if len(rare) < len(made.findings) else ""
        said.append(f"cxr train needs every finding in every part: wait for more patients{instead}.")
    if unnamed := made.about.get("images without a patient id"):
        said.append(f"{unnamed} images name no patient; they are for training only, since nobody knows whose they are.")
    return said


def _facts(of: Snapshot) -> dict[str, Any]:
    return {
        "sha256": of.sha256,
        "created": of.created,
        "findings": of.findings,
        "images": len(of.items),
        "patients": len({item.patient for item in of.items}),
        "boxes": sum(len(boxes) for boxes in of.boxes.values()),
        "splits": {
            split: {
                "images": counts.images,
                "patients": len(counts.patients),
                "positive": dict(zip(of.findings, counts.positive, strict=True)),
                "uncertain": dict(zip(of.findings, counts.uncertain, strict=True)),
            }
            for split, counts in node_snapshots.counts(of).items()
        },
        "about": of.about,
    }


def _print(of: Snapshot) -> None:
    counted = list(node_snapshots.counts(of).values())
    rows = [_row("images", [counts.images for counts in counted])]
    rows.append(_row("patients", [len(counts.patients) for counts in counted]))
    rows += [_row(name, [counts.positive[place] for counts in counted]) for place, name in enumerate(of.findings)]
    uncertain = sum(sum(counts.uncertain) for counts in counted)
    name = of.sha256[: snapshot.SHORT]
    typer.echo(f"Snapshot {name}, made {of.created:%Y-%m-%d %H:%M} UTC, SHA-256 {of.sha256}")
    print_table(("", *(str(split) for split in Split), "all"), rows, empty="")
    boxes = sum(len(each) for each in of.boxes.values())
    typer.echo(f"{uncertain} labels are uncertain; {boxes} boxes on {len(of.boxes)} images.")
    for what, said in of.about.items():
        typer.echo(f"{what}: {said}")


def _row(what: str, numbers: Sequence[int]) -> tuple[object, ...]:
    return (what, *numbers, sum(numbers))
