"""A tiny seeded model as a bundle: real weights of no meaning, so that tests of the path need no trained one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from db.vocabulary import EIGHT
from inference import bundle
from inference.bundle import Bundle
from inference.card import (
    Architecture,
    Calibration,
    Card,
    Counts,
    Data,
    FindingMetrics,
    Metrics,
    OperatingPoint,
    Preprocessing,
)

NAMES = tuple(finding.name for finding in EIGHT)
SIZE, CELL = 64, 8


def write_tiny(path: Path, *, version: str = "tiny-1", operating_point: float = 0.5, seed: int = 0) -> Bundle:
    """Write a bundle whose every finding has the same operating point: 0 makes all present, 1 none."""
    kernel = np.random.default_rng(seed).normal(0, 0.2, (len(NAMES), 3, CELL, CELL)).astype(np.float32)
    card = tiny_card(version=version, operating_point=operating_point)
    return bundle.write(path, card, {bundle.MODEL: tiny_graph(kernel)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A round place in an image, as parts of its width and height in [0, 1], and how sure to be of it."""

    x: float
    y: float
    radius: float
    probability: float


def write_told(path: Path, spots: Mapping[str, Spot], *, version: str = "told-1") -> Bundle:
    """Write a bundle that looks at no image: it is told which findings there are and where.

    Its operating points are 0.5. Every finding that is not named has the probability 0.02 and a map without a place.
    """
    size = 256
    y, x = (np.mgrid[: size // CELL, : size // CELL] + 0.5) / (size // CELL)
    maps = np.zeros((len(NAMES), size // CELL, size // CELL), np.float32)
    for number, name in enumerate(NAMES):
        spot = spots.get(name)
        if spot is not None:
            # Above the level of the boxes, 180 of 255, inside of the radius.
            maps[number] = 8 * (180 / 255) ** (((x - spot.x) ** 2 + (y - spot.y) ** 2) / spot.radius**2)
        probability = 0.02 if spot is None else spot.probability
        maps[number] += np.log(probability / (1 - probability)) - maps[number].mean()
    card = tiny_card(version=version, operating_point=0.5, size=size)
    blind = np.zeros((len(NAMES), 3, CELL, CELL), np.float32)
    return bundle.write(path, card, {bundle.MODEL: tiny_graph(blind, size, maps)})


def tiny_graph(kernel: npt.NDArray[np.float32], size: int = SIZE, maps: npt.NDArray[np.float32] | None = None) -> bytes:
    """Image (N, 3, S, S) -> average-pooled logits (N, F) and maps (N, F, S/8, S/8), by one convolution.

    Args:
        kernel: (F, 3, 8, 8), one for each finding.
        size: S.
        maps: (F, S/8, S/8), added to what the convolution gives.
    """
    findings, grid = len(kernel), size // CELL
    constants = [numpy_helper.from_array(kernel, "kernel")]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["cam" if maps is None else "seen"], strides=[CELL, CELL]),
        helper.make_node("GlobalAveragePool", ["cam"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    if maps is not None:
        constants.append(numpy_helper.from_array(maps, "maps"))
        nodes.insert(1, helper.make_node("Add", ["seen", "maps"], ["cam"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size, size])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", findings]),
            helper.make_tensor_value_info("cam", TensorProto.FLOAT, ["batch", findings, grid, grid]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def tiny_card(
    findings: Sequence[str] = NAMES, *, version: str = "tiny-1", operating_point: float = 0.5, size: int = SIZE
) -> Card:
    """The card of a model that was measured on nothing."""
    none = Counts(images=0, patients=0, positives={})
    return Card(
        name="tiny",
        version=version,
        created=date(2026, 1, 1),
        findings=tuple(findings),
        architecture=Architecture(
            backbone="convolution",
            pretrained="none",
            transition_width=1,
            pooling="average",
            r=0,
            loss="none",
            grid=size // CELL,
        ),
        preprocessing=Preprocessing(size=size, mean=0.5, std=0.5),
        data=Data(source="none", split="none", train=none, validation=none, test=none),
        metrics=Metrics(
            per_finding=tuple(
                FindingMetrics(
                    finding=name, positives=0, negatives=0, auc=0.5, auc_interval=(0, 1), stratified_auc=None
                )
                for name in findings
            ),
            mean_auc=0.5,
            mean_stratified_auc=0.5,
            by_collection={},
            by_view={},
            localization="none",
        ),
        operating_points=tuple(
            OperatingPoint(
                finding=name,
                probability=operating_point,
                target="a test",
                sensitivity=0,
                sensitivity_interval=(0, 1),
                specificity=0,
                specificity_interval=(0, 1),
            )
            for name in findings
        ),
        calibration=Calibration(method="none", scale=(1.0,) * len(findings), offset=(0.0,) * len(findings)),
        limits=("It means nothing.",),
        licence="Apache-2.0",
        attribution=(),
        notice="Not for clinical use. Not a medical device.",
        files={},
    )
