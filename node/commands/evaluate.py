"""`cxr evaluate`: how good a model is on the test patients of a snapshot."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from db import models, snapshots
from inference import bundle
from inference.bundle import Bundle
from node.commands import sheet
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.commands.targets import SensitivityOption, SpecificityOption, target_of
from node.errors import SettingsError
from node.models import registry
from training import roc_figure, snapshot
from training.appraisal import Appraisal, appraise
from training.paper import TABLE_3
from training.snapshot import Item


def evaluate(
    model: Annotated[str, typer.Argument(help="A version, as `cxr models list` shows it, or a bundle's folder.")],
    on: Annotated[Path, typer.Option("--snapshot", help="A snapshot's folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder for roc.png, roc.svg, table3.csv and table4.csv.")] = None,
    sensitivity: SensitivityOption = None,
    specificity: SpecificityOption = None,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads for one image; 0 is one a core.")] = 0,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on the test patients of a snapshot: Table 3 beside the paper's, operating points, Table 4.

    Operating points are the card's; with --sensitivity or --specificity others are chosen, on the validation patients,
    to see what they would cost. That changes no model: what it calls present was settled when it was trained.

    A model that learnt from any of these patients looks better here than it is. Boxes are measured on the validation
    and test patients. ROC curves need the extra `plots`.

    Example: cxr evaluate starter-0.3.0 --snapshot data/snapshots/0123456789ab --out evaluation
    """
    if out is not None and find_spec("matplotlib") is None:
        raise SettingsError("ROC curves are drawn by matplotlib: pip install 'cxr-node[plots]', or leave --out away")
    settings = settings_of(config, data)
    found = appraise(
        _bundle(model, config, data),
        snapshot.read(on),
        folder=settings.data / "scores",
        track=_tracked,
        target=target_of(sensitivity, specificity),
        threads=threads,
        known=_known(config, data),
    )
    if out is not None:
        _write(found, out)
    if as_json:
        print_json(_plain(found))
    else:
        _show(found)


def _known(config: Path | None, data: Path | None) -> list[str]:
    """The snapshots of the node whose data folder this is, if a node has worked there."""
    try:
        database = opened(config, data)
    except SettingsError:
        return []
    with database.read() as connection:
        return [each.sha256 for each in snapshots.newest(connection)]


def _bundle(model: str, config: Path | None, data: Path | None) -> Bundle:
    if (Path(model) / bundle.CARD).is_file():
        return bundle.load(Path(model))
    with opened(config, data).read() as connection:
        return registry.bundle_of(models.get(connection, model), settings_of(config, data).data)


def _tracked(items: Sequence[Item]) -> Iterable[Item]:
    return track(items, description="Reading", console=Console(stderr=True), transient=True)


def _show(found: Appraisal) -> None:
    typer.echo(
        f"{found.model} on {found.images} test images of {found.patients} patients, snapshot {found.snapshot[:12]}"
    )
    if found.unknown_patients:
        typer.echo(
            f"The card of {found.model} names no snapshot of this node; if it learnt from any of these patients, "
            "it looks too good."
        )
    rows: list[tuple[Any, ...]] = [
        (
            row.finding,
            f"{row.positives} / {row.negatives}",
            *(f"{row.paper[name]:.4f}" if name in row.paper else "" for name in TABLE_3),
            "" if row.ours is None else f"{row.ours.value:.3f}",
            "" if row.ours is None else f"{row.ours.low:.3f}-{row.ours.high:.3f}",
        )
        for row in found.rows
    ]
    means = (f"{sum(values.values()) / len(values):.4f}" for values in TABLE_3.values())
    rows.append(("mean", "", *means, "" if found.mean is None else f"{found.mean:.3f}", ""))
    print_table(("AUC", "with / without", *TABLE_3, "ours", "95 %"), rows, empty="")
    for noun, groups in (("source", found.by_source), ("view", found.by_view)):
        if len(groups) > 1:
            means = (f"{name or 'unknown'} {mean:.3f}" for name, mean in groups.items())
            typer.echo(f"Mean AUC by {noun}: {', '.join(means)}.")
    _show_points(found)
    _show_boxes(found)


def _show_points(found: Appraisal) -> None:
    typer.echo(f"\nOperating points: {found.chosen_for}.")
    print_table(
        ("finding", "probability", "sensitivity", "95 %", "specificity", "95 % "),
        [
            (
                point.finding,
                f"{point.probability:.4f}",
                f"{point.sensitivity.value:.3f}",
                f"{point.sensitivity.low:.2f}-{point.sensitivity.high:.2f}",
                f"{point.specificity.value:.3f}",
                f"{point.specificity.low:.2f}-{point.specificity.high:.2f}",
            )
            for point in found.points
        ],
        empty="",
    )
    typer.echo("\nCalibration: probabilities beside how many images have the finding.")
    print_table(
        ("finding", "mean probability", "have it", "95 %", "Brier score", "of their share"),
        [
            (
                row.finding,
                f"{row.predicted:.3f}",
                f"{row.observed.value:.3f}",
                f"{row.observed.low:.2f}-{row.observed.high:.2f}",
                f"{row.brier:.3f}",
                f"{row.brier_of_share:.3f}",
            )
            for row in found.calibration
        ],
        empty="",
    )


def _show_boxes(found: Appraisal) -> None:
    typer.echo()
    if not found.images_with_boxes:
        typer.echo("No radiologist's box on validation or test images: localization is not measured.")
        return
    typer.echo(
        f"Table 4 on {found.images_with_boxes} images: Acc / AFP on the finding's own rows (--out has it on all rows "
        "too). Ungated counts every box, gated those of findings called present."
    )
    located = found.overlaps[0].cells
    rows: list[tuple[Any, ...]] = [
        (
            f"{each.measure} > {each.level}",
            "gated" if each.gated else "ungated",
            *(f"{cell.accuracy:.2f} / {cell.afp:.2f}" for cell in each.cells),
        )
        for each in found.overlaps
    ]
    print_table(("overlap", "boxes", *(f"{cell.finding} ({cell.total})" for cell in located)), rows, empty="")
    said = (f"{name} {hits} of {total}" for name, (hits, total) in found.pointed.items())
    typer.echo(f"Pointing game, the hottest place in a true box: {', '.join(said)}.")


def _write(found: Appraisal, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for suffix in (".png", ".svg"):
        roc_figure.draw(found, out / f"roc{suffix}")
    sheet.write(
        out / "table3.csv",
        ("finding", "positives", "negatives", "auc", "low", "high", *TABLE_3),
        (
            (
                row.finding,
                row.positives,
                row.negatives,
                *((row.ours.value, row.ours.low, row.ours.high) if row.ours else ("", "", "")),
                *(row.paper.get(name, "") for name in TABLE_3),
            )
            for row in found.rows
        ),
    )
    sheet.write(
        out / "table4.csv",
        ("measure", "level", "boxes", "finding", "images", "acc", "afp", "afp_all"),
        (
            (
                each.measure,
                each.level,
                "gated" if each.gated else "ungated",
                cell.finding,
                cell.total,
                cell.accuracy,
                cell.afp,
                cell.afp_on_all,
            )
            for each in found.overlaps
            for cell in each.cells
        ),
    )


def _plain(found: Appraisal) -> dict[str, Any]:
    """As JSON: everything but the curves, which the pictures have."""
    plain = asdict(found)
    del plain["curves"]
    return plain
