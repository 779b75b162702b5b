"""How far two models agree on the images that both have read, and how far each agrees with the reports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import nan

import numpy as np
import numpy.typing as npt

from db.label_records import StudyLabels
from db.records import ScorePair
from db.vocabulary import Assertion
from training.roc import Interval, auc, difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Two models on one finding, beside what reports or people say of it."""

    positives: int
    negatives: int
    first: Interval
    second: Interval
    difference: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two models on one finding. Present means at or above the model's own operating point.

    `share` is the part of the images on which they say the same, in [0, 1], `kappa` the agreement beyond chance (Cohen
    1960), `correlation` Pearson's of the probabilities; the last two are None where they are not defined, as on images
    that are all alike. `labels` is None where they do not have both kinds.
    """

    finding: str
    images: int
    both: int
    only_first: int
    only_second: int
    neither: int
    share: float
    kappa: float | None
    correlation: float | None
    labels: Beside | None


@dataclass(slots=True)
class _Said:
    """Of one finding, an entry an image: two probabilities, whether each is present, and what the labels say."""

    probabilities: list[tuple[float, float]] = field(default_factory=list)
    present: list[tuple[bool, bool]] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)


def agreements(pairs: Iterable[ScorePair], labels: Mapping[int, StudyLabels]) -> list[Agreement]:
    """Compare two models on every finding that both know, in the order of the first.

    Args:
        pairs: what both said of each image.
        labels: those in force, by the study's row id.
    """
    said: dict[str, _Said] = {}
    for pair in pairs:
        second = {score["finding"]: score for score in pair.second}
        for one in pair.first:
            other = second.get(one["finding"])
            if other is not None:
                here = said.setdefault(one["finding"], _Said())
                here.probabilities.append((one["probability"], other["probability"]))
                here.present.append(
                    (one["probability"] >= one["operating_point"], other["probability"] >= other["operating_point"])
                )
                here.labels.append(label_of(labels.get(pair.study_id), one["finding"]))
    return [_agreement(finding, each) for finding, each in said.items()]


def label_of(study: StudyLabels | None, finding: str) -> float:
    """1 or 0 as the labels in force say, NaN where they do not.

    What a report that could be mined does not mention is not there (Wang et al. 2017, section 2.1).
    """
    if study is None:
        return nan
    mined = any(report.readable for report in study.reports)
    state = study.states.get(finding, Assertion.NEGATIVE if mined else Assertion.UNMENTIONED)
    return {Assertion.POSITIVE: 1.0, Assertion.NEGATIVE: 0.0}.get(state, nan)


def _agreement(finding: str, said: _Said) -> Agreement:
    first, second = np.array(said.present).T
    images = len(said.present)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    observed = (both + neither) / images
    expected = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    probabilities = np.array(said.probabilities)
    return Agreement(
        finding=finding,
        images=images,
        both=both,
        only_first=int((first & ~second).sum()),
        only_second=int((~first & second).sum()),
        neither=neither,
        share=observed,
        kappa=(observed - expected) / (1 - expected) if expected < 1 else None,
        correlation=_correlation(probabilities),
        labels=_beside(np.array(said.labels), probabilities),
    )


def _correlation(probabilities: npt.NDArray[np.float64]) -> float | None:
    if not np.ptp(probabilities, axis=0).all():
        return None
    first, second = probabilities.T
    return float(np.asarray(np.corrcoef(first, second))[0, 1])


def _beside(labels: npt.NDArray[np.float64], probabilities: npt.NDArray[np.float64]) -> Beside | None:
    known = ~np.isnan(labels)
    truth = labels[known].astype(np.int_)
    first, second = probabilities[known, 0], probabilities[known, 1]
    areas = auc(truth, first), auc(truth, second), difference(truth, first, second)
    if areas[0] is None or areas[1] is None or areas[2] is None:
        return None
    return Beside(
        positives=int(truth.sum()),
        negatives=int((1 - truth).sum()),
        first=areas[0],
        second=areas[1],
        difference=areas[2],
    )
