"""What the model says of one image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A detected region, in pixels of the image as stored: x to the right, y down, from the top left corner.

    It covers columns [x, x + width) and rows [y, y + height). `threshold` is the heat map level, of 0 to 255,
    at which it was cut (60 or 180, Wang et al. 2017, section 4.2).
    """

    x: int
    y: int
    width: int
    height: int
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingScore:
    """One finding of one image: `probability` and `operating_point` in [0, 1]; boxes only where present."""

    finding: str
    probability: float
    operating_point: float
    boxes: tuple[Box, ...] = ()

    @property
    def present(self) -> bool:
        """At or above the operating point. Its opposite means "below it", never "absent"."""
        return self.probability >= self.operating_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """All findings of one image by one model version, in the order of the model card.

    `cam` is (C, S, S) float32, one class activation map a finding, in logits, not normalised.
    `rows` and `columns` are those of the image as stored, which the boxes refer to.
    """

    model_version: str
    rows: int
    columns: int
    scores: tuple[FindingScore, ...]
    cam: npt.NDArray[np.float32]
