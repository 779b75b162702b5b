"""What a training tells while it runs: lines of JSON for machines, a bar with the time left for a person."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

METRICS = "metrics.jsonl"
PROGRESS = "progress.json"
"""What it is at, as the bar shows it: `what`, `done` and `total`."""
EVERY_S = 1.0
"""How often that is written, at most."""


class Journal:
    """Appends each event to `metrics.jsonl`, and draws on standard error.

    Args:
        folder: of the training; None tells nothing, for all processes but the first.
        length: bytes of the file that still hold; what a killed training wrote after its last checkpoint is cut off,
            because it is written again.
    """

    def __init__(self, folder: Path | None, length: int = 0) -> None:
        self._folder = folder
        self._told = -EVERY_S
        self._stream = None if folder is None else (folder / METRICS).open("ab")
        if self._stream is not None:
            self._stream.truncate(min(length, self.length))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=folder is None)

    @property
    def length(self) -> int:
        """Bytes written so far."""
        return 0 if self._stream is None else self._stream.seek(0, 2)

    def write(self, **event: object) -> None:
        """Append one event."""
        if self._stream is not None:
            self._stream.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
            self._stream.flush()

    def say(self, sentence: str) -> None:
        """Tell the person."""
        if self._stream is not None:
            self._progress.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """A bar that is told how many are done, and of how many."""
        task = self._progress.add_task(what, total=None)
        self._told = -EVERY_S

        def tell(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total)
            self._note(what, done, total)

        try:
            yield tell
        finally:
            self._progress.remove_task(task)

    def _note(self, what: str, done: int, total: int) -> None:
        """Let those read who do not see the bar; whole or not at all."""
        if self._folder is None or time.monotonic() < self._told + EVERY_S:
            return
        part = self._folder / f"{PROGRESS}.part"
        part.write_text(json.dumps({"what": what, "done": done, "total": total}), "utf-8")
        part.replace(self._folder / PROGRESS)
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._stream is not None:
            self._stream.close()
