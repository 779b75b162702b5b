"""Small plots of lines: their geometry, which `plot.html` draws as SVG. No script, and no library."""

from collections.abc import Sequence
from dataclasses import dataclass

Points = Sequence[Sequence[float]]
"""Pairs (x, y)."""
LEFT, TOP, RIGHT, BOTTOM = 52.0, 10.0, 262.0, 184.0
"""The frame that the lines are in, of a picture of 272 x 220."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line and what it is called."""

    label: str
    points: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A line in the plot's own units."""

    label: str
    path: str
    last: str
    """Its last value, for who does not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is drawn."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: str = ""
    """Of chance, where there is one."""
    mark: tuple[float, float] | None = None
    """A point that stands out."""
    mark_words: str = ""


def roc(title: str, lines: Sequence[Line], operating_point: tuple[float, float] | None = None) -> Plot:
    """ROC curves, with (1 - specificity, sensitivity) of an operating point."""
    unit = (0.0, 1.0)
    words = ""
    if operating_point is not None:
        false, true = operating_point
        words = f"Operating point: sensitivity {true:.2f}, specificity {1 - false:.2f}."
    return Plot(
        title=title,
        x_label="1 - specificity",
        y_label="sensitivity",
        lines=tuple(_drawn(line, unit, unit) for line in lines if line.points),
        x_ticks=_ticks(unit, LEFT, RIGHT, "{:g}"),
        y_ticks=_ticks(unit, BOTTOM, TOP, "{:g}"),
        diagonal=_path([unit[:1] * 2, unit[1:] * 2], unit, unit),
        mark=None if operating_point is None else _place(operating_point, unit, unit),
        mark_words=words,
    )


def over(title: str, lines: Sequence[Line], *, x_label: str, y_label: str) -> Plot | None:
    """Lines over time, in a frame that fits them; None before there is anything to draw."""
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    x = _span([point[0] for line in lines for point in line.points])
    y = _span([point[1] for line in lines for point in line.points])
    return Plot(
        title=title,
        x_label=x_label,
        y_label=y_label,
        lines=tuple(_drawn(line, x, y) for line in lines),
        x_ticks=tuple(tick for tick in _ticks(x, LEFT, RIGHT, "{:g}") if "." not in tick.words),
        y_ticks=_ticks(y, BOTTOM, TOP, "{:.3f}"),
    )


Span = tuple[float, float]


def _span(values: Sequence[float]) -> Span:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(span: Span, begin: float, end: float, form: str) -> tuple[Tick, ...]:
    low, high = span
    return tuple(
        Tick(at=round(begin + part * (end - begin), 1), words=form.format(low + part * (high - low)))
        for part in (0.0, 0.5, 1.0)
    )


def _drawn(line: Line, x: Span, y: Span) -> Drawn:
    return Drawn(label=line.label, path=_path(line.points, x, y), last=f"{line.points[-1][1]:.3f}")


def _path(points: Points, x: Span, y: Span) -> str:
    return " ".join("{:.1f},{:.1f}".format(*_place(point, x, y)) for point in points)


def _place(point: Sequence[float], x: Span, y: Span) -> tuple[float, float]:
    across, up = (point[0] - x[0]) / (x[1] - x[0]), (point[1] - y[0]) / (y[1] - y[0])
    return LEFT + across * (RIGHT - LEFT), BOTTOM - up * (BOTTOM - TOP)
