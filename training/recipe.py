"""How a model is trained: every choice, with its unit."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from training.augment import Augmentation
from training.errors import TrainingError
from training.target import Target

if TYPE_CHECKING:
    from inference.backbones import Weights  # torch is for commands that train

Pooling = Literal["average", "max", "lse"]
LossName = Literal["w-cel", "cel", "hinge", "euclidean"]
OptimizerName = Literal["adamw", "sgd"]
Tune = Literal["upper", "all", "none"]
LARGEST_BATCH = 16
"""Images at once where nothing was said; a small GPU holds them."""
TARGET = Target(measure="specificity", value=0.9)
"""Of the operating points, where nothing was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every choice of a training.

    Attributes:
        backbone: a row of `inference.backbones.BACKBONES`.
        weights: of the backbone.
        width: channels D of the transition.
        pooling: over all locations of the maps.
        r: sharpness of Log-Sum-Exp pooling.
        cut: how many of the backbone's layers are its lower part; None is what the backbone's row says.
        grid: S of the S x S maps; None is what input size and stride give.
        size: side of the input in pixels.
        loss: a name of `training.losses.LOSSES`.
        optimizer: AdamW, or SGD with a momentum of 0.9.
        rate: the highest learning rate of transition and prediction; the backbone's is a tenth.
        weight_decay: of the optimizer.
        tune: what trains after the head: the backbone's upper part, from what its lower part saw of each image and of
            `copies` altered copies; or all of it, from images that are altered anew each time; or none of it, and what
            the lower part sees is weighed by region (`training.ridge`).
        head_epochs: epochs of transition and prediction alone, from what the backbone's lower part sees.
        epochs: epochs that follow.
        patience: stop after so many epochs without a better validation; 0 never stops.
        ridge: penalty of that regression.
        effective_batch: images a step of the optimizer, on all processes together.
        batch: images at once on one process; None is the largest part of a step up to 16.
        copies: altered copies of each training image whose lower features are kept.
        bfloat16: compute these features in bfloat16: two to three times faster on a processor, and less exact.
        balance: 0 draws all images alike, 1 all pairs of source and view.
        average: how much of the running average of the weights is the past, in [0, 1).
        target: what the operating points are chosen for.
        augmentation: how training images are altered.
        seed: of everything that is random.
    """

    backbone: str = "efficientnet-lite0"
    weights: "Weights" = "imagenet"
    width: int = 256
    pooling: Pooling = "lse"
    r: float = 10.0
    cut: int | None = None
    grid: int | None = None
    size: int = 320
    loss: LossName = "w-cel"
    optimizer: OptimizerName = "adamw"
    rate: float = 1e-3
    weight_decay: float = 0.01
    tune: Tune = "all"
    head_epochs: int = 2
    epochs: int = 8
    patience: int = 4
    ridge: float = 2.0
    effective_batch: int = 80
    batch: int | None = None
    copies: int = 2
    bfloat16: bool = False
    balance: float = 0.5
    average: float = 0.98
    target: Target = TARGET
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0

    def fitted(self, processes: int) -> Self:
        """The same with the batch of each process settled.

        Raises:
            TrainingError: there is nothing to do, or a step cannot be dealt out evenly.
        """
        if not self.head_epochs + self.epochs:
            raise TrainingError("there is no epoch to train; give --epochs or --head-epochs")
        share, left = divmod(self.effective_batch, processes)
        if left:
            raise TrainingError(
                f"{self.effective_batch} images a step cannot be dealt out to {processes} processes; "
                "give an --effective-batch that can"
            )
        batch = self.batch or max(n for n in range(1, min(share, LARGEST_BATCH) + 1) if share % n == 0)
        if share % batch:
            raise TrainingError(f"a step has {share} images on each process, which are not batches of {batch}")
        return replace(self, batch=batch)

    def facts(self) -> dict[str, Any]:
        """The choices that make a training what it is, as JSON has them.

        Left out is the batch, which the number of processes decides.
        """
        return {name: value for name, value in asdict(self).items() if name != "batch"} | {"weights": str(self.weights)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How a training is run; none of it is a choice about the model.

    Attributes:
        cache: folder of decoded images and features; None is beside the snapshot.
        threads: processor threads of torch; 0 is one a core.
        loaders: threads that make batches ahead of time.
        decoders: processes that decode images, once.
        checkpoint_steps: steps between checkpoints; there is one after each epoch too.
    """

    cache: Path | None = None
    threads: int = 0
    loaders: int = 2
    decoders: int = 2
    checkpoint_steps: int = 100
