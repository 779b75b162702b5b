"""`cxr train`: a model from a snapshot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from node.commands.grouped import grouped
from node.commands.options import JsonOption, print_json, print_table
from node.commands.recipe_options import Choices, Means, needs_extra
from training.recipe import Machine, Recipe

if TYPE_CHECKING:
    from inference.bundle import Bundle

FOLDS = 5


@grouped
def train(
    *,
    snapshot: Annotated[Path, typer.Argument(help="Folder of the snapshot.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for metrics, checkpoint and model. Default: beside the snapshot.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model.")] = "chest",
    model_version: Annotated[
        str | None, typer.Option(help="Its version. Default: the snapshot's hash, backbone and seed.")
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="TOML with the card's source, split, licence, attribution, limits, readme.")
    ] = None,
    choices: Choices,
    folds: Annotated[
        int,
        typer.Option(min=0, help="Train a member for each of so many folds of the patients; with --tune none 5 folds."),
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training in --out, if there is one.")
    ] = False,
    means: Means,
    as_json: JsonOption = False,
) -> None:
    """Train a model from a snapshot, measure it and write it as a bundle; the model that reads is not touched.

    Images are decoded once, into a folder beside the snapshot. Transition and prediction train first, then more of the
    network; the best epoch by the AUC within source and view is kept. After a kill --resume goes on to the bit. On
    several GPUs: torchrun --nproc-per-node 4 --no-python cxr train SNAPSHOT. With --folds every patient but those of
    the test both teaches and validates, and the members answer as one model. Operating points keep a specificity of
    0.90 on the validation patients, unless --sensitivity or --specificity says otherwise.

    Example: cxr train data/snapshots/9a8523d9f179 --tune upper --copies 6 --out trainings/spring
    """
    folder = snapshot.absolute()  # "." has no name to stand beside
    out = out or folder.with_name(f"{folder.name}.training")
    made = _trained(folder, out, choices.recipe(), means.machine(), name, model_version, words, resume, folds)
    if made is not None:  # in the first of several processes
        _show(made, as_json=as_json)


def _trained(
    folder: Path,
    out: Path,
    recipe: Recipe,
    machine: Machine,
    name: str,
    version: str | None,
    words: Path | None,
    resume: bool,
    folds: int,
) -> "Bundle | None":
    try:
        import training.folds as by_folds  # noqa: PLC0415 - it needs torch, and its help does not
        import training.ridge as by_regions  # noqa: PLC0415
        import training.train as story  # noqa: PLC0415
        from training.naming import Name  # noqa: PLC0415
        from training.words import read  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    given = Name(name=name, version=version, words=read(words) if words else None)
    if recipe.tune == "none":
        return by_regions.train_ridge(folder, out, recipe, machine, folds or FOLDS, name=given)
    if folds:
        return by_folds.train_folds(folder, out, recipe, machine, folds, name=given, resume=resume)
    return story.train(folder, out, recipe, machine, name=given, resume=resume)


def _show(made: "Bundle", *, as_json: bool) -> None:
    metrics = made.card.metrics
    if as_json:
        print_json({"bundle": made.path, "version": made.card.version, "metrics": metrics.model_dump()})
        return
    print_table(
        ["finding", "positives", "AUC on test", "from", "to", "within source and view"],
        [_row(row.model_dump()) for row in metrics.per_finding],
        empty="Nothing was measured.",
    )
    Console(stderr=True).print(
        f"Mean AUC {metrics.mean_auc:.3f}, within source and view {metrics.mean_stratified_auc:.3f}. "
        f"The model is {made.path}; it reads when a person promotes it.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    typer.echo(f"Next: cxr models register {made.path}")


def _row(row: dict[str, Any]) -> list[object]:
    low, high = row["auc_interval"]
    fair = "" if row["stratified_auc"] is None else f"{row['stratified_auc']:.3f}"
    return [row["finding"], row["positives"], f"{row['auc']:.3f}", f"{low:.3f}", f"{high:.3f}", fair]
