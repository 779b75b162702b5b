"""The paper's Figure 5: the ROC curve of each finding, with its operating point. Needs the extra `plots`."""

from pathlib import Path
from typing import TYPE_CHECKING

from training.appraisal import Appraisal, Point
from training.roc import Curve
from training.table3 import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS = 4
INK, FAINT, BLUE, RED = "#222222", "#767676", "#1f5fa8", "#b5362c"


def draw(of: Appraisal, path: Path) -> None:
    """Draw a panel for each finding that could be measured; PNG or SVG by the file's name.

    The same numbers give the same bytes.
    """
    from matplotlib import rc_context  # noqa: PLC0415  it takes a second, and only pictures need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = [row for row in of.rows if row.finding in of.curves]
    points = {point.finding: point for point in of.points}
    down = max(1, -(-len(rows) // ACROSS))
    with rc_context({"svg.hashsalt": "cxr-node", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(2.9 * ACROSS, 3.1 * down + 0.9), layout="constrained")
        mean = "" if of.mean is None else f", mean AUC {of.mean:.3f}"
        figure.suptitle(
            f"{of.model}: {of.images:,} test images of {of.patients:,} patients{mean}", color=INK, x=0.01, ha="left"
        )
        panels = figure.subplots(down, ACROSS, sharex=True, sharey=True, squeeze=False)
        for panel in panels.flat[len(rows) :]:
            panel.set_axis_off()
        for panel, row in zip(panels.flat, rows, strict=False):
            _panel(panel, row, of.curves[row.finding], points[row.finding])
        figure.supxlabel("1 - specificity", color=FAINT, size=9)
        figure.supylabel("sensitivity", color=FAINT, size=9)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=120, facecolor="white", metadata=metadata)


def _panel(panel: "Axes", row: Row, curve: Curve, point: Point) -> None:
    panel.plot([0, 1], [0, 1], color="#cccccc", lw=0.8)
    panel.step(curve.false_positive_rate, curve.true_positive_rate, where="post", color=BLUE, lw=1.6)
    panel.plot(1 - point.specificity.value, point.sensitivity.value, "o", color=RED, ms=5)
    panel.set_title(row.finding.replace("_", " "), size=10, color=INK, weight="bold", loc="left")
    if row.ours is not None:
        text = f"AUC {row.ours.value:.3f} ({row.ours.low:.2f}-{row.ours.high:.2f})\n{row.positives:,} with it"
        panel.text(0.98, 0.04, text, size=8, color=FAINT, ha="right", va="bottom")
    panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    panel.tick_params(labelsize=7, colors=FAINT)
    panel.spines[["top", "right"]].set_visible(False)
