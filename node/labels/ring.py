"""The paper's Figure 2 as shapes for a page: the same chord diagram as `node.labels.chord` draws into a file.

Everything is in a circle of radius 100 about the origin, y downwards; a page gives shapes their place and size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from db.tally import Cooccurrence
from node.labels.chord import COLOURS, GAP_DEGREES, Chord, chords, present, sizes

OUTER, INNER, NAMES_AT = 100.0, 93.0, 110.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """A finding on the ring: its shape (an SVG path), where its number stands, and its counts in reports."""

    number: int
    finding: str
    colour: str
    path: str
    x: float
    y: float
    reports: int
    with_another: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """A pair of findings: its shape, in the colour of the rarer one, and in how many reports both are."""

    one: str
    other: str
    colour: str
    path: str
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """The whole diagram; the widest ribbons come first, so that narrow ones are seen."""

    arcs: tuple[Arc, ...]
    ribbons: tuple[Ribbon, ...]


def ring(found: Cooccurrence) -> Ring:
    """Lay the diagram out; where no report has a finding there is nothing on it."""
    if not any(map(any, found.matrix)):
        return Ring(arcs=(), ribbons=())
    shown = present(found)
    long = sizes(shown)
    degrees = (360 - GAP_DEGREES * len(long)) / sum(long)
    begins = list(accumulate((size * degrees + GAP_DEGREES for size in long), initial=0.0))
    pairs = sorted(chords(shown), key=lambda each: -each.number)
    return Ring(
        arcs=tuple(_arc(shown, i, begins[i], begins[i] + size * degrees) for i, size in enumerate(long)),
        ribbons=tuple(_ribbon(shown, pair, begins, degrees) for pair in pairs),
    )


def _arc(found: Cooccurrence, place: int, begin: float, end: float) -> Arc:
    reports = found.matrix[place][place]
    x, y = _point(NAMES_AT, (begin + end) / 2)
    path = f"{_move(OUTER, begin)} {_along(OUTER, begin, end)} L{_at(INNER, end)} {_along(INNER, end, begin)}Z"
    return Arc(
        number=place + 1,
        finding=found.findings[place],
        colour=COLOURS[found.findings[place]],
        path=path,
        x=round(x, 1),
        y=round(y, 1),
        reports=reports,
        with_another=reports - found.alone[place],
    )


def _ribbon(found: Cooccurrence, pair: Chord, begins: Sequence[float], degrees: float) -> Ribbon:
    one = [begins[pair.one] + each * degrees for each in pair.from_one]
    other = [begins[pair.other] + each * degrees for each in pair.from_other]
    rarer = min(pair.one, pair.other, key=lambda place: (found.matrix[place][place], place))
    path = (
        f"{_move(INNER, one[0])} {_along(INNER, *one)} Q0,0 {_at(INNER, other[0])} "
        f"{_along(INNER, *other)} Q0,0 {_at(INNER, one[0])}Z"
    )
    return Ribbon(
        one=found.findings[pair.one],
        other=found.findings[pair.other],
        colour=COLOURS[found.findings[rarer]],
        path=path,
        reports=pair.number,
    )


def _along(radius: float, begin: float, end: float) -> str:
    """Along the circle, clockwise where `end` is greater."""
    large, clockwise = int(abs(end - begin) > 180), int(end > begin)
    return f"A{radius:g},{radius:g} 0 {large} {clockwise} {_at(radius, end)}"


def _move(radius: float, angle: float) -> str:
    return f"M{_at(radius, angle)}"


def _at(radius: float, angle: float) -> str:
    x, y = _point(radius, angle)
    return f"{x:.2f},{y:.2f}"


def _point(radius: float, angle: float) -> tuple[float, float]:
    """Degrees clockwise from the top."""
    return radius * math.sin(math.radians(angle)), -radius * math.cos(math.radians(angle))
