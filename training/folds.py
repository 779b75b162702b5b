"""Train one model by folds: every patient who is not kept for the test both teaches and validates.

1. Training and validation patients are dealt into folds, by their rarest finding and their source; the test patients
   stay what they are.
2. For each fold a member learns from the other folds, as in `training.train`, and chooses its best epoch by this one.
   All begin alike. A member that is done is kept, so a killed training goes on with the one it was at.
3. Each member reads the patients whom it has not learnt from. Calibration and operating points come from these
   readings: all folds together are far more images than one validation set.
4. The members answer as one model (`inference.ensemble`), in one graph; `training.finish` measures it on the test set.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save

from inference.bundle import WEIGHTS, Bundle
from inference.ensemble import Ensemble
from training import cache, checkpoint
from training.dataset import group_small_sources, labels_of, of_split, strata
from training.errors import CheckpointError, TrainingError
from training.export import halved
from training.finish import finish
from training.journal import Journal
from training.measure import Numbers, Reading, concatenated
from training.measure import read as read_images
from training.naming import Name
from training.occupied import occupied
from training.parallel import Team, joined
from training.recipe import Machine, Recipe
from training.refusal import in_sentences, refuse, refuse_incomparable
from training.reproducible import reproducible
from training.snapshot import Item, Snapshot, Split, read
from training.train import MODEL, identity, learnt, member, preprocessing

ABOUT = "folds.json"
"""What a folder of folds is of."""


def train_folds(
    folder: Path,
    out: Path,
    recipe: Recipe,
    machine: Machine,
    count: int,
    *,
    name: Name | None = None,
    resume: bool = False,
) -> Bundle | None:
    """Train a member for each fold, and write them as one bundle into `out`.

    Args:
        folder: of the snapshot.
        out: for the members' folders and the bundle.
        recipe, machine: of each member.
        count: of folds.
        name: of the model.
        resume: go on with the folds that stand in `out`, if there are some.

    Returns:
        The bundle; None in every process but the first.

    Raises:
        TrainingError: it cannot begin, or had to stop; the sentence says what to do.
        WeightsError: the backbone's weights cannot be had.
    """
    snapshot = read(folder)
    refuse(snapshot.items, snapshot.findings)
    parts = [held_out(snapshot, patients) for patients in dealt(snapshot.items, count, recipe.seed)]
    for part in parts:
        refuse_incomparable(part.items, "give fewer --folds")
    beside = machine.cache or folder.with_name(f"{folder.name}.cache")
    with in_sentences(out), joined() as team, occupied(out) if team.first else nullcontext():
        if team.first:
            _begin(out, {"folds": count, **identity(snapshot, recipe)}, resume=resume)
        team.wait()
        for number, part in enumerate(parts):
            learn_member(part, beside, out, recipe, machine, team, number, count)
        team.part()  # the others end here, and nobody waits while the first measures
        if not team.first:
            return None
        return _whole(snapshot, parts, beside, out, recipe, machine, name=name or Name())


def dealt(items: Sequence[Item], count: int, seed: int) -> list[frozenset[str]]:
    """The patients of each fold, of those who are not kept for the test.

    They are dealt like cards, rarest finding by rarest finding and source by source, so that each fold has some of all.

    Raises:
        TrainingError: there are fewer patients than folds, or fewer than two folds.
    """
    images_of: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.split is not Split.TEST:
            images_of[item.patient].append(item)
    if not 2 <= count <= len(images_of):
        raise TrainingError(f"{len(images_of)} patients cannot be dealt into {count} folds; give other --folds")
    groups, totals = group_small_sources(items), (labels_of(items) == 1).sum(axis=0)

    def key(patient: str) -> tuple[int, str]:
        present = np.flatnonzero((labels_of(images_of[patient]) == 1).any(axis=0))
        rarest = int(present[np.argmin(totals[present])]) if present.size else -1
        return rarest, groups[images_of[patient][0].source]

    patients = sorted(images_of)
    np.random.default_rng(seed).shuffle(patients)
    patients.sort(key=key)  # stable: shuffled among those alike
    return [frozenset(patients[number::count]) for number in range(count)]


def held_out(snapshot: Snapshot, patients: frozenset[str]) -> Snapshot:
    """The snapshot as a fold sees it: these patients validate, the others but those of the test teach."""
    items = (
        item
        if item.split is Split.TEST
        else replace(item, split=Split.VALIDATION if item.patient in patients else Split.TRAIN)
        for item in snapshot.items
    )
    return replace(snapshot, items=tuple(items))


def learn_member(  # noqa: PLR0917  what `train` hands on, and which it is
    part: Snapshot, beside: Path, out: Path, recipe: Recipe, machine: Machine, team: Team, number: int, count: int
) -> None:
    """Train the member of a fold, or go on with it, or find it there."""
    folder = _folder(out, number)
    if (folder / WEIGHTS).exists():
        return
    with (
        reproducible(recipe.seed, machine.threads),
        learnt(part, beside, folder, recipe, machine, team, resume=True, fold=f"{number + 1} of {count}") as (
            run,
            learner,
            _,
        ),
    ):
        if team.first:
            run.journal.say(f"Fold {number + 1} of {count} has learnt.")
            state = {key: tensor.cpu().contiguous() for key, tensor in learner.best.items()}
            checkpoint.write_durably(folder / WEIGHTS, save(state))
            checkpoint.forget(folder)


def _folder(out: Path, number: int) -> Path:
    return out / f"fold-{number + 1}"


def _begin(out: Path, asked: Mapping[str, object], *, resume: bool) -> None:
    """Refuse a folder that holds another training, or one that is not to be gone on with."""
    if (out / MODEL).exists():
        raise TrainingError(f"the training in {out} has ended, {out / MODEL} is its model; name another --out")
    out.mkdir(parents=True, exist_ok=True)
    about = out / ABOUT
    if about.exists():
        if not resume:
            raise TrainingError(f"there is a training in {out}; go on with it by --resume, or name another --out")
        if json.loads(about.read_bytes()) != asked:
            raise CheckpointError(f"the training in {out} was begun with other choices; name another --out")
    checkpoint.write_durably(about, json.dumps(asked, indent=1).encode())


def _whole(  # noqa: PLR0917  what `train` hands on
    snapshot: Snapshot,
    parts: Sequence[Snapshot],
    beside: Path,
    out: Path,
    recipe: Recipe,
    machine: Machine,
    *,
    name: Name,
) -> Bundle:
    """The members as one model, measured, in a bundle."""
    recipe, prepared = recipe.fitted(1), preprocessing(recipe)
    members = [
        member(recipe, snapshot, load((_folder(out, number) / WEIGHTS).read_bytes())) for number in range(len(parts))
    ]
    for each in members:
        halved(each)
    with Journal(out, 0) as journal:
        with journal.bar("Reading by what has not learnt") as tell:
            decoded = cache.opened(snapshot, beside, recipe.size, processes=machine.decoders, tell=tell)
            readings = [
                _read_by(Ensemble([each]), part, decoded, recipe, tell)
                for each, part in zip(members, parts, strict=True)
            ]
        return finish(
            Ensemble(members),
            prepared,
            snapshot,
            decoded,
            recipe=recipe,
            name=name,
            way=f"-folds-{len(parts)}",
            folder=out / MODEL,
            journal=journal,
            out_of_fold=concatenated(readings),
        )


def _read_by(
    network: Ensemble, part: Snapshot, decoded: cache.Cache, recipe: Recipe, tell: Callable[[int, int], None]
) -> Reading:
    """What a member says of the patients whom it has not learnt from."""
    items = decoded.readable(part.items)
    network.eval()

    @torch.inference_mode()
    def answer(image: Numbers) -> tuple[Numbers, Numbers]:
        logits, cam = network(torch.from_numpy(image))
        return logits.numpy(), cam.numpy()

    return read_images(
        answer,
        of_split(items, Split.VALIDATION),
        decoded,
        preprocessing(recipe),
        strata_of=strata(items),
        boxed=frozenset(part.boxes),
        tell=tell,
    )
