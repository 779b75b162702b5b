"""Many image files, read in their order: processes decode ahead, and the model never waits for a file.

A process sends only what the network sees of an image, not its pixels. Images are read side by side with one processor
thread each, which on CPU gives more images a second than several threads for one, and than batches do.
"""

from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from db.vocabulary import Reason
from inference import image_file
from inference.classifier import Classifier
from inference.errors import NotReadable
from inference.policy import Policy
from inference.prediction import Prediction
from inference.preprocess import input_of, small
from inference.processes import Lost, Processes, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a process is to do: decode a file for a network of this size, and `show` it too."""

    path: Path
    size: int
    policy: Policy
    show: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What is left of an image: (size, size) grey levels, its own size, and the whole of it if it was to be shown."""

    grey: npt.NDArray[np.uint8]
    rows: int
    columns: int
    display: npt.NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A file that was read, or why it was not. `display` is (rows, columns), if it was asked for."""

    path: Path
    prediction: Prediction | None = None
    display: npt.NDArray[np.uint8] | None = None
    error: NotReadable | None = None


def decode(task: Task) -> Decoded | NotReadable:
    """Decode a file, or say what is the matter with it."""
    try:
        image = image_file.read(task.path, task.policy)
    except NotReadable as error:
        return error
    return Decoded(
        grey=small(image, task.size),
        rows=image.rows,
        columns=image.columns,
        display=image.display() if task.show else None,
    )


def read(
    paths: Iterable[Path],
    classifier: Classifier,
    policy: Policy,
    *,
    processes: int,
    side_by_side: int = 1,
    show: bool = False,
) -> Generator[Outcome, None, None]:
    """Read files in their order.

    A file that kills the process that decodes it costs itself. Only a few images are held at a time.

    Args:
        paths: the files.
        classifier: the model; with one processor thread, if images are read side by side.
        policy: which images may be read.
        processes: how many decode; with none, files are decoded here, one after the other.
        side_by_side: how many images the model reads at once.
        show: give their displays too.

    Raises:
        ProcessError: no process can be started.
    """
    tasks = (Task(path=path, size=classifier.card.preprocessing.size, policy=policy, show=show) for path in paths)
    if processes == 0:
        for task in tasks:
            yield _outcome(task, decode(task), classifier)
        return
    with ThreadPoolExecutor(side_by_side) as readers, Processes(decode, processes) as decoders:

        def follow(task: Task) -> "Future[Outcome]":
            decoded = decoders.submit(task)
            return readers.submit(lambda: _outcome(task, decoded.result(), classifier))

        yield from in_order(map(follow, tasks), ahead=2 * (processes + side_by_side))


def _outcome(task: Task, decoded: Decoded | NotReadable | Lost, classifier: Classifier) -> Outcome:
    if isinstance(decoded, Lost):
        detail = f"The process that decoded the file {decoded.why}."
        return Outcome(path=task.path, error=NotReadable(Reason.UNDECODABLE, detail))
    if isinstance(decoded, NotReadable):
        return Outcome(path=task.path, error=decoded)
    prediction = classifier.read(input_of(decoded.grey, classifier.card.preprocessing), decoded.rows, decoded.columns)
    return Outcome(path=task.path, prediction=prediction, display=decoded.display)
