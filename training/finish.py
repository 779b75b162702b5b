"""From a trained network to a bundle that says what it can and cannot do.

All numbers are taken with the exported graph and the product's own preprocessing, as a hospital would meet them
(`training.measure`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from safetensors.torch import save

from inference.backbones import BACKBONES
from inference.bundle import MODEL, Bundle, write
from inference.card import Architecture, Calibration, Card, Data, OperatingPoint, Preprocessing
from inference.ensemble import Ensemble
from inference.network import Network
from inference.regions import REGIONS, Regions
from training.cache import Cache, Tell
from training.dataset import of_split, strata
from training.export import to_onnx
from training.journal import Journal
from training.measure import (
    Reading,
    answering,
    boxes,
    calibrate,
    counts,
    flagged_without_finding,
    localization,
    metrics,
    operating_points,
    read,
    summary,
)
from training.naming import Name
from training.recipe import Recipe
from training.snapshot import Item, Snapshot, Split
from training.target import Target
from training.words import Words

WEIGHTS = "weights.safetensors"
FOLDS = (
    "training and validation patients are both learnt from, by folds; what is said of the validation set is of all of "
    "them, each read by what has not learnt from that patient"
)
LOSS_NAMES = {
    "w-cel": "W-CEL (Wang et al. 2017, eq. 1)",
    "cel": "CEL (cross entropy)",
    "hinge": "hinge",
    "euclidean": "Euclidean",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the exported graph says of the validation and test sets, and what was chosen and reached by it.

    `sets` are the images that taught, chose and measured; `flagged` is the part of the test images without finding in
    which one is called present.
    """

    sets: Mapping[Split, tuple[Item, ...]]
    validation: Reading
    test: Reading
    calibration: Calibration
    points: tuple[OperatingPoint, ...]
    flagged: float


def finish(
    network: Network | Ensemble | Regions,
    preprocessing: Preprocessing,
    snapshot: Snapshot,
    cache: Cache,
    *,
    recipe: Recipe,
    name: Name,
    way: str = "",
    folder: Path,
    journal: Journal,
    out_of_fold: Reading | None = None,
    across_sources: Mapping[str, float] | None = None,
) -> Bundle:
    """Export the network, calibrate it, choose operating points, measure and write the bundle.

    Of a model that learnt by folds (`training.folds`, `training.ridge`) `out_of_fold` is what is said of each patient
    by what has not learnt from them. It stands for the validation set, which the model has learnt from.
    `across_sources` has the mean AUC in each source of what has learnt from all others. `way` is as in `Name`.
    """
    half = isinstance(network, Ensemble) and len(network.members) > 1
    graph = to_onnx(network, preprocessing.size, half=half)
    with journal.bar("Measuring") as tell:
        found = measured(
            graph, preprocessing, snapshot, cache, target=recipe.target, tell=tell, out_of_fold=out_of_fold
        )
    words = name.words_of(snapshot)
    results = metrics(
        found.test,
        snapshot.findings,
        localization((found.validation, found.test), found.calibration, found.points, snapshot),
        boxes((found.validation, found.test), snapshot.findings, snapshot),
    )
    honest = {
        "out_of_fold": {} if out_of_fold is None else summary(out_of_fold),
        "across_sources": dict(across_sources or {}),
    }
    flagged = f"Of test images with none of the findings, {found.flagged:.0%} had at least one called present."
    card = Card(
        name=name.name,
        version=name.version_of(snapshot, recipe, way),
        created=datetime.now(UTC).date(),
        findings=snapshot.findings,
        architecture=architecture(recipe, found.test.grid, network),
        preprocessing=preprocessing,
        data=data(found.sets, snapshot, words, folds=out_of_fold is not None),
        metrics=results.model_copy(update=honest),
        operating_points=found.points,
        calibration=found.calibration,
        limits=(*words.limits, flagged),
        licence=words.licence,
        attribution=words.attribution,
        notice="Not for clinical use. Not a medical device.",
        files={},
    )
    files = {MODEL: graph, WEIGHTS: weights(network), "README.md": words.readme.encode()}
    bundle = write(folder, card, files)
    journal.write(event="test", flagged_without_finding=round(found.flagged, 3), **bundle.card.metrics.model_dump())
    return bundle


def measured(
    graph: bytes,
    preprocessing: Preprocessing,
    snapshot: Snapshot,
    cache: Cache,
    *,
    target: Target,
    tell: Tell,
    out_of_fold: Reading | None = None,
) -> Measured:
    """Read the validation and test sets with the graph; calibrate and choose on the one, measure on the other."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    items = cache.readable(snapshot.items)
    sets = {split: of_split(items, split) for split in Split}
    if out_of_fold is not None:
        sets[Split.TRAIN] = sets[Split.VALIDATION] = out_of_fold.items
    strata_of, before = strata(items), len(sets[Split.VALIDATION])

    def read_set(split: Split, before: int) -> Reading:
        return read(
            answering(session),
            sets[split],
            cache,
            preprocessing,
            strata_of=strata_of,
            boxed=frozenset(snapshot.boxes),
            tell=lambda done, _: tell(before + done, len(sets[Split.VALIDATION]) + len(sets[Split.TEST])),
        )

    validation, test = out_of_fold or read_set(Split.VALIDATION, 0), read_set(Split.TEST, before)
    calibration = calibrate(validation)
    points = operating_points(validation, test, calibration, snapshot.findings, target)
    return Measured(
        sets=sets,
        validation=validation,
        test=test,
        calibration=calibration,
        points=points,
        flagged=flagged_without_finding(test, calibration, points),
    )


def data(sets: Mapping[Split, tuple[Item, ...]], snapshot: Snapshot, words: Words, *, folds: bool) -> Data:
    """What the model learnt from, in the card's words."""
    return Data(
        source=words.source,
        split=f"{words.split}; {FOLDS}" if folds else words.split,
        train=counts(sets[Split.TRAIN], snapshot.findings),
        validation=counts(sets[Split.VALIDATION], snapshot.findings),
        test=counts(sets[Split.TEST], snapshot.findings),
        snapshot=snapshot.sha256,
    )


def weights(network: Network | Ensemble | Regions) -> bytes:
    """The network's weights as safetensors."""
    tensors = network.tensors() if isinstance(network, Ensemble) else network.state_dict()
    return save({key: tensor.contiguous() for key, tensor in tensors.items()})


def architecture(recipe: Recipe, grid: int, network: Network | Ensemble | Regions) -> Architecture:
    """The recipe's network in the card's words."""
    pretrained = {"imagenet": BACKBONES[recipe.backbone].source, "none": "none"}.get(str(recipe.weights), "a file")
    by_region = isinstance(network, Regions)
    return Architecture(
        backbone=recipe.backbone,
        pretrained=pretrained,
        transition_width=network.weight.shape[2] if isinstance(network, Regions) else recipe.width,
        pooling="average" if by_region else recipe.pooling,
        r=recipe.r,
        loss=f"least squares, penalty {recipe.ridge:g}" if by_region else LOSS_NAMES[recipe.loss],
        grid=grid,
        members=len(network.members) if isinstance(network, Ensemble) else 1,
        regions=tuple(REGIONS) if by_region else (),
    )
