"""Boxes round the hot regions of a heat map (Wang et al. 2017, section 4.2)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage  # type: ignore[import-untyped]  # scipy ships no types

from inference.cam import heat_map
from inference.prediction import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxSettings:
    """How boxes are cut. The paper gives the thresholds and is silent on the rest."""

    thresholds: tuple[int, ...] = (60, 180)
    """Heat map levels, each cut on its own."""
    connectivity: int = 8
    """8: pixels that touch at a corner are one region; 4: only at a side."""
    minimum_area: float = 0.0005
    """Regions smaller than this part of the image are left out."""
    grid: int = 96
    """The longest side of the grid on which regions are found."""


def find(
    heat: npt.NDArray[np.uint8], threshold: int, *, connectivity: int = 8, minimum_area: float = 0.0
) -> tuple[Box, ...]:
    """One box round each isolated region at or above the threshold, from top to bottom.

    Args:
        heat: (rows, columns) uint8; the boxes are in its pixels.
        threshold: the heat map level.
        connectivity: 4 or 8 neighbours.
        minimum_area: part of the image below which a region is left out, in [0, 1].
    """
    structure = np.ones((3, 3), dtype=bool) if connectivity == 8 else None
    labels, count = ndimage.label(heat >= threshold, structure=structure)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return tuple(
        Box(
            x=across.start,
            y=down.start,
            width=across.stop - across.start,
            height=down.stop - down.start,
            threshold=threshold,
        )
        for (down, across), area in zip(ndimage.find_objects(labels), areas, strict=True)
        if area >= minimum_area * heat.size
    )


def paper(
    cam: npt.NDArray[np.float32], rows: int, columns: int, settings: BoxSettings | None = None
) -> tuple[Box, ...]:
    """The boxes of one finding's map at every threshold, in pixels of the image, without a gate.

    Every map has a hottest place, so there is a box at each threshold even where there is nothing to see.
    Regions are found on a grid of at most `settings.grid` pixels a side, and the boxes then enlarged to the
    image, outwards: the map has few cells, so nothing is lost, and a large image costs what a small one does.
    """
    settings = settings or BoxSettings()
    scale = max(rows, columns, settings.grid) / settings.grid
    down, across = max(1, round(rows / scale)), max(1, round(columns / scale))
    heat = heat_map(cam, down, across)
    return tuple(
        _enlarge(box, rows / down, columns / across)
        for threshold in settings.thresholds
        for box in find(heat, threshold, connectivity=settings.connectivity, minimum_area=settings.minimum_area)
    )


def gated(
    cam: npt.NDArray[np.float32],
    rows: int,
    columns: int,
    *,
    present: bool,
    settings: BoxSettings | None = None,
) -> tuple[Box, ...]:
    """The paper's boxes where the finding is present, else none. The node serves these."""
    return paper(cam, rows, columns, settings) if present else ()


def _enlarge(box: Box, down: float, across: float) -> Box:
    x, y = int(box.x * across), int(box.y * down)
    right, bottom = np.ceil((box.x + box.width) * across - 1e-6), np.ceil((box.y + box.height) * down - 1e-6)
    return Box(x=x, y=y, width=int(right) - x, height=int(bottom) - y, threshold=box.threshold)
