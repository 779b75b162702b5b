"""Class activation maps as heat maps and regions of the image (Wang et al. 2017, section 3.2.1).

The order is: enlarge (bilinear), stretch each map to [0, 255], then threshold. Thresholding before enlarging
would leave squares a tenth of the image wide.
"""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt


def heat_map(cam: npt.NDArray[np.float32], rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Enlarge one finding's map and stretch it to [0, 255].

    Args:
        cam: (S, S), in logits.
        rows: height wanted.
        columns: width wanted.

    Returns:
        (rows, columns) uint8. The lowest value becomes 0 and the highest 255 in every map, so it shows where
        the model looked, not how sure it was. A constant map becomes 0.
    """
    enlarged = cv2.resize(cam, (columns, rows), interpolation=cv2.INTER_LINEAR)
    low, high, _, _ = cv2.minMaxLoc(enlarged)
    lowest, highest, _, _ = cv2.minMaxLoc(cam)
    if not high > low or lowest == highest:  # interpolation may leave a trace of rounding
        return np.zeros((rows, columns), dtype=np.uint8)
    scale = 255 / (high - low)
    # It rounds, and takes the absolute value of what is not below 0 anyway.
    return cast("npt.NDArray[np.uint8]", cv2.convertScaleAbs(enlarged, alpha=scale, beta=-low * scale))


def region(cam: npt.NDArray[np.float32], rows: int, columns: int, threshold: int) -> npt.NDArray[np.bool_]:
    """The part of the image at or above a heat map level: (rows, columns), as a segmentation holds it."""
    return heat_map(cam, rows, columns) >= threshold
