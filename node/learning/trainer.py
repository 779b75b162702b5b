"""The handler of `train` jobs: a training runs as `cxr train`, in a process of its own, and its model is registered.

Nothing of it runs in this process, so that a training which eats all memory or dies costs itself. Killed in between, at
any time, its job comes back by its lease and the training goes on from its last checkpoint. The model that reads is not
touched: what comes out is a candidate.
"""

import logging
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from db import jobs, training_runs
from db.engine import Connection, Database
from db.errors import DatabaseError, LeaseLostError
from db.learning_records import TrainingRun
from db.records import Job, JobState
from inference.errors import InferenceError
from node.errors import NodeError
from node.learning import journal
from node.learning.leash import PROGRAM, leashed
from node.learning.runs import folder_of
from node.models import registration
from node.worker import Ending
from training.errors import TrainingError
from training.occupied import MODEL

log = logging.getLogger(__name__)

NEEDED = ("torch", "torchvision", "onnx", "onnxscript", "safetensors")
"""What `cxr train` cannot do without; the extra `training` brings them."""
MISSING_DELAY_S = 300.0
"""How long a job waits for a machine on which these are installed."""
OCCUPIED_DELAY_S = 60.0
"""How long it waits for the folder that another training has: perhaps that of a host that is gone."""
LOOK_S = 1.0
"""How often it is asked whether somebody has stopped it, and told how far it is."""
SAID = "said.log"
"""What the training said to a person, in its folder."""


class ChildLostError(NodeError):
    """The process of a training was ended from outside; it is tried again, from its checkpoint."""


def missing() -> str | None:
    """The name of something that training needs and this machine does not have."""
    return next((name for name in NEEDED if find_spec(name) is None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """Runs training runs, one at a time.

    Args:
        data: the node's data folder.
        make_snapshot: makes one of these findings; returns its SHA-256.
        place_of: the folder of the snapshot with a SHA-256.
        missing: names what is not installed.
        program: runs a command of `cxr`.
    """

    database: Database
    data: Path
    make_snapshot: Callable[[tuple[str, ...]], str]
    place_of: Callable[[str], Path]
    now: Callable[[], datetime]
    missing: Callable[[], str | None] = missing
    program: Sequence[str] = PROGRAM
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job: Job) -> Ending:
        """Train what the run wants, or go on with it."""
        with self.database.read() as connection:
            run = training_runs.find(connection, job.subject_id)
        if run is None or run.stopped_by is not None:
            return _stopped()
        if (name := self.missing()) is not None:
            sentence = f"Training needs {name}. Install the extra where jobs are run: pip install 'cxr-node[training]'."
            return _later("training_missing", sentence, MISSING_DELAY_S)
        folder = folder_of(self.data, run)
        try:
            ending = None if (folder / MODEL).exists() else self._train(job, run, folder)
            return ending or self._registered(run, folder)
        except ChildLostError as error:
            if job.attempts - job.postponed < jobs.MAX_ATTEMPTS:
                raise
            return _failed(f"{error}, perhaps for want of memory.")
        except (TrainingError, InferenceError, NodeError) as error:
            return _failed(str(error))

    def stop(self) -> None:
        """End the training that runs; it goes on when the node is back."""
        self._stopping.set()

    def _train(self, job: Job, run: TrainingRun, folder: Path) -> Ending | None:
        """Train to the end, which is None, or as far as it goes."""
        snapshot = run.snapshot or self._snapshot(run)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        said = folder / SAID
        before = said.stat().st_size if said.exists() else 0
        words = ["train", str(self.place_of(snapshot)), *run.arguments]
        words += ["--out", str(folder), "--model-version", run.version, "--resume"]  # last, and so what holds
        with leashed(words, said, self.program) as process:
            ending = self._watched(process, job, run, folder)
        return ending or _outcome(process.returncode, said, before)

    def _snapshot(self, run: TrainingRun) -> str:
        made = self.make_snapshot(run.wanted)
        with self.database.write() as connection:
            training_runs.give_snapshot(connection, run.id, made)
        return made

    def _watched(self, process: "subprocess.Popen[bytes]", job: Job, run: TrainingRun, folder: Path) -> Ending | None:
        """Wait until it has ended, which is None, or is to end."""
        last: dict[str, object] = {}
        while True:
            try:
                process.wait(LOOK_S)
            except subprocess.TimeoutExpired:
                if self._stopping.is_set():
                    return _later("node_stopped", "The node stopped; it goes on later.", delay_s=1)
                told = journal.told(folder)
                if self._stopped_or_told(job, run, None if told == last else told):
                    return _stopped()
                last = told
            else:
                return None

    def _stopped_or_told(self, job: Job, run: TrainingRun, told: dict[str, object] | None) -> bool:
        """Tell how far it is; whether somebody has stopped it.

        Raises:
            LeaseLostError: another worker has the job; the training ends here.
        """
        try:
            with self.database.read() as connection:
                jobs.require_held(connection, job)
                found = training_runs.find(connection, run.id)
            if told is not None:
                with self.database.write() as connection:
                    training_runs.tell(connection, run.id, told)
        except LeaseLostError:
            raise
        except DatabaseError:
            log.warning("a training goes on without the database", extra={"fields": {"job": job.id}})
            return False
        return found is None or found.stopped_by is not None

    def _registered(self, run: TrainingRun, folder: Path) -> Ending:
        """Enter its model as a candidate."""
        registration.register(self.database, folder / MODEL, self.data, by=run.started_by, now=self.now())
        told = journal.told(folder)

        def record(connection: Connection) -> list[int]:
            training_runs.tell(connection, run.id, told)
            return []

        return Ending(state=JobState.DONE, record=record)


def _outcome(code: int, said: Path, before: int) -> Ending | None:
    """What an exit code means: None if there is a model.

    Raises:
        ChildLostError: a signal ended it.
    """
    if code == 0:
        return None
    if code == os.EX_TEMPFAIL:
        return _later("occupied", "Another training is at work in its folder.", OCCUPIED_DELAY_S)
    if code < 0:
        raise ChildLostError(f"the process of the training was ended by signal {-code}")
    with said.open("rb") as file:
        file.seek(before)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else f"It ended with the code {code}."
    sentence = last.removeprefix("cxr: ").removeprefix("Error: ")
    return _failed(sentence)


def _failed(sentence: str) -> Ending:
    return Ending(state=JobState.FAILED, error_code="training", error=sentence[:1].upper() + sentence[1:])


def _stopped() -> Ending:
    return Ending(state=JobState.DONE, error_code=training_runs.STOPPED)


def _later(code: str, sentence: str, delay_s: float) -> Ending:
    return Ending(state=JobState.QUEUED, error_code=code, error=sentence, delay_s=delay_s)
