"""The paper's Figure 6: the AUC of each finding beside pooling, or beside loss. Needs the extra `plots`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.paper import TABLE_3

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from training.outcome import Outcome
    from training.sweep import Sweep

ACROSS = 3
INK, FAINT, BLUE, RED = "#222222", "#767676", "#1f5fa8", "#b5362c"
PRINTED = {"CEL": TABLE_3["ResNet-50, CEL"], "W-CEL": TABLE_3["ResNet-50, W-CEL"]}
"""What the paper prints, by our labels; of its Figure 6 it prints no number."""


def draw(of: "Sweep", path: Path) -> None:
    """Draw a panel for the mean and one for each finding; PNG or SVG by the file's name.

    The same numbers give the same bytes.
    """
    from matplotlib import rc_context  # noqa: PLC0415  it takes a second, and only pictures need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    down = -(-(len(of.findings) + 1) // ACROSS)
    with rc_context({"svg.hashsalt": "cxr-node", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(3.6 * ACROSS, 2.3 * down + 1.0), layout="constrained")
        figure.suptitle(
            f"AUC by {of.over}, with 95 % intervals: {of.images:,} test images of {of.patients:,} patients "
            "(in brackets, how many have the finding)",
            size=11,
            color=INK,
            x=0.01,
            ha="left",
        )
        panels = figure.subplots(down, ACROSS, sharex=True, sharey=True, squeeze=False).flat
        _mean(panels[0], of)
        for place, finding in enumerate(of.findings):
            _finding(panels[place + 1], of, place)
            panels[place + 1].set_title(
                f"{finding.replace('_', ' ')} ({of.positives[place]:,})", size=9, color=INK, weight="bold", loc="left"
            )
        for panel in panels[len(of.findings) + 1 :]:
            panel.set_axis_off()
        for panel in panels[: len(of.findings) + 1]:
            _dress(panel, [outcome.label for outcome in of.outcomes])
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=120, facecolor="white", metadata=metadata)


def _measured(of: "Sweep") -> list[tuple[int, "Outcome"]]:
    """The points that came to something, with their places."""
    return [(place, outcome) for place, outcome in enumerate(of.outcomes) if outcome.model is not None]


def _numbers(values: Iterable[float | None]) -> npt.NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)


def _mean(panel: "Axes", of: "Sweep") -> None:
    there = _measured(of)
    places = [place for place, _ in there]
    line, dashes = ("-", "--") if of.over == "pooling" else ("", "")  # poolings stand in an order, losses do not
    means, fair = (outcome.mean for _, outcome in there), (outcome.stratified for _, outcome in there)
    panel.plot(places, _numbers(means), f"o{line}", color=BLUE, ms=4, lw=1.2, label="mean AUC")
    panel.plot(places, _numbers(fair), f"s{dashes}", color=FAINT, ms=3, lw=0.9, label="within source and view")
    if set(of.findings) == set(PRINTED["CEL"]):
        _printed(panel, of, [sum(PRINTED[label].values()) / len(PRINTED[label]) for label in PRINTED])
    panel.set_title("mean", size=9, color=INK, weight="bold", loc="left")
    panel.legend(fontsize=7, frameon=False, loc="lower left")


def _finding(panel: "Axes", of: "Sweep", column: int) -> None:
    there = _measured(of)
    found = [outcome.aucs[column] for _, outcome in there]
    panel.errorbar(
        [place for place, _ in there],
        [one.value for one in found],
        yerr=[[one.value - one.low for one in found], [one.high - one.value for one in found]],
        fmt="o-" if of.over == "pooling" else "o",
        color=BLUE,
        ecolor="#b9cde4",
        ms=4,
        lw=1.2,
        elinewidth=1.2,
    )
    finding = of.findings[column]
    _printed(panel, of, [values[finding] for values in PRINTED.values() if finding in values])


def _printed(panel: "Axes", of: "Sweep", values: Sequence[float]) -> None:
    """The paper's numbers, where it prints them for these findings."""
    labels = [outcome.label for outcome in of.outcomes]
    if of.over == "loss" and len(values) == len(PRINTED):
        places = [labels.index(label) for label in PRINTED]
        panel.plot(places, values, "x", color=RED, ms=5, label="the paper's ResNet-50")


def _dress(panel: "Axes", labels: Sequence[str]) -> None:
    panel.axhline(0.5, color="#cccccc", lw=0.8, zorder=0)
    panel.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    panel.tick_params(labelsize=7, colors=FAINT)
    panel.spines[["top", "right"]].set_visible(False)
