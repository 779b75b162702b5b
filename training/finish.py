"""From a trained network to a bundle that says what it can and cannot do.

All numbers are taken with the exported graph and the product's own preprocessing, as a hospital would meet them
(`training.measure`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from safetensors.torch import save

from inference.backbones import BACKBONES
from inference.bundle import MODEL, Bundle, write
from inference.card import (
    Architecture,
    Card,
    Data,
    Preprocessing,
)
from inference.ensemble import Ensemble
from inference.network import Network
from inference.regions import REGIONS, Regions
from training.cache import Cache, Tell
from training.dataset import of_split, strata
from training.export import to_onnx
from training.measure import (
    Reading,
    answering,
    calibrate,
    counts,
    flagged_without_finding,
    localization,
    metrics,
    operating_points,
    read,
    summary,
)
from training.recipe import Recipe
from training.snapshot import Snapshot, Split
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


def finish(
    network: Network | Ensemble | Regions,
    preprocessing: Preprocessing,
    snapshot: Snapshot,
    cache: Cache,
    *,
    recipe: Recipe,
    name: str,
    version: str,
    words: Words,
    folder: Path,
    tell: Tell,
    out_of_fold: Reading | None = None,
    across_sources: Mapping[str, float] | None = None,
) -> tuple[Bundle, float]:
    """Export the network, calibrate it, choose operating points, measure and write the bundle.

    Of a model that learnt by folds (`training.folds`, `training.ridge`) `out_of_fold` is what is said of each patient
    by what has not learnt from them. It stands for the validation set, which the model has learnt from.
    `across_sources` has the mean AUC in each source of what has learnt from all others.

    Returns:
        The bundle, and the part of the test images without finding in which one is called present.
    """
    members = len(network.members) if isinstance(network, Ensemble) else 1
    graph, findings = to_onnx(network, preprocessing.size, half=members > 1), snapshot.findings
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    items = cache.readable(snapshot.items)
    sets = {split: of_split(items, split) for split in Split}
    strata_of = strata(items)
    if out_of_fold is not None:
        sets[Split.TRAIN] = sets[Split.VALIDATION] = out_of_fold.items
    total = len(sets[Split.VALIDATION]) + len(sets[Split.TEST])

    def read_set(split: Split, before: int) -> Reading:
        return read(
            answering(session),
            sets[split],
            cache,
            preprocessing,
            strata_of=strata_of,
            boxed=frozenset(snapshot.boxes),
            tell=lambda done, _: tell(before + done, total),
        )

    validation = out_of_fold or read_set(Split.VALIDATION, 0)
    test = read_set(Split.TEST, len(sets[Split.VALIDATION]))
    calibration = calibrate(validation)
    points = operating_points(validation, test, calibration, findings, recipe.target)
    flagged = flagged_without_finding(test, calibration, points)
    card = Card(
        name=name,
        version=version,
        created=datetime.now(UTC).date(),
        findings=findings,
        architecture=architecture(recipe, test.grid, network),
        preprocessing=preprocessing,
        data=Data(
            source=words.source,
            split=words.split if out_of_fold is None else f"{words.split}; {FOLDS}",
            train=counts(sets[Split.TRAIN], findings),
            validation=counts(sets[Split.VALIDATION], findings),
            test=counts(sets[Split.TEST], findings),
            snapshot=snapshot.sha256,
        ),
        metrics=metrics(test, findings, localization((validation, test), calibration, points, snapshot)).model_copy(
            update={
                "out_of_fold": {} if out_of_fold is None else summary(out_of_fold),
                "across_sources": dict(across_sources or {}),
            }
        ),
        operating_points=points,
        calibration=calibration,
        limits=(
            *words.limits,
            f"Of test images with none of the findings, {flagged:.0%} had at least one called present.",
        ),
        licence=words.licence,
        attribution=words.attribution,
        notice="Not for clinical use. Not a medical device.",
        files={},
    )
    tensors = network.tensors() if isinstance(network, Ensemble) else network.state_dict()
    weights = save({key: tensor.contiguous() for key, tensor in tensors.items()})
    return write(folder, card, {MODEL: graph, WEIGHTS: weights, "README.md": words.readme.encode()}), flagged


def architecture(recipe: Recipe, grid: int, network: Network | Ensemble | Regions) -> Architecture:
    """The recipe's network in the card's words."""
    pretrained = {"imagenet": BACKBONES[recipe.backbone].source, "none": "none"}.get(str(recipe.weights), "a file")
    by_region = isinstance(network, Regions)
    return Architecture(
        backbone=recipe.backbone,
        pretrained=pretrained,
        transition_width=network.weight.shape[1] if isinstance(network, Regions) else recipe.width,
        pooling="average" if by_region else recipe.pooling,
        r=recipe.r,
        loss=f"least squares, penalty {recipe.ridge:g}" if by_region else LOSS_NAMES[recipe.loss],
        grid=grid,
        members=len(network.members) if isinstance(network, Ensemble) else 1,
        regions=tuple(REGIONS) if by_region else (),
    )
