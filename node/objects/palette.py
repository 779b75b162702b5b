"""Colours: one for each finding, and one scale for heat."""

import numpy as np
import numpy.typing as npt

from db.vocabulary import FINDINGS

RGB = tuple[int, int, int]

_COLOURS: dict[str, RGB] = {
    "Atelectasis": (86, 190, 245),
    "Cardiomegaly": (255, 105, 140),
    "Effusion": (38, 214, 180),
    "Infiltration": (250, 205, 70),
    "Mass": (200, 130, 255),
    "Nodule": (160, 232, 84),
    "Pneumonia": (255, 150, 66),
    "Pneumothorax": (112, 150, 255),
    "Consolidation": (240, 232, 120),
    "Edema": (120, 226, 255),
    "Emphysema": (214, 176, 132),
    "Fibrosis": (255, 178, 224),
    "Pleural_Thickening": (176, 208, 164),
    "Hernia": (224, 224, 224),
}
"""Bright enough to be read on black, easily told apart; the same in overlay and segmentation."""

_HEAT = (
    (0, (48, 18, 120)),
    (64, (128, 28, 132)),
    (128, (206, 60, 96)),
    (192, (246, 134, 48)),
    (255, (255, 232, 120)),
)
"""Anchors (level, colour): from violet to yellow while lightness only grows, so that more looks like more."""

FULL_ALPHA = 0.45
"""How much of the hottest colour covers the radiograph in an overlay."""
_CLEAR_BELOW, _FULL_ABOVE = 110, 230
"""Weak heat leaves the radiograph as it is: maps of few cells are lukewarm nearly everywhere."""


def finding_colour(name: str) -> RGB:
    """The colour of a finding, as sRGB of 8 bits."""
    return _COLOURS[FINDINGS[name].name]


def heat_colours() -> npt.NDArray[np.uint8]:
    """(256, 3): the colour of each level of a heat map."""
    levels = [level for level, _ in _HEAT]
    channels = [np.interp(np.arange(256), levels, [colour[i] for _, colour in _HEAT]) for i in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def heat_opacity() -> npt.NDArray[np.uint8]:
    """(256,): how much of the colour covers the radiograph at each level, 255 being all of it."""
    ramp = np.clip((np.arange(256) - _CLEAR_BELOW) / (_FULL_ABOVE - _CLEAR_BELOW), 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    return np.asarray((smooth * FULL_ALPHA * 255).round(), dtype=np.uint8)
