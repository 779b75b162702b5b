"""Train a model from a snapshot: the story behind `cxr train`.

To be read from top to bottom:

1. The snapshot's images are decoded once, to grey levels of the network's size, and mapped into memory ever after.
2. The backbone's lower part stays, at first, as ImageNet made it. What it sees of each image, and of a few altered
   copies, is computed once and kept: this is what makes training on two cores a matter of minutes.
3. Transition and prediction train first, alone; then the backbone's upper part with them, or all of it from images
   that are altered anew each time.
4. A running average of the weights is kept: it is steadier than the last step. After each epoch it is scored on the
   validation set by the AUC within source and view; the best one stays, and training ends when none is better for a
   while.
5. `training.finish` exports it, calibrates, chooses operating points, measures on the test set and writes the bundle.

Every number goes to `metrics.jsonl` as it comes. A checkpoint is kept from which a killed training goes on as if
nothing had happened: the seed, the epoch and the place in it decide what is drawn and how it is altered.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from inference.backbones import BACKBONES
from inference.bundle import Bundle
from inference.card import Preprocessing
from inference.network import Network
from training import cache, checkpoint
from training.cache import Cache
from training.checkpoint import POINTER, Checkpoint
from training.dataset import Labels, ahead, balanced_weights, drawn, labels_of, of_split, strata
from training.errors import CheckpointError, TrainingError
from training.evaluate import mean_auc, mean_stratified_auc
from training.finish import finish
from training.journal import Journal
from training.learner import Learner, Part
from training.material import Features, Images, Material, features
from training.naming import Name
from training.occupied import occupied
from training.parallel import Team, joined
from training.recipe import Machine, Recipe
from training.refusal import in_sentences, refuse
from training.reproducible import reproducible
from training.snapshot import Item, Snapshot, Split, read

MODEL = "model"
"""The bundle, in the training's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a training stands, beside what the learner holds.

    `epoch` and `step` are those that come next, `loss` is the sum of the epoch's so far. `best` is the best validation
    of the running average, `waited` the epochs since then. `logged` is the length of `metrics.jsonl`.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    best: float | None = None
    waited: int = 0
    logged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What stays the same throughout a training."""

    snapshot: Snapshot
    beside: Path
    out: Path
    recipe: Recipe
    machine: Machine
    team: Team
    journal: Journal
    preprocessing: Preprocessing
    fold: str = ""
    """Which part of a larger training this is (`training.folds`)."""

    @property
    def epochs(self) -> int:
        """All that may come; patience may end sooner."""
        return self.recipe.head_epochs + self.recipe.epochs

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to go on."""
        return identity(self.snapshot, self.recipe, self.fold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """The images of one split, as the network is fed with them in each of the two stages."""

    items: tuple[Item, ...]
    strata: tuple[str, ...]
    labels: Labels
    for_head: Material
    for_rest: Material


def train(
    folder: Path, out: Path, recipe: Recipe, machine: Machine, *, name: Name | None = None, resume: bool = False
) -> Bundle | None:
    """Train, measure and write a bundle into `out`; a model that serves is not touched.

    Args:
        folder: of the snapshot.
        out: for metrics, checkpoint and the bundle.
        recipe, machine: what was chosen.
        name: of the model.
        resume: go on with the training that stands in `out`, if there is one.

    Returns:
        The bundle; None in every process but the first.

    Raises:
        TrainingError: it cannot begin, or had to stop; the sentence says what to do.
        WeightsError: the backbone's weights cannot be had.
    """
    snapshot = read(folder)
    refuse(snapshot.items, snapshot.findings)
    with (
        in_sentences(out),
        joined() as team,
        reproducible(recipe.seed, machine.threads),
        occupied(out) if team.first else nullcontext(),
    ):
        beside = machine.cache or folder.with_name(f"{folder.name}.cache")
        with learnt(snapshot, beside, out, recipe, machine, team, resume=resume) as (run, learner, decoded):
            team.part()  # the others end here, and nobody waits while the first measures
            return measured(run, learner, decoded, name or Name()) if team.first else None


@contextmanager
def learnt(  # noqa: PLR0917  what `train` hands on
    snapshot: Snapshot,
    beside: Path,
    out: Path,
    recipe: Recipe,
    machine: Machine,
    team: Team,
    *,
    resume: bool,
    fold: str = "",
) -> Iterator[tuple[Run, Learner, Cache]]:
    """Learn to the end, or go on with what a folder holds; what is made of it is written before its journal ends.

    Args:
        snapshot: with the split to learn and validate by.
        beside: the folder of decoded images and features.
        out: for metrics and checkpoint.
        recipe, machine, team: how, on what and with whom.
        resume: go on with the training that stands in `out`, if there is one.
        fold: which part of a larger training this is.
    """
    recipe, prepared = recipe.fitted(team.size), preprocessing(recipe)
    kept = begun(out, identity(snapshot, recipe, fold), resume=resume)
    position = Position(**kept.facts["position"]) if kept else Position()
    team.wait()  # until all have looked into the folder
    with Journal(out if team.first else None, position.logged) as journal:
        run = Run(
            snapshot=snapshot,
            beside=beside,
            out=out,
            recipe=recipe,
            machine=machine,
            team=team,
            journal=journal,
            preprocessing=prepared,
            fold=fold,
        )
        decoded = decode(run, fresh=kept is None)
        network = made(recipe, snapshot).to(team.device).to(memory_format=torch.channels_last)
        training, validation = sets(run, decoded, network)
        steps = steps_of(training, recipe)
        learner = Learner(network, recipe, run.preprocessing, steps * run.epochs, team)
        if kept is not None:
            learner.restore(kept.tensors, kept.facts["learner"])
        learn(run, learner, position, training, validation)
        yield run, learner, decoded


def decode(run: Run, *, fresh: bool) -> Cache:
    """The snapshot's images as grey levels; decoded now, by the first process, if no run has done so before."""
    size, decoders = run.recipe.size, run.machine.decoders
    with run.team.first_goes_ahead(), run.journal.bar("Decoding images") as tell:
        decoded = cache.opened(run.snapshot, run.beside, size, processes=decoders, tell=tell)
    items = decoded.readable(run.snapshot.items)
    if not run.fold:  # of a fold's patients some may lack a finding
        refuse(items, run.snapshot.findings)
    if fresh:
        for image, why in decoded.left_out.items():
            run.journal.write(event="left_out", image=image, why=why)
        if decoded.left_out:
            run.journal.say(f"{len(decoded.left_out)} images cannot be decoded and are left out; metrics.jsonl has why")
        numbers = {str(split): len(of_split(items, split)) for split in Split}
        run.journal.write(event="split", snapshot=run.snapshot.sha256, **numbers)
    return decoded


def made(recipe: Recipe, snapshot: Snapshot) -> Network:
    """The network: a backbone that has seen ImageNet, with a transition and a prediction layer that know nothing."""
    return Network(
        backbone=recipe.backbone,
        weights=recipe.weights,
        findings=len(snapshot.findings),
        width=recipe.width,
        pooling=recipe.pooling,
        r=recipe.r,
        grid=recipe.grid,
        cut=recipe.cut,
    )


def member(recipe: Recipe, snapshot: Snapshot, state: Mapping[str, torch.Tensor]) -> Network:
    """The network with what was learnt."""
    network = made(replace(recipe, weights="none"), snapshot)
    network.load_state_dict(state)
    return network


def preprocessing(recipe: Recipe) -> Preprocessing:
    """The size asked for, and grey levels as the backbone's weights expect them.

    Raises:
        TrainingError: there is no such backbone.
    """
    if recipe.backbone not in BACKBONES:
        raise TrainingError(f"there is no backbone {recipe.backbone!r}; there are {', '.join(BACKBONES)}")
    row = BACKBONES[recipe.backbone]
    return Preprocessing(size=recipe.size, mean=row.mean, std=row.std)


def sets(run: Run, decoded: Cache, network: Network) -> tuple[Set, Set]:
    """The training and the validation set.

    What the backbone's lower part sees of them is computed now, by the first process, if the recipe wants it and no
    run has done so before. It is computed of both sets alike, so that other folds find it there.
    """
    recipe, readable = run.recipe, decoded.readable(run.snapshot.items)
    learning = tuple(item for item in readable if item.split is not Split.TEST)
    place, strata_of = {item.image: number for number, item in enumerate(learning)}, strata(readable)
    copies: list[npt.NDArray[np.float16]] = []
    if recipe.head_epochs or recipe.tune == "upper":
        with run.team.first_goes_ahead(), run.journal.bar("What the lower part sees") as tell:
            copies = features(
                network.backbone.lower,
                decoded,
                learning,
                run.preprocessing,
                run.beside,
                copies=recipe.copies,
                augmentation=recipe.augmentation,
                bfloat16=recipe.bfloat16,
                device=run.team.device,
                tell=tell,
            )
    found = []
    for split in (Split.TRAIN, Split.VALIDATION):
        items = of_split(learning, split)
        images: Material = Images(decoded, items, recipe.augmentation, recipe.seed)
        rows = np.array([place[item.image] for item in items], dtype=np.intp)
        seen = Features(copies, rows, recipe.seed) if copies else images
        rest = images if recipe.tune == "all" else seen
        names = tuple(strata_of[item.image] for item in items)
        found.append(Set(items=items, strata=names, labels=labels_of(items), for_head=seen, for_rest=rest))
    return found[0], found[1]


def learn(run: Run, learner: Learner, position: Position, training: Set, validation: Set) -> None:
    """Epoch after epoch: transition and prediction alone, then more of the network, until patience ends."""
    recipe, started, before = run.recipe, time.monotonic(), learner.done
    steps = steps_of(training, recipe)
    while position.epoch < run.epochs and (not recipe.patience or position.waited < recipe.patience):
        head = position.epoch < recipe.head_epochs
        learner.train_parts(upper=not head, lower=not head and recipe.tune == "all")
        position = one_epoch(run, learner, position, training, training.for_head if head else training.for_rest)
        truth, material = validation.labels, validation.for_head if head else validation.for_rest
        scores = learner.score(material, len(truth))
        fair = run.team.from_first(mean_stratified_auc(truth, scores, validation.strata))
        better = position.best is None or fair > position.best
        if better:
            learner.keep_best()
        a_step_s = (time.monotonic() - started) / (learner.done - before)
        minutes_left = round(a_step_s * (steps * run.epochs - learner.done) / 60, 1)
        run.journal.write(
            event="epoch",
            epoch=position.epoch,
            trained="head" if head else recipe.tune,
            loss=round(position.loss / steps, 4),
            validation_auc=round(mean_auc(truth, scores) or 0, 4),
            validation_stratified_auc=round(fair, 4),
            minutes_left=minutes_left,
        )
        run.journal.say(
            f"Epoch {position.epoch + 1} of at most {run.epochs}: loss {position.loss / steps:.3f}, "
            f"validation AUC within source and view {fair:.3f}{' (best)' if better else ''}, "
            f"{minutes_left:.0f} min left"
        )
        position = Position(
            epoch=position.epoch + 1,
            best=fair if better else position.best,
            waited=0 if better or head else position.waited + 1,
        )
        keep(run, learner, position)


def one_epoch(run: Run, learner: Learner, position: Position, training: Set, material: Material) -> Position:
    """The steps of an epoch that are still to be made."""
    order = draw(training, run.recipe, position.epoch)
    parts = parts_ahead(run, material, training.labels, order, position)
    count = run.recipe.effective_batch // (int(run.recipe.batch or 1) * run.team.size)
    with run.journal.bar(f"Epoch {position.epoch + 1} of at most {run.epochs}") as tell:
        for chosen in order[position.step :]:
            loss = learner.step(parts, count, torch.from_numpy(training.labels[chosen]))
            run.journal.write(event="step", step=learner.done, loss=loss)
            position = replace(position, step=position.step + 1, loss=position.loss + loss)
            tell(learner.done, len(order) * run.epochs)
            if learner.done % run.machine.checkpoint_steps == 0 and position.step < len(order):
                keep(run, learner, position)
    return position


def draw(training: Set, recipe: Recipe, epoch: int) -> npt.NDArray[np.intp]:
    """The images of each step of an epoch: (steps, effective batch)."""
    weights = balanced_weights(training.items, recipe.balance)
    return drawn(weights, recipe.effective_batch, seed=recipe.seed, epoch=epoch)


def steps_of(training: Set, recipe: Recipe) -> int:
    """How many steps an epoch has."""
    return len(draw(training, recipe, 0))


def parts_ahead(
    run: Run, material: Material, labels: Labels, order: npt.NDArray[np.intp], position: Position
) -> Iterator[Part]:
    """This process's part of each step, a batch at a time, made ahead of time."""
    step_size, batch = run.recipe.effective_batch, int(run.recipe.batch or 1)

    def places() -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
        for step in range(position.step, len(order)):
            for start in range(run.team.rank * batch, step_size, batch * run.team.size):
                yield step * step_size + start, order[step, start : start + batch]

    def make(job: tuple[int, npt.NDArray[np.intp]]) -> Part:
        place, chosen = job
        inputs = material.drawn(chosen, epoch=position.epoch, place=place)
        if run.team.device.type == "cuda":
            inputs = inputs.pin_memory()
        return inputs, torch.from_numpy(labels[chosen])

    return ahead(make, places(), run.machine.loaders)


def keep(run: Run, learner: Learner, position: Position) -> None:
    """Write a checkpoint, from which a killed training goes on."""
    if run.team.first:
        position = replace(position, logged=run.journal.length)
        facts = {"training": run.identity, "position": asdict(position), "learner": learner.facts()}
        name = f"{position.epoch}-{position.step}"
        checkpoint.write(run.out, Checkpoint(tensors=learner.tensors(), facts=facts), name)


def measured(run: Run, learner: Learner, decoded: Cache, name: Name) -> Bundle:
    """Export the best network, measure it and write the bundle."""
    best = member(run.recipe, run.snapshot, learner.best)
    bundle = finish(
        best,
        run.preprocessing,
        run.snapshot,
        decoded,
        recipe=run.recipe,
        name=name,
        folder=run.out / MODEL,
        journal=run.journal,
    )
    checkpoint.forget(run.out)
    return bundle


def identity(snapshot: Snapshot, recipe: Recipe, fold: str = "") -> dict[str, Any]:
    """The snapshot and all choices, as JSON has them."""
    whole: dict[str, Any] = json.loads(json.dumps({"snapshot": snapshot.sha256, "fold": fold, **recipe.facts()}))
    return whole


def begun(out: Path, asked: dict[str, Any], *, resume: bool) -> Checkpoint | None:
    """What was kept of the training in a folder; None if it begins now.

    Raises:
        TrainingError: the folder holds a training, and this is not to be its continuation.
    """
    if (out / MODEL).exists():
        raise TrainingError(f"the training in {out} has ended, {out / MODEL} is its model; name another --out")
    if not resume and (out / POINTER).exists():
        raise TrainingError(f"there is a training in {out}; go on with it by --resume, or name another --out")
    out.mkdir(parents=True, exist_ok=True)
    kept = checkpoint.read(out) if resume else None
    there = kept.facts.get("training", {}) if kept else asked
    other = sorted(key for key in asked | there if asked.get(key) != there.get(key))
    if other:
        raise CheckpointError(f"the training in {out} was begun with another {', '.join(other)}; name another --out")
    return kept
