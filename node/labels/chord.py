"""The paper's Figure 2: a chord diagram of which findings are in one report together. Needs the extra `plots`.

Each finding has an arc, as long as its reports without another finding and its pairs together; each pair has a chord
from arc to arc, as wide as the number of reports that have both. What of an arc no chord leaves is the finding alone.
A finding in no report has no arc, and is named below. The same counts give the same bytes. All in it are counts and
versions: nothing of a patient.
"""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, cast

from db.tally import Cooccurrence, Counted
from db.vocabulary import FINDINGS
from node.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.projections.polar import PolarAxes

SUFFIXES = (".png", ".svg")
WIDTH_IN, HEIGHT_IN, DPI = 10.0, 8.8, 120

COLOURS = dict(
    zip(
        FINDINGS,
        (
            *("#332288", "#88ccee", "#117733", "#ddcc77", "#cc6677", "#44aa99", "#882255", "#999933"),
            *("#6699cc", "#661100", "#aa4499", "#bbbbbb", "#aa4466", "#555555"),
        ),
        strict=True,
    )
)
"""Muted and of unlike lightness, so that neighbours can be told apart with any colour vision (after Paul Tol's sets);
every arc has its name beside it all the same."""
_INK, _FAINT, _EMPTY = "#222222", "#666666", "#dddddd"

_RADIUS_IN = 2.45
_CENTRE_IN = 4.55
"""Above the lower edge of the page."""
GAP_DEGREES = 2.0
_NAME_X_IN = 2.95
_NAME_Y_IN = 2.65
"""The names stand between so much below and above the centre; all fourteen fit on one side."""
_NAME_GAP_IN = 0.4
_LINE_IN = 0.2
_MOST_PAIRS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chord:
    """One pair: from where to where it leaves each arc, in reports, and how many reports it stands for."""

    one: int
    other: int
    number: int
    from_one: tuple[float, float]
    from_other: tuple[float, float]


def artist(path: Path) -> Callable[[Cooccurrence], None]:
    """A function that draws into this file.

    Raises:
        SettingsError: the file is of another kind, or the plotting library is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"{path.name} is not a picture that can be drawn; name a .png or a .svg file")
    if find_spec("pycirclize") is None:
        raise SettingsError(
            "--plot needs the plotting library; install it with pip install -c constraints.txt '.[plots]'"
        )
    return lambda found: draw(found, path)


def draw(found: Cooccurrence, path: Path) -> None:
    """Draw the diagram into a .png or .svg file."""
    import matplotlib as mpl  # noqa: PLC0415  # large, and needed for nothing else of the command
    import pycirclize  # type: ignore[import-untyped]  # noqa: PLC0415, F401  # ships no types; changes rcParams
    from matplotlib.figure import Figure  # noqa: PLC0415

    shown = present(found)
    with mpl.rc_context():
        mpl.rcdefaults()  # neither a person's own style nor a library's
        mpl.rcParams.update({"svg.hashsalt": "cxr-node", "svg.fonttype": "none"})
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white")
        side = 2 * _RADIUS_IN
        corner = ((WIDTH_IN - side) / 2 / WIDTH_IN, (_CENTRE_IN - _RADIUS_IN) / HEIGHT_IN)
        circle = figure.add_axes((*corner, side / WIDTH_IN, side / HEIGHT_IN), projection="polar")
        _draw_circle(shown, cast("PolarAxes", circle))
        page = figure.add_axes((0, 0, 1, 1))
        page.set_axis_off()
        page.set(xlim=(-WIDTH_IN / 2, WIDTH_IN / 2), ylim=(-_CENTRE_IN, HEIGHT_IN - _CENTRE_IN))
        _write_names(shown, page)
        _write_title(found.counted, page)
        _write_legend(found, page)
        nothing_that_changes = {"Date": None, "Creator": None} if path.suffix.lower() == ".svg" else {"Software": None}
        figure.savefig(path, metadata=nothing_that_changes)


def present(found: Cooccurrence) -> Cooccurrence:
    """The same without the findings that are in no report; all of them, if none is in any."""
    there = [i for i, row in enumerate(found.matrix) if row[i]] or range(len(found.findings))
    return replace(
        found,
        findings=tuple(found.findings[i] for i in there),
        matrix=tuple(tuple(found.matrix[i][j] for j in there) for i in there),
        alone=tuple(found.alone[i] for i in there),
    )


def sizes(found: Cooccurrence) -> list[int]:
    """How long each arc is, in reports: alone, and once for every pair. Where no report has a finding all are equal."""
    each = zip(found.matrix, found.alone, strict=True)
    real = [alone + sum(row) - row[index] for index, (row, alone) in enumerate(each)]
    return real if any(real) else [1] * len(real)


def chords(found: Cooccurrence) -> list[Chord]:
    """Every pair that is there; an arc has its partners in anticlockwise order, so that few chords cross."""
    number = len(found.findings)
    start: dict[tuple[int, int], float] = {}
    for one in range(number):
        at = float(found.alone[one])
        for step in range(1, number):
            other = (one - step) % number
            start[one, other] = at
            at += found.matrix[one][other]
    return [
        Chord(
            one=one,
            other=other,
            number=found.matrix[one][other],
            from_one=(start[one, other], start[one, other] + found.matrix[one][other]),
            from_other=(start[other, one], start[other, one] + found.matrix[one][other]),
        )
        for one, other in combinations(range(number), 2)
        if found.matrix[one][other]
    ]


def spread(wanted: Sequence[float], *, gap: float, reach: float) -> list[float]:
    """Places in falling order, `gap` apart or more, between -reach and reach, about where they are wanted.

    There is room for all, or they go on below.
    """
    placed: list[float] = []
    for place in wanted:
        placed.append(min(place, placed[-1] - gap) if placed else place)
    moved = wanted[-1] - placed[-1] if placed else 0.0
    placed = [place + moved / 2 for place in placed]
    lowest = -reach
    for i in reversed(range(len(placed))):
        placed[i] = max(placed[i], lowest)
        lowest = placed[i] + gap
    highest = reach
    for i, place in enumerate(placed):
        placed[i] = min(place, highest)
        highest = placed[i] - gap
    return placed


def _draw_circle(found: Cooccurrence, axes: "PolarAxes") -> None:
    from pycirclize import Circos  # noqa: PLC0415  # as above

    circle = Circos(dict(zip(found.findings, sizes(found), strict=True)), space=GAP_DEGREES)
    empty = not any(map(any, found.matrix))
    for sector in circle.sectors:
        sector.add_track((92, 100)).axis(fc=_EMPTY if empty else COLOURS[sector.name], ec="none")
    for chord in sorted(chords(found), key=lambda each: -each.number):
        rarer = min(chord.one, chord.other, key=lambda index: (found.matrix[index][index], index))
        circle.link(
            (found.findings[chord.one], *chord.from_one),
            (found.findings[chord.other], *chord.from_other),
            r1=91,
            r2=91,
            color=COLOURS[found.findings[rarer]],
            alpha=0.65,
            ec="white",
            lw=0.5,
            allow_twist=False,
        )
    if empty:
        circle.text("No report has a finding yet.", r=0, size=13, color=_FAINT)
    circle.plotfig(ax=axes)


def _write_names(found: Cooccurrence, page: "Axes") -> None:
    angles = middles(sizes(found))
    for side in (1, -1):
        here = [i for i, angle in enumerate(angles) if (1 if math.sin(angle) >= 0 else -1) == side]
        here.sort(key=lambda i: -math.cos(angles[i]))
        wanted = [1.08 * _RADIUS_IN * math.cos(angles[i]) for i in here]
        for i, y in zip(here, spread(wanted, gap=_NAME_GAP_IN, reach=_NAME_Y_IN), strict=True):
            _write_name(found, i, page, angle=angles[i], side=side, y=y)


def _write_name(found: Cooccurrence, i: int, page: "Axes", *, angle: float, side: int, y: float) -> None:
    reports = found.matrix[i][i]
    line = [(_RADIUS_IN * factor * math.sin(angle), _RADIUS_IN * factor * math.cos(angle)) for factor in (0.97, 1.03)]
    line.append((side * (_NAME_X_IN - 0.08), y))
    page.plot([x for x, _ in line], [y for _, y in line], color=_FAINT, lw=0.7, solid_joinstyle="round")
    x, ha = side * _NAME_X_IN, "left" if side > 0 else "right"
    counts = f"{reports:,}"
    if reports:
        counts += f" ({100 * (reports - found.alone[i]) / reports:.0f} % with another)"
    page.text(x, y + 0.01, _spelled(found.findings[i]), ha=ha, va="bottom", size=10.5, color=_INK, weight="bold")
    page.text(x, y - 0.02, counts, ha=ha, va="top", size=8.5, color=_FAINT)


def _write_title(counted: Counted, page: "Axes") -> None:
    x, y = -WIDTH_IN / 2 + 0.3, page.get_ylim()[1]
    page.text(x, y - 0.25, "Findings in the same report", size=15, color=_INK, weight="bold", va="top")
    for number, line in enumerate(_facts(counted)):
        page.text(x, y - 0.6 - _LINE_IN * number, line, size=9, color=_FAINT, va="top")


def _write_legend(found: Cooccurrence, page: "Axes") -> None:
    pairs = sorted(chords(found), key=lambda each: (-each.number, each.one, each.other))
    names = [_spelled(name) for name in found.findings]
    lines = [f"{each.number:,}  {names[each.one]} and {names[each.other]}" for each in pairs[:_MOST_PAIRS]]
    title = ["Most often together" if len(lines) > 1 else "Together"] if lines else []
    absent = [name for i, name in enumerate(names) if not found.matrix[i][i]]
    said = [*_KEY, *_wrapped("In no report: ", absent)] if any(map(any, found.matrix)) else []
    x, low = WIDTH_IN / 2 - 0.3, page.get_ylim()[0] + 0.2
    for place, line in enumerate([*title, *lines]):
        y = low + _LINE_IN * (len(lines) - place)
        page.text(-x, y, line, size=9, color=_INK, weight="normal" if place else "bold", va="bottom")
    for place, line in enumerate(said, 1):
        y = low + _LINE_IN * (len(said) - place)
        page.text(x, y, line, size=8.5, color=_FAINT, va="bottom", ha="right")


_KEY = (
    "Chord: reports with both, in the colour of the rarer finding.",
    "Arc without a chord: reports with this finding alone.",
)


def _facts(counted: Counted) -> list[str]:
    noun = "report" if counted.with_finding == 1 else "reports"
    lines = [f"{counted.with_finding:,} {noun} with a finding, of {counted.labelled:,} with labels"]
    miners = counted.miners or ()
    for miner, _ in miners[:1]:
        lines.append(str(miner))
    if len(miners) > 1:
        lines[-1] += f", and {len(miners) - 1} more"
    if counted.not_mined:
        lines.append(f"NOT WHOLE: not mined yet: {counted.not_mined:,}")
    return lines


def _wrapped(begin: str, names: Sequence[str]) -> list[str]:
    return textwrap.wrap(begin + ", ".join(names), 66) if names else []


def _spelled(name: str) -> str:
    return name.replace("_", " ")


def middles(long: Sequence[float]) -> list[float]:
    """Where the middle of each arc is: radians clockwise from the top, as the circle is drawn."""
    degrees = 360 - GAP_DEGREES * len(long)
    begins = [sum(long[:i]) / sum(long) * degrees + i * GAP_DEGREES for i in range(len(long))]
    return [math.radians(begin + size / sum(long) * degrees / 2) for begin, size in zip(begins, long, strict=True)]
