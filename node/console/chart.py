"""Line charts for a page, as shapes: a template draws them (`chart.html`), and a table says the same in words.

The picture is 640 x 320 units, y downwards; a page gives it its size. What tells lines apart is a colour, of the
stylesheet, and a dash.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]

WIDTH, HEIGHT = 640.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 12.0, 44.0
"""Margins, for the words of the axes."""
TICKS = 6
"""About as many an axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line: its points from left to right, and where it is uncertain the lowest and highest y of each."""

    name: str
    points: tuple[Point, ...]
    band: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What is measured, from where to where; without a range that of the points. `words` name chosen values."""

    title: str
    range: tuple[float, float] | None = None
    words: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A value of an axis: where it is, and how it is written."""

    at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series as it is drawn: `path` and `band` are SVG paths, `dots` its points where they are few."""

    name: str
    number: int
    path: str
    band: str
    dots: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as it is drawn; `rows` is the table of the same, a row for each x, None where a line has no point."""

    title: str
    across: Axis
    up: Axis
    across_ticks: tuple[Tick, ...]
    up_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    diagonal: str
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


def chart(title: str, series: Sequence[Series], *, across: Axis, up: Axis, diagonal: bool = False) -> Chart:
    """Lay out a chart.

    Args:
        title: what it shows.
        series: the lines; one without a point has no place in the picture.
        across: x.
        up: y.
        diagonal: whether y = x is drawn, as chance in a ROC curve.
    """
    places = [point for each in series for point in each.points]
    edges = [y for each in series for limits in each.band for y in limits]
    xs, ys = [x for x, _ in places], [y for _, y in places] + edges
    plane = _Plane(_range(across, xs), _range(up, ys))
    return Chart(
        title=title,
        across=across,
        up=up,
        across_ticks=tuple(Tick(at=plane.x(value), words=words) for value, words in _ticks(across, plane.across)),
        up_ticks=tuple(Tick(at=plane.y(value), words=words) for value, words in _ticks(up, plane.up)),
        lines=tuple(_line(number, each, plane) for number, each in enumerate(series)),
        diagonal=_path([plane.place(point) for point in _diagonal(plane)]) if diagonal else "",
        rows=_rows(series, dict(across.words)),
    )


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Round values between two: multiples of 1, 2 or 5 times a power of ten, about six of them."""
    if not high > low:
        return (low,)
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class _Plane:
    """From values to places in the picture."""

    across: Point
    up: Point

    def x(self, value: float) -> float:
        low, high = self.across
        return round(LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        low, high = self.up
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    def place(self, point: Point) -> Point:
        return self.x(point[0]), self.y(point[1])


def _range(axis: Axis, values: Sequence[float]) -> Point:
    low, high = axis.range or (min(values, default=0.0), max(values, default=1.0))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _ticks(axis: Axis, within: Point) -> list[tuple[float, str]]:
    if not axis.words:
        return [(value, f"{value:g}") for value in (round(each, 10) for each in ticks(*within))]
    there = [each for each in axis.words if within[0] <= each[0] <= within[1]]
    return there[:: max(1, math.ceil(len(there) / TICKS))]


def _line(number: int, series: Series, plane: _Plane) -> Line:
    places = [plane.place(point) for point in series.points]
    return Line(
        name=series.name,
        number=number,
        path=_path(places),
        band=_band(series, plane),
        dots=tuple(places) if len(places) <= 2 * TICKS else (),
    )


def _band(series: Series, plane: _Plane) -> str:
    if not series.band:
        return ""
    both = list(zip(series.points, series.band, strict=True))
    lower = [plane.place((x, low)) for (x, _), (low, _) in both]
    upper = [plane.place((x, high)) for (x, _), (_, high) in both]
    return f"{_path([*lower, *reversed(upper)])} Z"


def _path(places: Sequence[Point]) -> str:
    return "M " + " L ".join(f"{x:g},{y:g}" for x, y in places) if places else ""


def _diagonal(plane: _Plane) -> tuple[Point, Point]:
    low, high = max(plane.across[0], plane.up[0]), min(plane.across[1], plane.up[1])
    return (low, low), (high, high)


def _rows(series: Sequence[Series], words: dict[float, str]) -> tuple[tuple[str, tuple[float | None, ...]], ...]:
    of_each = [dict(each.points) for each in series]
    every = sorted({x for points in of_each for x in points})
    return tuple((words.get(x, f"{x:g}"), tuple(points.get(x) for points in of_each)) for x in every)
