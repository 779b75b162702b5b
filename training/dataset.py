"""The images of a snapshot: their labels, their strata, how often each is drawn, and batches made ahead of time."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from training.snapshot import Item, Split

Labels = npt.NDArray[np.float32]
Job = TypeVar("Job")
Made = TypeVar("Made")


def of_split(items: Iterable[Item], split: Split) -> tuple[Item, ...]:
    """The images of one split, in their order."""
    return tuple(item for item in items if item.split is split)


def labels_of(items: Sequence[Item]) -> Labels:
    """(N, C): 1 the finding is there, 0 it is not, NaN it is not known."""
    return np.array([item.labels for item in items], dtype=np.float32)


def group_small_sources(items: Sequence[Item], smallest: int = 80) -> dict[str, str]:
    """Name the group of each source: itself, or "others" where it has fewer than `smallest` images."""
    sizes = Counter(item.source for item in items)
    return {name: name if size >= smallest else "others" for name, size in sizes.items()}


def strata(items: Sequence[Item]) -> dict[str, str]:
    """Image to "source view", small sources grouped."""
    groups = group_small_sources(items)
    return {item.image: f"{groups[item.source]} {item.view}" for item in items}


def balanced_weights(items: Sequence[Item], balance: float) -> npt.NDArray[np.float64]:
    """How often each image is drawn; sums to 1.

    Sources were put together by different people for different tasks, and AP means a bedside patient; both tell much
    about the findings and nothing about the lung. A balance of 1 shows each pair of source and view equally often, but
    the small ones would be learnt by heart; 0.5 is between that and drawing as they come.
    """
    groups = group_small_sources(items)
    keys = [(groups[item.source], item.view) for item in items]
    sizes = Counter(keys)
    weights = np.array([sizes[key] ** -balance for key in keys])
    return np.asarray(weights / weights.sum())


def drawn(weights: npt.NDArray[np.float64], batch: int, *, seed: int, epoch: int) -> npt.NDArray[np.intp]:
    """The images of each step of an epoch, by weight, with replacement: (steps, batch).

    The seed and the epoch alone decide, so a training that goes on after a kill draws what it would have drawn.
    """
    steps = max(1, len(weights) // batch)
    return np.random.default_rng((seed, epoch)).choice(len(weights), size=(steps, batch), p=weights)


def ahead(make: Callable[[Job], Made], jobs: Iterable[Job], threads: int) -> Iterator[Made]:
    """Make things in their order, on threads, some ahead of whoever takes them.

    OpenCV and numpy leave the interpreter to others while they work, so threads are enough and copy nothing.
    """
    waiting: deque[Future[Made]] = deque()
    rest = iter(jobs)
    with ThreadPoolExecutor(threads, thread_name_prefix="loader") as pool:
        try:
            waiting.extend(pool.submit(make, job) for job in islice(rest, 2 * threads))
            while waiting:
                made = waiting.popleft().result()
                waiting.extend(pool.submit(make, job) for job in islice(rest, 1))
                yield made
        finally:
            pool.shutdown(cancel_futures=True)
