"""Where the lungs are."""

import cv2
import numpy as np
import pytest

from training import lungs

BODY, LUNG = 180, 60


def chest(*sides: tuple[int, int], size: int = 320) -> np.ndarray:
    """A bright body with a dark ellipse about each of the places, 80 pixels wide and 160 high."""
    image = np.full((size, size), BODY, dtype=np.uint8)
    for middle in sides:
        cv2.ellipse(image, middle, (40, 80), 0, 0, 360, LUNG, -1)
    return image


def test_two_dark_lungs_are_seen() -> None:
    """Their box goes from top to bottom and over both sides, to a fiftieth of the image."""
    found = lungs.seen(chest((100, 150), (220, 150)))

    assert found == pytest.approx((70 / 320, 230 / 320, 60 / 320, 260 / 320), abs=0.02)


@pytest.mark.parametrize(
    "image",
    [
        chest(),
        chest((100, 150)),
        chest((100, 150), (220, 60)),
        np.zeros((320, 320), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, (320, 320)).astype(np.uint8),
    ],
    ids=["none", "one", "one that goes out of the image", "black", "noise"],
)
def test_what_is_no_pair_of_lungs(image: np.ndarray) -> None:
    """Where there are not two whole ones, nothing is claimed."""
    assert lungs.seen(image) is None


def test_boxes_of_images() -> None:
    """An image without lungs has a row of NaN."""
    found = lungs.seen_in([chest((100, 150), (220, 150)), chest()])

    assert np.isnan(found).all(axis=1).tolist() == [False, True]
    assert lungs.seen_in([]).shape == (0, 4)


@pytest.mark.parametrize("side", [1, 2, 4, 10])
def test_parts_of_the_image(side: int) -> None:
    """However few places there are, each part has one, and its shares sum to 1."""
    np.testing.assert_allclose(lungs.part_shares(side, side).sum(axis=(1, 2)), np.ones(9))


def test_boxes_are_learnt_where_they_were_seen() -> None:
    """What one column tells of the box is found from half of the images, and said of the others too."""
    rows = np.random.default_rng(0).normal(size=(400, 3))
    boxes = np.array(lungs.USUAL) + 0.1 * rows[:, 1:2]
    seen = boxes.copy()
    seen[::2] = np.nan

    np.testing.assert_allclose(lungs.located(rows, seen)(rows), boxes, atol=0.01)


def test_usual_box_where_nothing_was_seen() -> None:
    """Every image has the same box then."""
    said = lungs.located(np.ones((5, 3)), np.full((5, 4), np.nan))

    np.testing.assert_allclose(said(np.zeros((2, 3))), np.array([lungs.USUAL] * 2))
