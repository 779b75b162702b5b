"""Train a model without a gradient: ridge regression on what the backbone's lower part sees of each region.

1. What the lower part, as ImageNet made it, sees of each image and of a few altered copies is computed once.
2. Its means over the regions of the chest (`inference.regions`) are the regression's columns; images and their copies
   are its rows, weighed so that sources and views count as the recipe's balance says.
3. Patients are dealt into folds; each fold is read by a regression on the others. From these readings come calibration
   and operating points. Each source is also read by a regression that has seen nothing of it or of its patients: that
   says how far the model carries to images collected by others.
4. The model is the regression on all patients but those of the test, on which `training.finish` measures it.

Once the features are there it is a minute of processor time, and with a thousand images it is the better model
(`LOG.md`, section 9).
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from inference.backbones import make
from inference.bundle import Bundle
from inference.regions import Regions, region_means
from training import cache
from training.dataset import Labels, balanced_weights, group_small_sources, labels_of, strata
from training.errors import TrainingError
from training.evaluate import mean_auc
from training.finish import finish
from training.folds import dealt
from training.journal import Journal
from training.material import features
from training.measure import Reading
from training.naming import Name
from training.occupied import occupied
from training.parallel import joined
from training.recipe import Machine, Recipe
from training.refusal import in_sentences, refuse
from training.reproducible import reproducible
from training.snapshot import Item, Snapshot, Split, read
from training.train import MODEL, preprocessing

Numbers = npt.NDArray[np.float64]
Copies = Sequence[npt.NDArray[np.float16]]
SMALLEST = 3
"""Positives and negatives below which the AUC within a source says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A regression: logits are `columns @ weight.T + bias`; weight (C, R * D), bias (C,)."""

    weight: Numbers
    bias: Numbers


def train_ridge(
    folder: Path, out: Path, recipe: Recipe, machine: Machine, folds: int, *, name: Name | None = None
) -> Bundle | None:
    """Fit, measure and write a bundle into `out`.

    Args:
        folder: of the snapshot.
        out: for metrics and the bundle.
        recipe, machine: what was chosen; of the recipe what concerns backbone, images, balance and penalty.
        folds: of the patients.
        name: of the model.

    Returns:
        The bundle; None in every process but the first, which do nothing.

    Raises:
        TrainingError: it cannot begin; the sentence says what to do.
        WeightsError: the backbone's weights cannot be had.
    """
    snapshot = read(folder)
    refuse(snapshot.items, snapshot.findings)
    if (out / MODEL).exists():
        raise TrainingError(f"the training in {out} has ended, {out / MODEL} is its model; name another --out")
    with (
        in_sentences(out),
        joined() as team,
        reproducible(recipe.seed, machine.threads),
        occupied(out) if team.first else nullcontext(),
    ):
        team.part()  # the first does it all
        return (
            _whole(folder, snapshot, out, recipe, machine, folds, team.device, name or Name()) if team.first else None
        )


def _whole(  # noqa: PLR0917  what `train_ridge` hands on
    folder: Path,
    snapshot: Snapshot,
    out: Path,
    recipe: Recipe,
    machine: Machine,
    folds: int,
    device: torch.device,
    name: Name,
) -> Bundle:
    """From pictures to the bundle: features, regressions, measures."""
    prepared, beside = preprocessing(recipe), machine.cache or folder.with_name(f"{folder.name}.cache")
    lower = make(recipe.backbone, recipe.weights, recipe.cut).lower.to(device)
    with Journal(out, 0) as journal:
        with journal.bar("Decoding images") as tell:
            decoded = cache.opened(snapshot, beside, recipe.size, processes=machine.decoders, tell=tell)
        items = tuple(item for item in decoded.readable(snapshot.items) if item.split is not Split.TEST)
        with journal.bar("What the lower part sees") as tell:
            copies = features(
                lower,
                decoded,
                items,
                prepared,
                beside,
                copies=recipe.copies,
                augmentation=recipe.augmentation,
                bfloat16=recipe.bfloat16,
                device=device,
                tell=tell,
            )
        out_of_fold, across, fit = learnt(snapshot, items, copies, recipe, folds)
        journal.write(event="across sources", **across)
        return finish(
            regions(lower.cpu(), fit, copies[0].shape[2:]).eval(),
            prepared,
            snapshot,
            decoded,
            recipe=recipe,
            name=name,
            way="-ridge",
            folder=out / MODEL,
            journal=journal,
            out_of_fold=out_of_fold,
            across_sources=across,
        )


def learnt(
    snapshot: Snapshot, items: Sequence[Item], copies: Copies, recipe: Recipe, folds: int
) -> tuple[Reading, dict[str, float], Fit]:
    """What the folds say of each other, what sources say of each other, and the regression on all."""
    columns = [by_region(copy) for copy in copies]
    logits, cams = np.zeros((len(items), len(snapshot.findings))), {}
    for held in dealt(items, folds, recipe.seed):
        here = np.array([item.patient in held for item in items])
        fit = fitted(columns, items, ~here, recipe)
        logits[here] = columns[0][here] @ fit.weight.T + fit.bias
        network = regions(torch.nn.Identity(), fit, copies[0].shape[2:])
        boxed = [place for place, item in enumerate(items) if here[place] and item.image in snapshot.boxes]
        for place in boxed:
            seen = torch.from_numpy(copies[0][place][None].astype(np.float32))
            with torch.inference_mode():
                cams[items[place].image] = network(seen)[1][0].numpy()
    strata_of = strata(items)
    reading = Reading(
        items=tuple(items),
        strata=tuple(strata_of[item.image] for item in items),
        labels=labels_of(items),
        logits=logits,
        cams=cams,
        grid=copies[0].shape[-1],
    )
    return reading, across(columns, items, recipe), fitted(columns, items, np.ones(len(items), dtype=bool), recipe)


def across(columns: Sequence[Numbers], items: Sequence[Item], recipe: Recipe) -> dict[str, float]:
    """Mean AUC within each source of a regression that has seen neither it nor any of its patients.

    Left out is a source without which nothing can be learnt, or in which no finding can be told.
    """
    groups, labels = group_small_sources(items), labels_of(items)
    names, means = np.array([groups[item.source] for item in items]), {}
    for name in sorted(set(names)):
        here = names == name
        patients = {item.patient for item, one in zip(items, here, strict=True) if one}
        others = np.array([item.patient not in patients for item in items])
        if not all((labels[others] == value).any(axis=0).all() for value in (0, 1)):
            continue
        fit = fitted(columns, items, others, recipe)
        mean = mean_auc(labels[here], columns[0][here] @ fit.weight.T + fit.bias, smallest=SMALLEST)
        if mean is not None:
            means[str(name)] = round(mean, 3)
    return means


def by_region(copy: npt.NDArray[np.float16]) -> Numbers:
    """Maps (N, D, S, S) to the means of each region (N, R * D)."""
    shares = region_means(*copy.shape[2:]).flatten(1).T.numpy()
    parts = [
        copy[start : start + 64].astype(np.float32).reshape(-1, copy.shape[1], shares.shape[0]) @ shares
        for start in range(0, len(copy), 64)
    ]
    means = np.concatenate(parts)  # (N, D, R)
    return np.asarray(means.transpose(0, 2, 1).reshape(len(means), -1), dtype=np.float64)


def fitted(columns: Sequence[Numbers], items: Sequence[Item], chosen: npt.NDArray[np.bool_], recipe: Recipe) -> Fit:
    """Ridge regression of each finding on standardised columns, of some of the images and all their copies.

    The regression of 0 and 1 is brought to the scale of logits by its variance p (1 - p): the linear discriminant's
    (Haggstrom 1983). Calibration does the rest.
    """
    rows = np.concatenate([copy[chosen] for copy in columns])
    few = [item for item, one in zip(items, chosen, strict=True) if one]
    weights = np.tile(balanced_weights(few, recipe.balance), len(columns)) * len(few) / len(columns)
    middle = np.average(rows, axis=0, weights=weights)
    spread = np.sqrt(np.average((rows - middle) ** 2, axis=0, weights=weights)) + 1e-6
    spread *= np.sqrt(rows.shape[1])  # so that the penalty means the same for any number of columns
    rows = (rows - middle) / spread
    labels = np.tile(labels_of(few), (len(columns), 1))
    found = [_regression(rows, column, weights, recipe.ridge) for column in labels.T]
    weight = np.stack([slope for slope, _ in found]) / spread
    return Fit(weight=weight, bias=np.array([offset for _, offset in found]) - weight @ middle)


def _regression(rows: Numbers, labels: Labels, weights: Numbers, penalty: float) -> tuple[Numbers, float]:
    """Slopes and offset, in logits, from the images of which the finding is known."""
    known = ~np.isnan(labels)
    x, y, w = rows[known], labels[known].astype(np.float64), weights[known]
    part = float(np.average(y, weights=w))
    centre = np.average(x, axis=0, weights=w)
    moments = (x * w[:, None]).T @ x - w.sum() * np.outer(centre, centre)
    slope = np.linalg.solve(moments + penalty * np.eye(len(moments)), (x * w[:, None]).T @ (y - part))
    variance = part * (1 - part)
    return slope / variance, float(np.log(part / (1 - part)) - centre @ slope / variance)


def regions(lower: torch.nn.Module, fit: Fit, grid: Sequence[int]) -> Regions:
    """The network of a regression: the weights of the regions that a place is in add up."""
    shares = region_means(*grid)
    weight = torch.from_numpy(fit.weight).float().reshape(len(fit.bias), len(shares), -1)
    return Regions(lower, torch.einsum("crd,rij->cdij", weight, shares), torch.from_numpy(fit.bias).float())
