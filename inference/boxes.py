"""Boxes round the hot regions of a heat map (Wang et al. 2017, section 4.2)."""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from inference.cam import heat_map
from inference.prediction import Box

Place = tuple[int, int, int, int]
"""y, x, width and height of a region."""


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
    above = np.greater_equal(heat, threshold).view(np.uint8)
    least = minimum_area * heat.size
    found = _outlined(above, least) if connectivity == 8 else None
    return tuple(
        Box(x=x, y=y, width=width, height=height, threshold=threshold)
        for y, x, width, height in sorted(_counted(above, connectivity, least) if found is None else found)
    )


def _outlined(above: npt.NDArray[np.uint8], least: float) -> list[Place] | None:
    """The regions by their outlines, in a third of the time that counting their pixels takes.

    An outline does not say how many pixels are inside. A region has at least as many as it is wide or high and at
    most as many as its box: None where that leaves open whether one is large enough.
    """
    outlines, levels = cv2.findContours(above, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline, (_, _, _, parent) in zip(outlines, levels[0].tolist() if outlines else (), strict=True):
        if parent >= 0:
            continue  # the border of a hole
        x, y, width, height = cv2.boundingRect(outline)
        if width * height < least:
            continue
        if max(width, height) < least:
            return None
        found.append((y, x, width, height))
    return found


def _counted(above: npt.NDArray[np.uint8], connectivity: int, least: float) -> list[Place]:
    """The regions of at least so many pixels."""
    _, _, regions, _ = cv2.connectedComponentsWithStats(above, connectivity=connectivity)
    return [(y, x, width, height) for x, y, width, height, area in regions[1:].tolist() if area >= least]


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
    right, bottom = ceil((box.x + box.width) * across - 1e-6), ceil((box.y + box.height) * down - 1e-6)
    return Box(x=x, y=y, width=right - x, height=bottom - y, threshold=box.threshold)
