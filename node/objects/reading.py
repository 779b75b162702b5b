"""One frontal image that was read, and what came of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from inference.prediction import Box, FindingScore, Prediction

BOX_THRESHOLD = 180
"""The heat map level of boxes and masks in result objects; the boxes at 60 are for evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An image's header, what a radiologist sees of it, and what the model says.

    `header` is the source dataset; pixel data in it is not looked at.
    `display` is (rows, columns) as MONOCHROME2: black is 0.
    """

    header: Dataset
    display: npt.NDArray[np.uint8]
    prediction: Prediction


def shown_boxes(score: FindingScore) -> list[Box]:
    """The boxes a radiologist is shown: those of a finding that is present, at level 180."""
    return [box for box in score.boxes if box.threshold == BOX_THRESHOLD] if score.present else []


def percent(fraction: float) -> float:
    """A fraction in [0, 1] as a percentage with two decimals."""
    return round(float(fraction) * 100, 2)
