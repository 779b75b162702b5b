"""Charts: places worked out by hand, on a picture of 640 x 320 whose plot is 572 x 264."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.console.chart import Axis, Series, chart, ticks

UNIT = (0.0, 1.0)


def test_points_are_where_they_belong() -> None:
    """(0, 0) is the plot's lower left corner, (1, 1) its upper right one."""
    drawn = chart(
        "ROC",
        [Series(name="a", points=((0.0, 0.0), (0.5, 0.75), (1.0, 1.0)))],
        across=Axis(title="x", range=UNIT),
        up=Axis(title="y", range=UNIT),
        diagonal=True,
    )

    assert drawn.lines[0].path == "M 56,276 L 342,78 L 628,12"
    assert drawn.diagonal == "M 56,276 L 628,12"
    assert drawn.rows == (("0", (0.0,)), ("0.5", (0.75,)), ("1", (1.0,)))


def test_a_band_goes_along_its_lower_edge_and_back_along_its_upper_one() -> None:
    """And the axis has room for both."""
    series = Series(name="kappa", points=((0.0, 0.5), (1.0, 0.5)), band=((0.0, 1.0), (0.25, 0.75)))

    drawn = chart("", [series], across=Axis(title="week"), up=Axis(title="kappa"))

    assert drawn.lines[0].band == "M 56,276 L 628,210 L 628,78 L 56,12 Z"


def test_lines_that_have_not_the_same_points_stand_in_one_table() -> None:
    """What a line does not have is left open."""
    two = [Series(name="a", points=((1.0, 0.1),)), Series(name="b", points=((2.0, 0.2),))]

    drawn = chart("", two, across=Axis(title="week", words=((1.0, "Mon"), (2.0, "Tue"))), up=Axis(title="y"))

    assert drawn.rows == (("Mon", (0.1, None)), ("Tue", (None, 0.2)))


def test_of_many_named_values_some_are_written() -> None:
    """Twelve weeks have six names."""
    weeks = tuple((float(number), f"w{number}") for number in range(12))

    drawn = chart(
        "", [Series(name="a", points=((0.0, 0.0), (11.0, 1.0)))], across=Axis(title="", words=weeks), up=Axis(title="")
    )

    assert [tick.words for tick in drawn.across_ticks] == ["w0", "w2", "w4", "w6", "w8", "w10"]


def test_nothing_is_an_empty_plane() -> None:
    """A chart without a point still has its axes."""
    drawn = chart("", [Series(name="a", points=())], across=Axis(title="x"), up=Axis(title="y"))

    assert drawn.lines[0].path == ""
    assert drawn.rows == ()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.0, 30.0, (0, 5, 10, 15, 20, 25, 30)),
        (-0.3, 0.3, (-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3)),
        (5.0, 5.0, (5.0,)),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: tuple[float, ...]) -> None:
    """One, two or five times a power of ten."""
    assert ticks(low, high) == pytest.approx(expected)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_within_and_some(low: float, wide: float) -> None:
    """Between two and eleven, none beyond the ends."""
    found = ticks(low, low + wide)

    assert 1 <= len(found) <= 11
    assert all(low - wide * 1e-6 <= each <= low + wide * (1 + 1e-6) for each in found)
