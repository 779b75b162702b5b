"""Class activation maps as heat maps and regions of the image (Wang et al. 2017, section 3.2.1).

The order is: enlarge (bilinear), stretch each map to [0, 255], then threshold. Thresholding before enlarging
would leave squares a tenth of the image wide.
"""

from functools import lru_cache

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
    enlarged = _interpolation(rows, cam.shape[0]) @ cam @ _interpolation(columns, cam.shape[1]).T
    low, high = enlarged.min(), enlarged.max()
    if not high > low:
        return np.zeros((rows, columns), dtype=np.uint8)
    enlarged -= low
    enlarged *= np.float32(255) / (high - low)
    return np.minimum(np.rint(enlarged, out=enlarged), 255).astype(np.uint8)


def region(cam: npt.NDArray[np.float32], rows: int, columns: int, threshold: int) -> npt.NDArray[np.bool_]:
    """The part of the image at or above a heat map level: (rows, columns), as a segmentation holds it."""
    return heat_map(cam, rows, columns) >= threshold


@lru_cache(maxsize=32)
def _interpolation(target: int, source: int) -> npt.NDArray[np.float32]:
    """(target, source) weights of linear interpolation between pixel centres, the edges held."""
    places = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    left = np.minimum(places.astype(np.intp), max(source - 2, 0))
    weights = np.zeros((target, source), dtype=np.float32)
    fraction = places - left
    index = np.arange(target)
    weights[index, left] = 1 - fraction
    weights[index, np.minimum(left + 1, source - 1)] += fraction
    weights.flags.writeable = False  # it is shared
    return weights
