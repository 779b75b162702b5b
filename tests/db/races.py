"""Threads that begin at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def race(count: int, run: Callable[[int], T]) -> list[T]:
    """Call `run(number)` in `count` threads at once; what each returned, in order."""
    barrier = threading.Barrier(count)

    def start(number: int) -> T:
        barrier.wait(60)
        return run(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))
