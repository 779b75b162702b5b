"""Training fed with images against a bare loop over random tensors: is data ever the brake?

Both loops are the same steps of the same network; one takes its batches from decoded images, altered anew on threads
ahead of the network, the other has one batch in memory. They run in turns, and the least disturbed turn of each counts.
"""

import time
from collections.abc import Iterator
from itertools import repeat

import numpy as np
import torch

from inference.card import Preprocessing
from inference.network import Network
from training.augment import Augmentation
from training.cache import Cache
from training.dataset import ahead
from training.learner import Learner, Part
from training.material import Images
from training.parallel import Team
from training.recipe import Recipe
from training.snapshot import Item, Split

SIZE, BATCH, STEPS, TURNS, IMAGES = 160, 16, 2, 8, 256
LOADED = 40
"""Batches; far more than are made ahead."""
HANDS = 2
BACKBONE = "efficientnet-lite0"


def main() -> None:
    """Print images a second of both, and their ratio."""
    team = Team(rank=0, size=1, device=torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    network = Network(backbone=BACKBONE, weights="none", findings=8).to(team.device)
    recipe = Recipe(backbone=BACKBONE, weights="none", size=SIZE, effective_batch=BATCH, batch=BATCH, rate=0)
    # A rate of 0: the network stays as it is, or the bare loop learns its one batch by heart, and its gradients become
    # so small that the processor takes three times as long for them.
    learner = Learner(network, recipe, Preprocessing(size=SIZE, mean=0.5, std=0.5), 10_000, team)
    learner.train_parts(upper=True, lower=True)
    labels = (torch.rand(BATCH, 8) < 0.2).float()
    bare: Iterator[Part] = repeat((torch.randint(0, 256, (BATCH, SIZE, SIZE), dtype=torch.uint8), labels))
    fed = loader(labels)
    seconds(learner, bare, labels)  # warm
    seconds(learner, fed, labels)
    turns = [(seconds(learner, bare, labels), seconds(learner, fed, labels)) for _ in range(TURNS)]
    images = BATCH * STEPS
    alone, together = (min(turn) for turn in zip(*turns, strict=True))
    print(f"{BACKBONE}, {SIZE} px, batch {BATCH}, all of it trained, {torch.get_num_threads()} threads")
    print(f"random tensors  {images / alone:6.1f} images/s")
    print(f"altered images  {images / together:6.1f} images/s, {alone / together:.1%} of that")
    start = time.perf_counter()
    for _ in range(LOADED):
        next(fed)
    print(f"loading alone   {BATCH * LOADED / (time.perf_counter() - start):6.0f} images/s on {HANDS} threads")


def loader(labels: torch.Tensor) -> Iterator[Part]:
    """Batches as a training makes them."""
    grey = np.random.default_rng(0).integers(0, 256, (IMAGES, SIZE, SIZE)).astype(np.uint8)
    items = [item(number) for number in range(IMAGES)]
    cache = Cache(images=grey, row={one.sha256: row for row, one in enumerate(items)}, left_out={})
    images = Images(cache, items, Augmentation(), seed=0)

    def make(place: int) -> Part:
        return images.drawn(np.arange(place, place + BATCH) % IMAGES, epoch=0, place=place), labels

    return ahead(make, range(0, 10**9, BATCH), HANDS)


def item(number: int) -> Item:
    """An image of whatever name."""
    return Item(
        image=f"{number}.png",
        sha256=str(number),
        instance_id=None,
        study_id=None,
        patient=str(number),
        view="PA",
        source="random",
        split=Split.TRAIN,
        labels=(0.0,) * 8,
        provenance="none",
        after_result=False,
    )


def seconds(learner: Learner, parts: Iterator[Part], labels: torch.Tensor) -> float:
    """How long some steps take; a step's loss is waited for."""
    start = time.perf_counter()
    for _ in range(STEPS):
        learner.step(parts, 1, labels)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
