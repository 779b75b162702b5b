"""`cxr train`: a model from a snapshot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from node.commands.options import JsonOption, print_json, print_table
from node.errors import SettingsError
from training.recipe import LossName, Machine, OptimizerName, Pooling, Recipe, Tune

if TYPE_CHECKING:
    from inference.bundle import Bundle

DEFAULT, HERE = Recipe(), Machine()
FOLDS = 5


def train(
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
    backbone: Annotated[str, typer.Option(help="alexnet, googlenet, vgg16, resnet50, densenet121, ...")] = (
        DEFAULT.backbone
    ),
    weights: Annotated[str, typer.Option(help="Of the backbone: imagenet, none, or a file.")] = "imagenet",
    width: Annotated[int, typer.Option(min=1, help="Channels of the transition.")] = DEFAULT.width,
    pooling: Annotated[Pooling, typer.Option(help="Over all places of the maps.")] = DEFAULT.pooling,
    r: Annotated[float, typer.Option(help="Sharpness of LSE pooling.")] = DEFAULT.r,
    size: Annotated[int, typer.Option(min=32, max=2048, help="Side of the input, in pixels.")] = DEFAULT.size,
    cut: Annotated[
        int | None,
        typer.Option(min=1, help="How many of the backbone's layers are its lower part. Default: its own choice."),
    ] = DEFAULT.cut,
    grid: Annotated[
        int | None, typer.Option(min=1, help="S of the S x S maps. Default: what size and stride give.")
    ] = DEFAULT.grid,
    loss: Annotated[LossName, typer.Option(help="Section 3.1.3 of the paper.")] = DEFAULT.loss,
    optimizer: Annotated[OptimizerName, typer.Option(help="SGD has a momentum of 0.9.")] = DEFAULT.optimizer,
    rate: Annotated[float, typer.Option(min=0, help="Highest learning rate; the backbone's is a tenth.")] = (
        DEFAULT.rate
    ),
    weight_decay: Annotated[float, typer.Option(min=0)] = DEFAULT.weight_decay,
    tune: Annotated[
        Tune,
        typer.Option(
            help="After the head, train the backbone's upper part or all. none: nothing but a regression by region of "
            "what the lower part sees, which takes minutes; best with few images."
        ),
    ] = DEFAULT.tune,
    head_epochs: Annotated[int, typer.Option(min=0, help="Of transition and prediction alone.")] = DEFAULT.head_epochs,
    epochs: Annotated[int, typer.Option(min=0, help="After that.")] = DEFAULT.epochs,
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many epochs without a better validation; 0 never stops.")
    ] = DEFAULT.patience,
    ridge: Annotated[float, typer.Option(min=1e-6, help="Penalty of the regression of --tune none.")] = DEFAULT.ridge,
    effective_batch: Annotated[int, typer.Option(min=1, help="Images a step, on all processes.")] = (
        DEFAULT.effective_batch
    ),
    batch: Annotated[
        int | None, typer.Option(min=1, help="Images at once on each process. Default: up to 16.")
    ] = DEFAULT.batch,
    copies: Annotated[int, typer.Option(min=0, help="Altered copies whose lower features are kept.")] = DEFAULT.copies,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Lower features in bfloat16: quicker on a processor, less exact.")
    ] = DEFAULT.bfloat16,
    balance: Annotated[
        float, typer.Option(min=0, max=1, help="0 draws images as they come, 1 each source and view alike.")
    ] = DEFAULT.balance,
    average: Annotated[
        float, typer.Option(min=0, max=0.9999, help="The past's part in the running average of the weights.")
    ] = DEFAULT.average,
    specificity: Annotated[float, typer.Option(min=0.01, max=0.99, help="Target of the operating points.")] = (
        DEFAULT.specificity
    ),
    augment: Annotated[
        list[str] | None, typer.Option(help="How images are altered, NAME=VALUE, repeated; a wrong name lists them.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = DEFAULT.seed,
    folds: Annotated[
        int,
        typer.Option(min=0, help="Train a member for each of so many folds of the patients; with --tune none 5 folds."),
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training in --out, if there is one.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of decoded images and features. Default: beside the snapshot.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0 is one a core.")] = HERE.threads,
    loaders: Annotated[int, typer.Option(min=1, help="Threads that make batches ahead.")] = HERE.loaders,
    decoders: Annotated[int, typer.Option(min=1, help="Processes that decode images, once.")] = HERE.decoders,
    checkpoint_steps: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = HERE.checkpoint_steps,
    as_json: JsonOption = False,
) -> None:
    """Train a model from a snapshot, measure it and write it as a bundle; the model that reads is not touched.

    Images are decoded once, into a folder beside the snapshot. Transition and prediction train first, then more of the
    network; the best epoch by the AUC within source and view is kept. After a kill --resume goes on to the bit. On
    several GPUs: torchrun --nproc-per-node 4 --no-python cxr train SNAPSHOT. With --folds every patient but those of
    the test both teaches and validates, and the members answer as one model.

    Example: cxr train data/snapshots/9a8523d9f179 --tune upper --copies 6 --out trainings/spring
    """
    recipe = Recipe(
        backbone=backbone,
        weights=weights if weights in ("imagenet", "none") else Path(weights),  # type: ignore[arg-type]  # it is one of the two
        width=width,
        pooling=pooling,
        r=r,
        cut=cut,
        grid=grid,
        size=size,
        loss=loss,
        optimizer=optimizer,
        rate=rate,
        weight_decay=weight_decay,
        tune=tune,
        head_epochs=head_epochs,
        epochs=epochs,
        patience=patience,
        ridge=ridge,
        effective_batch=effective_batch,
        batch=batch,
        copies=copies,
        bfloat16=bfloat16,
        balance=balance,
        average=average,
        specificity=specificity,
        augmentation=DEFAULT.augmentation.changed(augment or ()),
        seed=seed,
    )
    machine = Machine(
        cache=cache, threads=threads, loaders=loaders, decoders=decoders, checkpoint_steps=checkpoint_steps
    )
    folder = snapshot.absolute()  # "." has no name to stand beside
    out = out or folder.with_name(f"{folder.name}.training")
    made = _trained(folder, out, recipe, machine, name, model_version, words, resume, folds)
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
        from training.words import read  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"training needs {error.name}; install the extra: pip install 'cxr-node[training]'"
        ) from error
    given = story.Name(name=name, version=version, words=read(words) if words else None)
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


def _row(row: dict[str, Any]) -> list[object]:
    low, high = row["auc_interval"]
    fair = "" if row["stratified_auc"] is None else f"{row['stratified_auc']:.3f}"
    return [row["finding"], row["positives"], f"{row['auc']:.3f}", f"{low:.3f}", f"{high:.3f}", fair]
