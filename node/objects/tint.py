"""A heat map as a picture to be laid over a radiograph: coloured like the overlay, clear where it is weak."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.cam import heat_map
from node.objects.palette import heat_colours, heat_opacity

LONGEST_SIDE = 512
"""In pixels; maps have few cells, and a browser enlarges as smoothly."""


def heat_picture(cam: npt.NDArray[np.float32], rows: int, columns: int) -> bytes:
    """Draw one finding's map.

    Args:
        cam: (S, S), in logits.
        rows: height of the radiograph.
        columns: its width.

    Returns:
        A PNG of the radiograph's shape, with a palette. The hottest is opaque: how much of it shows is for whoever
        lays it over; the overlay takes `palette.FULL_ALPHA`.
    """
    scale = min(1.0, LONGEST_SIDE / max(rows, columns))
    picture = Image.fromarray(heat_map(cam, max(1, round(rows * scale)), max(1, round(columns * scale))))
    picture.putpalette(heat_colours().tobytes())
    opacity = heat_opacity().astype(np.float64)
    alpha = np.rint(opacity / opacity.max() * 255).astype(np.uint8)
    data = io.BytesIO()
    picture.save(data, "PNG", transparency=alpha.tobytes(), compress_level=1)
    return data.getvalue()
