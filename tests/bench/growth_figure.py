"""Growth as a picture: what each topology reads and receives, and would if each worker did as much as the one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tests.bench.growth import Growth, Measured

INK, FAINT, BLUE, GREY = "#222222", "#767676", "#1f5fa8", "#5f6b77"


def draw(grown: "Growth", path: Path) -> None:
    """Draw it; PNG or SVG by the file's name. The first topology is the one that the ideal is counted from."""
    with rc_context({"svg.hashsalt": "cxr-node", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        figure.suptitle(
            f"{grown.studies} studies of one {grown.side} x {grown.side} image arrive on {grown.associations} "
            "associations",
            size=12,
            color=INK,
            x=0.01,
            ha="left",
        )
        reading, receiving = figure.subplots(1, 2, sharey=True)
        first = grown.found[0]
        ideals = [first.read_per_s * min(each.workers, grown.cores) / first.workers for each in grown.found]
        _panel(reading, [each.read_per_s for each in grown.found], BLUE, "read: studies a second, to the last result")
        _panel(receiving, [each.received_per_s for each in grown.found], GREY, "received meanwhile: studies a second")
        _ideal(reading, ideals, grown.cores)
        reading.set_yticks(range(len(grown.found)), [_name(each) for each in grown.found], size=9, color=INK)
        reading.invert_yaxis()
        figure.supxlabel(
            f"{grown.machine}. Senders, PostgreSQL, Redis, receivers and workers share these cores.\n"
            "A worker has one thread; what is acknowledged is on disk.",
            size=8,
            color=FAINT,
            x=0.01,
            ha="left",
        )
        figure.savefig(path, dpi=120, facecolor="white")


def _panel(axes: "Axes", rates: Sequence[float], colour: str, title: str) -> None:
    """A bar a topology, with its number."""
    axes.barh(range(len(rates)), rates, height=0.55, color=colour, zorder=2)
    for place, rate in enumerate(rates):
        words = f"{rate:.1f}"
        axes.annotate(words, (0, place), (6, 0), textcoords="offset points", va="center", size=9, color="white")
    axes.set_title(title, size=9.5, color=INK, loc="left")
    axes.set_xlim(0, 1.15 * max(rates))
    axes.tick_params(labelsize=8.5, colors=FAINT, length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.spines[:].set_visible(False)


def _ideal(axes: "Axes", ideals: Sequence[float], cores: int) -> None:
    """A line across each bar's place: each worker as much as one alone, as far as there are cores."""
    places = range(len(ideals))
    axes.vlines(ideals, [y - 0.38 for y in places], [y + 0.38 for y in places], color=INK, linewidth=1.4, zorder=3)
    axes.annotate(
        f"the line: each worker as much as the one,\nas far as the {cores} cores go",
        (ideals[0], 0),
        (8, 0),
        textcoords="offset points",
        va="center",
        size=8,
        color=FAINT,
    )
    axes.set_xlim(0, 1.08 * max(*ideals, axes.get_xlim()[1] / 1.08))


def _name(of: "Measured") -> str:
    return f"{_count(of.receivers, 'receiver')}, {_count(of.workers, 'worker')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
