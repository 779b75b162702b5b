"""A model card as a person reads it."""

from collections.abc import Sequence

import typer

from db.audit import AuditEntry
from db.learning_records import Model
from inference.card import Card, Counts
from node.commands.options import print_table


def print_card(model: Model, card: Card, history: Sequence[AuditEntry]) -> None:
    """Print all of a card that a person promotes by, and what was done with the model here."""
    typer.echo(f"{card.name} {card.version}, {model.state}, made {card.created}")
    typer.echo(card.notice)
    network = card.architecture
    pooling = f"{network.pooling} (r = {network.r:g})" if network.pooling == "lse" else network.pooling
    regions = f", by region ({', '.join(network.regions)})" if network.regions else ""
    members = f", {network.members} members" if network.members > 1 else ""
    _section("Network")
    typer.echo(
        f"{network.backbone} ({network.pretrained}), {card.preprocessing.size} x {card.preprocessing.size} pixels, "
        f"pooling {pooling}{regions}, loss {network.loss}, maps of {network.grid} x {network.grid}{members}"
    )
    _section("Data")
    typer.echo(f"{card.data.source}; split {card.data.split}; snapshot {card.data.snapshot or 'not known'}")
    sets = {"train": card.data.train, "validation": card.data.validation, "test": card.data.test}
    _counts(card, sets)
    _section("Results on the test set")
    _metrics(card)
    _section("Operating points, with what they reach on the test set")
    _operating_points(card)
    _section("Limits")
    for limit in card.limits:
        typer.echo(f"* {limit}")
    _section("Licence")
    typer.echo("\n".join((card.licence, *card.attribution)))
    _section("Here")
    rows = [(entry.at, entry.actor, entry.action, entry.detail.get("reason", "")) for entry in history]
    print_table(["when", "who", "what", "reason"], rows, empty="Nothing was done with it here.")


def _section(name: str) -> None:
    typer.echo(f"\n{name}\n{'-' * len(name)}")


def _counts(card: Card, sets: dict[str, Counts]) -> None:
    rows: list[tuple[object, ...]] = [
        ("images", *(each.images for each in sets.values())),
        ("patients", *(each.patients for each in sets.values())),
    ]
    rows += [(finding, *(each.positives.get(finding) for each in sets.values())) for finding in card.findings]
    print_table(["", *sets], rows, empty="")


def _metrics(card: Card) -> None:
    metrics = card.metrics
    rows: list[tuple[object, ...]] = [
        (
            each.finding,
            f"{each.positives} / {each.negatives}",
            f"{each.auc:.3f}",
            f"{each.auc_interval[0]:.3f} to {each.auc_interval[1]:.3f}",
            "" if each.stratified_auc is None else f"{each.stratified_auc:.3f}",
        )
        for each in metrics.per_finding
    ]
    rows.append(("mean", "", f"{metrics.mean_auc:.3f}", "", f"{metrics.mean_stratified_auc:.3f}"))
    print_table(["finding", "with / without", "AUC", "95 % interval", "within collection and view"], rows, empty="")
    for name, groups in (
        ("by collection", metrics.by_collection),
        ("by view", metrics.by_view),
        ("out of fold, on the patients of training", metrics.out_of_fold),
        ("in a source when it learnt from all the others only", metrics.across_sources),
    ):
        if groups:
            typer.echo(f"mean AUC {name}: " + ", ".join(f"{group} {auc:.3f}" for group, auc in groups.items()))
    typer.echo(f"localization: {metrics.localization}")


def _operating_points(card: Card) -> None:
    rows = [
        (
            point.finding,
            f"{point.probability:.4f}",
            f"{point.sensitivity:.2f} ({point.sensitivity_interval[0]:.2f} to {point.sensitivity_interval[1]:.2f})",
            f"{point.specificity:.2f} ({point.specificity_interval[0]:.2f} to {point.specificity_interval[1]:.2f})",
            point.target,
        )
        for point in card.operating_points
    ]
    print_table(["finding", "present from", "sensitivity", "specificity", "chosen for"], rows, empty="")
    typer.echo(f"calibration: {card.calibration.method}")
