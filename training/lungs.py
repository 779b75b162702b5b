"""Where the lungs are: seen in some images by their darkness, and from these learnt for all.

The darkness fails where a lung is white, and there the findings are. What the backbone sees tells it then: the
regression is learnt where both lungs were seen, and says of any image where they would be.
"""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from training.least_squares import Linear, Numbers, Scale, slopes

Grey = npt.NDArray[np.uint8]
SIDE = 320
"""Pixels of the square in which lungs are looked for; all lengths below are in them."""
EDGE = 16
"""Of the border that says nothing of how dark the lungs are."""
SMALLEST, LARGEST = 0.03, 0.35
"""Of one lung, as parts of the image."""
LOWEST = 70
"""A lung is higher than that."""
APART = 60
"""So far the middles of both lungs are apart, at least."""
USUAL = (0.16, 0.75, 0.18, 0.82)
"""Top, bottom, left and right where nothing was seen in any image, as parts of the side."""
PARTS = 3
"""The regression sees the means of so many by so many parts of the image."""
PENALTY = 1.0


def seen(image: Grey) -> tuple[float, float, float, float] | None:
    """Top, bottom, left and right of both lungs, as parts of the side; None if there are not two dark lungs.

    A lung is a dark part (Otsu 1979), of some size, that does not go out of the image.
    """
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    even = cv2.createCLAHE(3.0, (4, 4)).apply(cv2.GaussianBlur(small, (0, 0), 3))
    level, _ = cv2.threshold(even[EDGE:-EDGE, EDGE:-EDGE], 0, 255, cv2.THRESH_OTSU)
    dark = cv2.morphologyEx((even < 0.95 * level).astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    _, _, parts, middles = cv2.connectedComponentsWithStats(dark)
    lungs = sorted(
        (number for number in range(1, len(parts)) if _may_be_lung(*parts[number].tolist())),
        key=lambda number: -int(parts[number, cv2.CC_STAT_AREA]),
    )[:2]
    if len(lungs) < 2 or abs(middles[lungs[0], 0] - middles[lungs[1], 0]) < APART:
        return None
    left, top, width, height = parts[lungs, :4].T
    ends = top.min(), (top + height).max(), left.min(), (left + width).max()
    first, last, begin, end = (float(place) / SIDE for place in ends)
    return first, last, begin, end


def _may_be_lung(left: int, top: int, width: int, height: int, area: int) -> bool:
    inside = left > 1 and top > 1 and left + width < SIDE - 1 and top + height < SIDE - 1
    return inside and height > LOWEST and SMALLEST < area / SIDE**2 < LARGEST


def seen_in(images: Iterable[Grey]) -> Numbers:
    """(N, 4): what is `seen` in each image, NaN where nothing is."""
    return np.array([seen(image) or (np.nan,) * 4 for image in images]).reshape(-1, 4)


def part_shares(height: int, width: int) -> Numbers:
    """(9, H, W): what each place counts in the mean of each of the parts; sums to 1 in each."""
    shares = np.zeros((PARTS, PARTS, height, width))
    for down in range(PARTS):
        for across in range(PARTS):
            shares[down, across, _places(down, height), _places(across, width)] = 1
    flat = shares.reshape(PARTS**2, height, width)
    return np.asarray(flat / flat.sum(axis=(1, 2), keepdims=True))


def _places(part: int, count: int) -> slice:
    """Of one part along a side, at least one place."""
    begin = min(round(part * count / PARTS), count - 1)
    return slice(begin, max(round((part + 1) * count / PARTS), begin + 1))


def located(rows: Numbers, boxes: Numbers) -> Linear:
    """From what is seen of the parts of an image, (N, P), to the lungs' box, learnt where that is no NaN.

    Where nothing was seen at all, every image has the usual box.
    """
    known = ~np.isnan(boxes).any(axis=1)
    if not known.any():
        return Linear(weight=np.zeros((4, rows.shape[1])), bias=np.array(USUAL))
    weights = np.ones(int(known.sum()))
    scale = Scale.of(rows[known], weights)
    return scale.undone(*slopes(scale.standard(rows[known]), boxes[known], weights, PENALTY))
