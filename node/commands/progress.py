"""Progress of long work on the standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

EVERY_S = 10.0
"""Between two lines of progress where no terminal is."""


class Meter:
    """How much of `total` is done, and what there is to say of it."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = max(total, 1)
        self._progress = progress
        self._task = progress.add_task("", total=self._total) if progress else None
        self._done = 0
        self._began = self._said = time.monotonic()

    def advance(self, number: int) -> None:
        """So much more is done."""
        self._done += number

    def show(self, said: str) -> None:
        """Say so of it."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._done, description=said)
            return
        now = time.monotonic()
        if now - self._said >= EVERY_S:
            self._said = now
            share = min(self._done / self._total, 1.0)
            left = (now - self._began) * (1 - share) / max(share, 1e-6)
            print(f"{said}; {share:.0%}, {duration(left)} left", file=sys.stderr, flush=True)  # noqa: T201


def duration(seconds: float) -> str:
    """How long something takes, in the two units that matter to who waits for it: `3 h 20 min`, `4 min 5 s`, `9 s`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def files(size: int, said: str) -> Iterator[Callable[[int], None]]:
    """A meter of so many bytes of files; what it gives is told the bytes of each."""
    with meter(size) as shown:

        def on_file(read: int) -> None:
            shown.advance(read)
            shown.show(said)

        yield on_file


@contextmanager
def meter(total: int) -> Iterator[Meter]:
    """A meter for as long as the work takes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Meter(total, None)
        return
    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*parts, console=console, transient=True) as progress:
        yield Meter(total, progress)
