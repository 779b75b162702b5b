"""`cxr sweep`: a training for each pooling or each loss, beside one another."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from node.commands import sheet
from node.commands.grouped import grouped
from node.commands.options import JsonOption, print_json, print_table
from node.commands.recipe_options import Choices, Means, needs_extra
from node.errors import SettingsError
from training import sweep_figure
from training.sweep_figure import PRINTED

if TYPE_CHECKING:
    from training.sweep import Sweep

IN_THE_PAPER = {
    "pooling": "The paper prints no numbers for its Figure 6; it says that average and maximum are about equal, LSE is "
    "lowest at r = 5 and best at about r = 10.",
    "loss": 'Columns "paper" are its ResNet-50 on its own test set; of hinge and Euclidean it prints no numbers.',
}


@grouped
def sweep(
    *,
    snapshot: Annotated[Path, typer.Argument(help="Folder of the snapshot.")],
    over: Annotated[Literal["pooling", "loss"], typer.Option(help="What differs from training to training.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the trainings, the table and the figure. Default: beside the snapshot."),
    ] = None,
    choices: Choices,
    means: Means,
    as_json: JsonOption = False,
) -> None:
    """Train with each pooling or each loss of the paper, alike in all else, and compare (its Figure 6).

    Poolings are average, LSE with r from 0.1 to 12, and maximum. Every training has its folder in --out, with a bundle
    like any other; all share decoded images and features. Stopped, the same command goes on; what has ended is not
    trained again. Choose a model by the row of the validation patients: the others are of the test patients. Needs the
    extra `plots`.

    Example: cxr sweep data/snapshots/9a8523d9f179 --over pooling --tune upper --size 224
    """
    if find_spec("matplotlib") is None:
        raise SettingsError("the figure is drawn by matplotlib: pip install 'cxr-node[plots]'")
    try:
        import training.sweep as story  # noqa: PLC0415 - it needs torch, and its help does not
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    folder = snapshot.absolute()  # "." has no name to stand beside
    out = out or folder.with_name(f"{folder.name}.sweep-{over}")
    found = story.sweep(folder, out, over, choices.recipe(), means.machine(), say=_say)
    _write(found, out)
    if as_json:
        print_json(found)
        return
    _show(found)
    _say(f"The figure is {out / 'sweep.png'}, the numbers are in {out / 'sweep.csv'}.")


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _show(found: "Sweep") -> None:
    typer.echo(f"AUC on {found.images} test images of {found.patients} patients, snapshot {found.snapshot[:12]}")
    printed = PRINTED if found.over == "loss" else {}
    rows: list[tuple[Any, ...]] = [
        (
            f"{finding} ({found.positives[place]})",
            *(_number(outcome.aucs[place].value if outcome.aucs else None) for outcome in found.outcomes),
            *(_number(values.get(finding)) for values in printed.values()),
        )
        for place, finding in enumerate(found.findings)
    ]
    means = (_number(sum(values.values()) / len(values)) for values in printed.values())
    rows.append(("mean", *(_number(outcome.mean) for outcome in found.outcomes), *means))
    gains = [outcome.difference for outcome in found.outcomes]
    rows.append((f"mean above {found.reference}", *("" if gain is None else f"{gain.value:+.3f}" for gain in gains)))
    rows.append(("  95 % from", *("" if gain is None else f"{gain.low:+.3f}" for gain in gains)))
    rows.append(("  to", *("" if gain is None else f"{gain.high:+.3f}" for gain in gains)))
    rows.append(("mean within source, view", *(_number(outcome.stratified) for outcome in found.outcomes)))
    rows.append(("the same on validation", *(_number(outcome.validation) for outcome in found.outcomes)))
    width = 1 + len(found.outcomes) + len(printed)
    print_table(
        ("finding", *(outcome.label for outcome in found.outcomes), *(f"paper {label}" for label in printed)),
        (row + ("",) * (width - len(row)) for row in rows),
        empty="",
    )
    typer.echo(IN_THE_PAPER[found.over])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _write(found: "Sweep", out: Path) -> None:
    for suffix in (".png", ".svg"):
        sweep_figure.draw(found, out / f"sweep{suffix}")
    sheet.write(
        out / "sweep.csv",
        (found.over, "finding", "positives", "auc", "low", "high"),
        (
            (outcome.label, finding, positives, auc.value, auc.low, auc.high)
            for outcome in found.outcomes
            for finding, positives, auc in zip(found.findings, found.positives, outcome.aucs, strict=False)
        ),
    )
