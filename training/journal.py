"""What a training tells while it runs: lines of JSON for machines, a bar with the time left for a person."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

METRICS = "metrics.jsonl"


class Journal:
    """Appends each event to `metrics.jsonl`, and draws on standard error.

    Args:
        folder: of the training; None tells nothing, for all processes but the first.
        length: bytes of the file that still hold; what a killed training wrote after its last checkpoint is cut off,
            because it is written again.
    """

    def __init__(self, folder: Path | None, length: int = 0) -> None:
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
        try:
            yield lambda done, total: self._progress.update(task, completed=done, total=total)
        finally:
            self._progress.remove_task(task)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._stream is not None:
            self._stream.close()
