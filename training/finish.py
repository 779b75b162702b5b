"""From a trained network to a bundle that says what it can and cannot do.

All numbers are taken with the exported graph and the product's own preprocessing, as a hospital would meet them
(`training.measure`).
"""

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
from training.cache import Cache, Tell
from training.dataset import of_split, strata
from training.export import to_onnx
from training.measure import (
    Reading,
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
    "{} folds of the training and validation patients, a member for each that learnt from the others; what is said of "
    "the validation set is of all folds, each read by the one member that has not learnt from it"
)
LOSS_NAMES = {
    "w-cel": "W-CEL (Wang et al. 2017, eq. 1)",
    "cel": "CEL (cross entropy)",
    "hinge": "hinge",
    "euclidean": "Euclidean",
}


def finish(
    network: Network | Ensemble,
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
) -> tuple[Bundle, float]:
    """Export the network, calibrate it, choose operating points, measure and write the bundle.

    Of members that learnt by folds (`training.folds`) `out_of_fold` is what each says of the patients whom it has not
    learnt from. It stands for the validation set, which the members together have learnt from.

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
            lambda image: session.run(["logits", "cam"], {"image": image}),
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
    points = operating_points(validation, test, calibration, findings, recipe.specificity)
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
            split=words.split if out_of_fold is None else f"{words.split}; {FOLDS.format(members)}",
            train=counts(sets[Split.TRAIN], findings),
            validation=counts(sets[Split.VALIDATION], findings),
            test=counts(sets[Split.TEST], findings),
            snapshot=snapshot.sha256,
        ),
        metrics=metrics(test, findings, localization((validation, test), calibration, points, snapshot)).model_copy(
            update={"out_of_fold": {} if out_of_fold is None else summary(out_of_fold)}
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


def architecture(recipe: Recipe, grid: int, network: Network | Ensemble) -> Architecture:
    """The recipe's network in the card's words."""
    pretrained = {"imagenet": BACKBONES[recipe.backbone].source, "none": "none"}.get(str(recipe.weights), "a file")
    return Architecture(
        backbone=recipe.backbone,
        pretrained=pretrained,
        transition_width=recipe.width,
        pooling=recipe.pooling,
        r=recipe.r,
        loss=LOSS_NAMES[recipe.loss],
        grid=grid,
        members=len(network.members) if isinstance(network, Ensemble) else 1,
        mirrored=isinstance(network, Ensemble) and network.mirrored,
    )
