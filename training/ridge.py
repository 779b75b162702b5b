"""Train a model without a gradient: ridge regression on what the backbone's lower part sees of each region.

1. What the lower part, as ImageNet made it, sees of each image and of a few altered copies is computed once.
2. Where the lungs are is seen in some images, and from these learnt for all (`training.lungs`). The means over the
   regions that are laid over them (`inference.regions`) are the regression's columns; images and their copies are its
   rows, weighed so that sources and views count as the recipe's balance says.
3. Patients are dealt into folds; each fold is read by regressions on the others. From these readings come calibration
   and operating points. Each source is also read by regressions that have seen nothing of it or of its patients: that
   says how far the model carries to images collected by others.
4. The model is the regressions on all patients but those of the test, on which `training.finish` measures it.

Once the features are there it is a few minutes of processor time, and with a thousand images it is the better model
(`LOG.md`, sections 9 and 11).
"""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from inference.backbones import make
from inference.bundle import Bundle
from training import cache, lungs
from training.dataset import group_small_sources, labels_of, strata
from training.errors import TrainingError
from training.evaluate import mean_auc
from training.finish import finish
from training.folds import dealt
from training.journal import Journal
from training.material import features
from training.measure import Reading
from training.naming import Name
from training.occupied import MODEL, occupied
from training.parallel import joined
from training.recipe import Machine, Recipe
from training.refusal import in_sentences, refuse
from training.regression import Seen, fitted, regions
from training.reproducible import reproducible
from training.snapshot import Item, Snapshot, Split, read
from training.train import preprocessing

SMALLEST = 3
"""Positives and negatives below which the AUC within a source says nothing."""


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
        seen = Seen.of(copies, lungs.seen_in(decoded.images[row] for row in decoded.rows(items)))
        out_of_fold, across_sources = read_by_folds(snapshot, items, seen, recipe, folds), across(seen, items, recipe)
        journal.write(event="across sources", **across_sources)
        fit = fitted(seen, items, np.ones(len(items), dtype=bool), recipe)
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
            across_sources=across_sources,
        )


def read_by_folds(snapshot: Snapshot, items: Sequence[Item], seen: Seen, recipe: Recipe, folds: int) -> Reading:
    """What is said of each patient by regressions that have not learnt from them."""
    logits, cams, grid = np.zeros((len(items), len(snapshot.findings))), {}, seen.copies[0].shape[2:]
    for held in dealt(items, folds, recipe.seed):
        here = np.array([item.patient in held for item in items])
        fit = fitted(seen, items, ~here, recipe)
        logits[here] = fit.logits(seen)[here]
        network = regions(torch.nn.Identity(), fit, grid)
        boxed = [place for place, item in enumerate(items) if here[place] and item.image in snapshot.boxes]
        for place in boxed:
            maps = torch.from_numpy(seen.copies[0][place][None].astype(np.float32))
            with torch.inference_mode():
                cams[items[place].image] = network(maps)[1][0].numpy()
    strata_of = strata(items)
    return Reading(
        items=tuple(items),
        strata=tuple(strata_of[item.image] for item in items),
        labels=labels_of(items),
        logits=logits,
        cams=cams,
        grid=grid[1],
    )


def across(seen: Seen, items: Sequence[Item], recipe: Recipe) -> dict[str, float]:
    """Mean AUC within each source of regressions that have seen neither it nor any of its patients.

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
        mean = mean_auc(labels[here], fitted(seen, items, others, recipe).logits(seen)[here], smallest=SMALLEST)
        if mean is not None:
            means[str(name)] = round(mean, 3)
    return means
