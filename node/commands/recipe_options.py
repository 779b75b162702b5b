"""The options of commands that train: what a `Recipe` and a `Machine` are made of."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from node.commands.targets import SensitivityOption, SpecificityOption, target_of
from node.errors import SettingsError
from training.recipe import LossName, Machine, OptimizerName, Pooling, Recipe, Tune

DEFAULT, HERE = Recipe(), Machine()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chooses of a recipe; the names are the recipe's."""

    backbone: Annotated[str, typer.Option(help="alexnet, googlenet, vgg16, resnet50, densenet121, ...")] = (
        DEFAULT.backbone
    )
    weights: Annotated[str, typer.Option(help="Of the backbone: imagenet, none, or a file.")] = "imagenet"
    width: Annotated[int, typer.Option(min=1, help="Channels of the transition.")] = DEFAULT.width
    pooling: Annotated[Pooling, typer.Option(help="Over all places of the maps.")] = DEFAULT.pooling
    r: Annotated[float, typer.Option(help="Sharpness of LSE pooling.")] = DEFAULT.r
    size: Annotated[int, typer.Option(min=32, max=2048, help="Side of the input, in pixels.")] = DEFAULT.size
    cut: Annotated[
        int | None,
        typer.Option(min=1, help="How many of the backbone's layers are its lower part. Default: its own choice."),
    ] = DEFAULT.cut
    grid: Annotated[
        int | None, typer.Option(min=1, help="S of the S x S maps. Default: what size and stride give.")
    ] = DEFAULT.grid
    loss: Annotated[LossName, typer.Option(help="Section 3.1.3 of the paper.")] = DEFAULT.loss
    optimizer: Annotated[OptimizerName, typer.Option(help="SGD has a momentum of 0.9.")] = DEFAULT.optimizer
    rate: Annotated[float, typer.Option(min=0, help="Highest learning rate; the backbone's is a tenth.")] = DEFAULT.rate
    weight_decay: Annotated[float, typer.Option(min=0)] = DEFAULT.weight_decay
    tune: Annotated[
        Tune,
        typer.Option(
            help="After the head, train the backbone's upper part or all. none: nothing but a regression by region of "
            "what the lower part sees, without a gradient; best with few images."
        ),
    ] = DEFAULT.tune
    head_epochs: Annotated[int, typer.Option(min=0, help="Of transition and prediction alone.")] = DEFAULT.head_epochs
    epochs: Annotated[int, typer.Option(min=0, help="After that.")] = DEFAULT.epochs
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many epochs without a better validation; 0 never stops.")
    ] = DEFAULT.patience
    ridge: Annotated[float, typer.Option(min=1e-6, help="Penalty of the regression of --tune none.")] = DEFAULT.ridge
    effective_batch: Annotated[int, typer.Option(min=1, help="Images a step, on all processes.")] = (
        DEFAULT.effective_batch
    )
    batch: Annotated[int | None, typer.Option(min=1, help="Images at once on each process. Default: up to 16.")] = (
        DEFAULT.batch
    )
    copies: Annotated[int, typer.Option(min=0, help="Altered copies whose lower features are kept.")] = DEFAULT.copies
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Lower features in bfloat16: quicker on a processor, less exact.")
    ] = DEFAULT.bfloat16
    balance: Annotated[
        float, typer.Option(min=0, max=1, help="0 draws images as they come, 1 each source and view alike.")
    ] = DEFAULT.balance
    average: Annotated[
        float, typer.Option(min=0, max=0.9999, help="The past's part in the running average of the weights.")
    ] = DEFAULT.average
    sensitivity: SensitivityOption = None
    specificity: SpecificityOption = None
    augment: Annotated[
        list[str] | None, typer.Option(help="How images are altered, NAME=VALUE, repeated; a wrong name lists them.")
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = DEFAULT.seed

    def recipe(self) -> Recipe:
        """The recipe that was chosen; without a target of the operating points it is the recipe's own.

        Raises:
            SettingsError: there are two targets.
            TrainingError: an augmentation is not one.
        """
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("sensitivity", "specificity", "augment"):
            del given[name]
        if self.weights not in ("imagenet", "none"):
            given["weights"] = Path(self.weights)
        return Recipe(
            **given,
            target=target_of(self.sensitivity, self.specificity) or DEFAULT.target,
            augmentation=DEFAULT.augmentation.changed(self.augment or ()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a person chooses of a machine; the names are the machine's."""

    cache: Annotated[
        Path | None, typer.Option(help="Folder of decoded images and features. Default: beside the snapshot.")
    ] = None
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0 is one a core.")] = HERE.threads
    loaders: Annotated[int, typer.Option(min=1, help="Threads that make batches ahead.")] = HERE.loaders
    decoders: Annotated[int, typer.Option(min=1, help="Processes that decode images, once.")] = HERE.decoders
    checkpoint_steps: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = HERE.checkpoint_steps

    def machine(self) -> Machine:
        """The machine that was described."""
        return Machine(**{each.name: getattr(self, each.name) for each in fields(self)})


def needs_extra(missing: ModuleNotFoundError) -> SettingsError:
    """What to say where a module is not installed that training needs."""
    return SettingsError(f"training needs {missing.name}; install the extra: pip install 'cxr-node[training]'")
