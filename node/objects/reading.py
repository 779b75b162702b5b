"""One frontal image that was read, and what came of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from inference.cam import heat_map
from inference.prediction import Box, FindingScore, Prediction

HeatMaps = dict[str, npt.NDArray[np.uint8]]

BOX_THRESHOLD = 180
"""The heat map level of boxes and masks in result objects; the boxes at 60 are for evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An image's header, what a radiologist sees of it, and what the model says.

    `header` is the source dataset; pixel data in it is not looked at.
    `display` is (rows, columns) as MONOCHROME2: black is 0.
    `stored_range` is the smallest and the largest stored value: what is shown of an image that names no window.
    """

    header: Dataset
    display: npt.NDArray[np.uint8]
    prediction: Prediction
    stored_range: tuple[int, int] | None = None


def shown_boxes(score: FindingScore) -> list[Box]:
    """The boxes a radiologist is shown: those of a finding that is present, at level 180."""
    return [box for box in score.boxes if box.threshold == BOX_THRESHOLD] if score.present else []


def heat_maps(prediction: Prediction) -> HeatMaps:
    """The heat map, (rows, columns), of each finding above its operating point, by its name."""
    return {
        score.finding: heat_map(cam, prediction.rows, prediction.columns)
        for score, cam in zip(prediction.scores, prediction.cam, strict=True)
        if score.present
    }


def percent(fraction: float) -> float:
    """A fraction in [0, 1] as a percentage with two decimals."""
    return round(float(fraction) * 100, 2)
