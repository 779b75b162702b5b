"""From an image to what the network sees.

There is one preprocessing. Training uses these functions too, and the model card holds their numbers.
"""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from inference.card import Preprocessing
from inference.image import Image, Stored, look_up


def resize(stored: Stored, size: int) -> Stored:
    """Bring stored values to size x size; the aspect ratio is not kept (Wang et al. 2017, section 2.3).

    A larger image first comes to 1.6 times the size, as the training images have it (512 to 320 pixels), so
    that one filter gives all images the same sharpness. Of very large ones four evenly spread pixels are
    averaged for that, not all: reading every pixel of a radiograph would take half the time of the model itself.

    Args:
        stored: (H, W).
        size: the side wanted, in pixels.
    """
    middle = round(1.6 * size)
    if min(stored.shape) >= 2 * middle:
        spread = cv2.resize(stored, (2 * middle, 2 * middle), interpolation=cv2.INTER_NEAREST)
        stored = _integers(cv2.resize(spread, (middle, middle), interpolation=cv2.INTER_AREA))
    # Linear to twice the size and then the mean of each four: a filter of nearly one pixel's width, at the cost of
    # plain linear interpolation, which alone would skip pixels.
    doubled = cv2.resize(stored, (2 * size, 2 * size), interpolation=cv2.INTER_LINEAR)
    return _integers(cv2.resize(doubled, (size, size), interpolation=cv2.INTER_AREA))


def _integers(values: cv2.typing.MatLike) -> Stored:
    """OpenCV keeps the type it was given; its types do not say so."""
    return cast("Stored", values)


def normalise(grey: npt.NDArray[np.uint8], card: Preprocessing) -> npt.NDArray[np.float32]:
    """The numbers that the network sees for grey levels, whatever their shape."""
    numbers = grey.astype(np.float32) / np.float32(255)
    return np.asarray((numbers - np.float32(card.mean)) / np.float32(card.std), dtype=np.float32)


def model_input(image: Image, card: Preprocessing) -> npt.NDArray[np.float32]:
    """Make the network's input of an image.

    The stored values are averaged, and the averages windowed. The other way round gives the same but where a window
    cuts off, and would render every pixel for the sake of few.

    Args:
        image: what to read.
        card: size S, and the mean and standard deviation of grey levels in [0, 1].

    Returns:
        (1, channels, S, S) float32; the channels are equal.
    """
    return input_of(small(image, card.size), card)


def small(image: Image, size: int) -> npt.NDArray[np.uint8]:
    """The grey levels that the network sees of an image: (size, size)."""
    return look_up(image.grey, resize(image.stored, size))


def input_of(grey: npt.NDArray[np.uint8], card: Preprocessing) -> npt.NDArray[np.float32]:
    """Make the network's input, as `model_input` does, of what `small` gave."""
    result = np.empty((1, card.channels, card.size, card.size), dtype=np.float32)
    cv2.LUT(grey, normalise(np.arange(256, dtype=np.uint8), card), dst=result[0, 0])
    result[0, 1:] = result[0, 0]
    return result
