"""Comparing boxes with a radiologist's."""

import numpy as np
import pytest

from inference.prediction import Box
from training.localization import Case, Located, TrueBox, hit, iobb, iou, points_at, read_boxes, table4

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
def test_iobb_by_hand(found, expected) -> None:
    """IoBB is the part of the detected box that lies in the true one."""
    assert iobb(found, TRUE, 100, 100) == pytest.approx(expected)


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


@pytest.mark.parametrize(
    ("found", "expected"),
    [(box(50, 0, 50, 50), 1.0), (box(0, 0, 100, 100), 0.25), (box(0, 0, 50, 50), 0.0), (box(50, 0, 50, 100), 0.5)],
)
def test_iou_by_hand(found, expected) -> None:
    """Intersection over union."""
    assert iou(found, TRUE, 100, 100) == pytest.approx(expected)


def test_table4_by_hand() -> None:
    """Two images, three rows.

    Mass: one row, hit by one of two boxes; on the other image, whose two rows are of other findings, a false box.
    Nodule: one row, no box. Effusion: one row, both boxes hit.
    """
    nodule, effusion = (
        TrueBox(image="b.png", finding=name, x=0.0, y=0.0, width=0.2, height=0.2) for name in ("Nodule", "Effusion")
    )
    cases = [
        Case(rows=100, columns=100, found={"Mass": [box(60, 0, 10, 10), box(0, 90, 5, 5)]}, true={"Mass": [TRUE]}),
        Case(
            rows=100,
            columns=100,
            found={"Mass": [box(0, 0, 9, 9)], "Effusion": [box(0, 0, 5, 5), box(5, 5, 5, 5)]},
            true={"Nodule": [nodule], "Effusion": [effusion]},
        ),
    ]

    mass, of_nodule, of_effusion = table4(cases, ["Mass", "Nodule", "Effusion"], iobb, 0.5)

    assert (mass.total, mass.hits, mass.false_on_its_rows, mass.false_on_all_rows, mass.rows) == (1, 1, 1, 3, 3)
    assert (of_nodule.accuracy, of_nodule.afp) == (0.0, 0.0)
    assert (of_effusion.accuracy, of_effusion.afp_on_all) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("total", "hits", "on_its", "on_all", "printed"),
    [
        (180, 131, 81, 819, (0.7277, 0.0823, 0.8323)),
        (146, 145, 48, 345, (0.9931, 0.0487, 0.3506)),
        (153, 109, 58, 787, (0.7124, 0.0589, 0.7998)),
        (123, 97, 42, 550, (0.7886, 0.0426, 0.5589)),
        (85, 37, 68, 632, (0.4352, 0.0691, 0.6422)),
        (79, 13, 62, 595, (0.1645, 0.0630, 0.6047)),
        (120, 90, 68, 891, (0.7500, 0.0691, 0.9055)),
        (98, 45, 26, 470, (0.4591, 0.0264, 0.4776)),
    ],
)
def test_the_papers_own_counts(total, hits, on_its, on_all, printed) -> None:
    """Its counts at T(IoBB) = 0.1 over 984 rows give the figures it prints, cut after four digits."""
    row = Located(finding="x", total=total, hits=hits, false_on_its_rows=on_its, false_on_all_rows=on_all, rows=984)

    assert (row.accuracy, row.afp, row.afp_on_all) == pytest.approx(printed, abs=1.01e-4)


def test_the_pointing_game() -> None:
    """The hottest place counts, wherever else the map is warm."""
    heat = np.zeros((10, 10))
    heat[2, 7], heat[8, 1] = 2, 1

    assert points_at(heat, [TRUE])
    assert not points_at(heat[::-1], [TRUE])
    assert not points_at(heat, [])
