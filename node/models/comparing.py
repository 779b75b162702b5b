"""The handler of `compare` jobs: a candidate beside the model that reads, on the test patients of a snapshot.

Scores are kept as they come (`training.scores`), so a job that is stopped or killed goes on where it was. It takes one
thread, as a shadow does: studies are read beside it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from db import comparisons, models, snapshots
from db.engine import Connection, Database
from db.errors import UnknownModelError
from db.learning_records import StoredComparison
from db.records import Job, JobState
from inference.errors import InferenceError
from node.errors import NodeError
from node.models import registry
from node.worker import Ending
from training import snapshot as snapshots_on_disk
from training.errors import TrainingError
from training.snapshot import Item

SCORES = "scores"
"""Of the data folder: what models said of test images."""
EVERY_S = 1.0
"""How often it is told how far it is."""


class StoppedError(NodeError):
    """The node stops; the comparison goes on later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """Compares.

    Args:
        data: the node's data folder.
        place_of: the folder of the snapshot with a SHA-256.
    """

    database: Database
    data: Path
    place_of: Callable[[str], Path]
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job: Job) -> Ending:
        """Let both models read what they have not read yet, and keep the numbers."""
        with self.database.read() as connection:
            asked = comparisons.find(connection, job.subject_id)
        if asked is None:
            return Ending(state=JobState.DONE)
        try:
            outcome = self._outcome(asked)
        except StoppedError:
            return Ending(
                state=JobState.QUEUED, error_code="node_stopped", error="The node stopped; it goes on later.", delay_s=1
            )
        except (TrainingError, InferenceError, NodeError, UnknownModelError) as error:
            sentence = str(error)
            return Ending(state=JobState.FAILED, error_code="comparison", error=sentence[:1].upper() + sentence[1:])

        def record(connection: Connection) -> list[int]:
            comparisons.conclude(connection, asked.id, outcome)
            return []

        return Ending(state=JobState.DONE, record=record)

    def stop(self) -> None:
        """Begin no further image."""
        self._stopping.set()

    def _outcome(self, asked: StoredComparison) -> dict[str, Any]:
        from training import promote  # noqa: PLC0415 - scipy takes a second, and few processes compare

        with self.database.read() as connection:
            found = models.get(connection, asked.current), models.get(connection, asked.candidate)
            known = [each.sha256 for each in snapshots.newest(connection)]
        current, candidate = (registry.bundle_of(each, self.data) for each in found)
        frozen = snapshots_on_disk.read(self.place_of(asked.snapshot))

        def track(items: Sequence[Item]) -> Iterable[Item]:
            return self._tracked(asked.id, items)

        scores = self.data / SCORES
        compared = promote.compare(current, candidate, frozen, folder=scores, track=track, threads=1, known=known)
        names = [each.finding for each in compared.findings]
        drawn = promote.curves((current, candidate), frozen, names, folder=scores, track=track, threads=1)
        return {"compared": asdict(compared), "objections": list(compared.objections), "curves": drawn}

    def _tracked(self, comparison_id: int, items: Sequence[Item]) -> Iterable[Item]:
        told = -EVERY_S
        for done, item in enumerate(items):
            if self._stopping.is_set():
                raise StoppedError
            if time.monotonic() >= told + EVERY_S:
                told = time.monotonic()
                with self.database.write() as connection:
                    comparisons.advance(connection, comparison_id, done, len(items))
            yield item
