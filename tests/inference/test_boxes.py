"""Boxes round hot regions."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.boxes import BoxSettings, find, gated, paper
from inference.cam import heat_map
from inference.prediction import Box


def box(x: int, y: int, width: int, height: int, threshold: int = 60) -> Box:
    return Box(x=x, y=y, width=width, height=height, threshold=threshold)


HEAT = np.zeros((8, 10), dtype=np.uint8)
HEAT[1:3, 2:5] = 60
HEAT[3, 5] = 200
HEAT[6, 0] = 255


def test_one_box_a_region() -> None:
    """Three pixels by two and its corner neighbour are one region, the lone pixel another."""
    assert find(HEAT, 60) == (box(2, 1, 4, 3), box(0, 6, 1, 1))


def test_corners_do_not_connect_by_four() -> None:
    """With four neighbours a corner is no connection."""
    assert find(HEAT, 60, connectivity=4) == (box(2, 1, 3, 2), box(5, 3, 1, 1), box(0, 6, 1, 1))


def test_small_regions_are_left_out() -> None:
    """Two pixels of eighty are the least here."""
    assert find(HEAT, 60, minimum_area=2 / 80) == (box(2, 1, 4, 3),)


def test_below_the_threshold_there_is_none() -> None:
    """A cold map has no box."""
    assert find(np.full((4, 4), 59, dtype=np.uint8), 60) == ()


def test_boxes_are_in_pixels_of_the_image() -> None:
    """A hot quarter of a large image has a box from its corner, at both thresholds, nested."""
    cam = np.zeros((10, 10), dtype=np.float32)
    cam[:5, 5:] = 1

    low, high = paper(cam, 2500, 2000)

    assert (low.threshold, high.threshold) == (60, 180)
    assert low.y == high.y == 0
    assert low.x + low.width == high.x + high.width == 2000
    assert low.x == pytest.approx(1000, abs=100)
    assert low.height == pytest.approx(1250, abs=125)
    assert low.x <= high.x
    assert low.height >= high.height


@given(
    arrays(np.float32, (6, 6), elements=st.floats(-9, 9, width=16)),
    st.integers(20, 700),
    st.integers(20, 700),
)
def test_boxes_lie_in_the_image_and_hold_the_hottest_place(cam, rows, columns) -> None:
    """Every box is inside the image; on small images the hottest pixel is in a box of each threshold."""
    boxes = paper(cam, rows, columns, BoxSettings(minimum_area=0))

    assert all(0 <= b.x < b.x + b.width <= columns and 0 <= b.y < b.y + b.height <= rows for b in boxes)
    heat = heat_map(cam, rows, columns)
    if heat.any() and max(rows, columns) <= 96:
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        for threshold in (60, 180):
            assert any(
                b.x <= x < b.x + b.width and b.y <= y < b.y + b.height for b in boxes if b.threshold == threshold
            )


def test_the_gate() -> None:
    """A finding that is not present has no box, whatever its map."""
    cam = np.eye(4, dtype=np.float32)

    assert gated(cam, 100, 100, present=False) == ()
    assert gated(cam, 100, 100, present=True) == paper(cam, 100, 100) != ()


@given(arrays(np.bool_, st.tuples(st.integers(1, 16), st.integers(1, 16))), st.integers(0, 9))
def test_outlines_give_the_boxes_that_counting_pixels_gives(hot, least) -> None:
    """Whatever the regions, one in the hole of another too, the quick way and the slow way find the same boxes."""
    heat = np.where(hot, 255, 0).astype(np.uint8)

    boxes = find(heat, 60, minimum_area=least / heat.size)

    _, _, regions, _ = cv2.connectedComponentsWithStats(hot.view(np.uint8), connectivity=8)
    counted = [(x, y, w, h) for x, y, w, h, area in regions[1:].tolist() if area >= least / heat.size * heat.size]
    assert sorted((b.x, b.y, b.width, b.height) for b in boxes) == sorted(counted)
