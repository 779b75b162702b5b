"""Comparing boxes with a radiologist's."""

import pytest

from inference.prediction import Box
from training.localization import TrueBox, hit, part_inside, read_boxes

TRUE = TrueBox(image="a.png", finding="Mass", x=0.5, y=0.0, width=0.5, height=0.5)


def box(x: int, y: int, width: int, height: int) -> Box:
    return Box(x=x, y=y, width=width, height=height, threshold=60)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (box(50, 0, 50, 50), 1.0),
        (box(0, 0, 100, 100), 0.25),
        (box(0, 0, 50, 50), 0.0),
        (box(40, 0, 20, 10), 0.5),
    ],
)
def test_part_inside_by_hand(found, expected) -> None:
    """IoBB is the part of the detected box that lies in the true one."""
    assert part_inside(found, TRUE, 100, 100) == pytest.approx(expected)


def test_a_hit_is_above_the_threshold() -> None:
    """One good box is enough; a quarter is not more than a quarter; no box is no hit."""
    assert hit([box(0, 0, 9, 9), box(50, 0, 10, 10)], [TRUE], 100, 100, 0.5)
    assert not hit([box(0, 0, 100, 100)], [TRUE], 100, 100, 0.25)
    assert not hit([], [TRUE], 100, 100, 0.1)


def test_table(tmp_path) -> None:
    """Boxes are read as parts of the image; RSNA's opacities count for Pneumonia."""
    (tmp_path / "boxes.csv").write_text("image,label,x,y,w,h\na.png,LungOpacity(RSNA),512,0,256,1024\n")

    (true,) = read_boxes(tmp_path / "boxes.csv")

    assert (true.finding, true.x, true.width, true.height) == ("Pneumonia", 0.5, 0.25, 1.0)
