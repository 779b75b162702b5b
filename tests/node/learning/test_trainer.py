"""Training runs as jobs: a process of its own, stopped, killed, gone on with, and a model at the end."""

import json
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from db import audit, awakening, jobs, models, snapshots, training_runs
from db.engine import Database
from db.errors import TakenError
from db.learning_records import ModelState, RunState, TrainingRun
from db.records import JobKind
from node.errors import SettingsError
from node.learning import journal, runs
from node.learning.runs import Wish
from node.learning.trainer import Trainer
from node.process.clock import utc_now
from node.worker import Worker
from tests.db.rows import NOW
from tests.peers.processes import wait_until
from tests.testset import write_model
from tests.working import worker_of
from training.snapshot import SnapshotError

TINY = (
    *("--backbone", "alexnet", "--width", "8", "--size", "32", "--effective-batch", "8", "--head-epochs", "1"),
    *("--epochs", "2", "--copies", "0", "--decoders", "1", "--threads", "1", "--checkpoint-steps", "2"),
)
SHA = "ab" * 32


def python(script: str) -> tuple[str, ...]:
    """A program that takes the words of `cxr train` and does something else."""
    return sys.executable, "-c", script


SAYS_WHY = python("import sys; sys.stderr.write('Decoding\\ncxr: the disk is full\\n'); sys.exit(1)")
OCCUPIED = python("import sys; sys.exit(75)")
KILLS_ITSELF = python("import os; os.kill(os.getpid(), 9)")
WAITS = python(
    "import pathlib, sys; out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1]);"
    "(out / 'begun').touch(); sys.stdin.read()"
)


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """With a snapshot that exists as a row only."""
    with sqlite_database.write() as connection:
        snapshots.register(
            connection, sha256=SHA, folder="set", created_at=NOW, findings=("Mass",), images={}, about={}
        )
    return sqlite_database


@pytest.fixture
def worker(database: Database, tmp_path: Path) -> Callable[..., tuple[Worker, Trainer]]:
    """A worker with a trainer that runs this program."""

    def build(program: Sequence[str], **more: Any) -> tuple[Worker, Trainer]:
        arguments: dict[str, Any] = {
            "make_snapshot": lambda _: SHA,
            "place_of": lambda _: tmp_path / "set",
            "missing": lambda: None,
        }
        trainer = Trainer(database=database, data=tmp_path / "data", now=utc_now, program=program, **(arguments | more))
        return worker_of(database, JobKind.TRAIN, trainer, utc_now), trainer

    return build


def started(database: Database, **wish: Any) -> TrainingRun:
    """A run that anna has started."""
    return runs.start(database, Wish(**({"method": "upper", "snapshot": SHA} | wish)), by="anna", now=utc_now())


def run_of(database: Database, version: str) -> TrainingRun:
    """How it is now."""
    with database.read() as connection:
        return runs.known(connection, version)


def begun(worker: Callable[..., tuple[Worker, Trainer]], folder: Path) -> tuple[threading.Thread, Trainer]:
    """A thread in which a training runs that has begun and goes on until it is ended."""
    work, trainer = worker(WAITS)
    thread = threading.Thread(target=work.run_one, args=([JobKind.TRAIN],))
    thread.start()
    wait_until((folder / "begun").exists, timeout_s=30, what="the training does not begin")
    return thread, trainer


@pytest.mark.timeout(180)  # torch is loaded twice, on a machine that may be busy
def test_a_training_that_is_killed_goes_on_and_its_model_is_a_candidate(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]], tmp_path: Path
):
    """No step is made twice in the end, nothing that reads is touched, and who started it is in the log."""
    pytest.importorskip("onnxscript")
    from tests.training.tiny import write_snapshot  # noqa: PLC0415 - it needs torch

    write_snapshot(tmp_path / "set", images=50)
    run = started(database, version="spring", arguments=TINY)
    work, _ = worker((sys.executable, "-m", "tests.node.learning.tiny_cxr", "5"))

    work.run_one([JobKind.TRAIN])
    lost = run_of(database, "spring")
    with database.write() as connection:
        (job,) = jobs.newest(connection, 1)
        awakening.wake_one(connection, job.id, utc_now())
    work.run_one([JobKind.TRAIN])

    done = run_of(database, "spring")
    folder = runs.folder_of(tmp_path / "data", run)
    steps = [line for line in (folder / "metrics.jsonl").read_text().splitlines() if '"step"' in line]
    with database.read() as connection:
        model = models.get(connection, "spring")
        entries = [(each.actor, each.action) for each in audit.newest(connection, 5)]
    assert (lost.state, job.attempts) == (RunState.WAITING, 1)
    assert (done.state, done.registered, done.reason) == (RunState.DONE, True, None)
    assert [json.loads(line)["step"] for line in steps] == list(range(1, len(steps) + 1))
    assert (model.state, model.card["version"]) == (ModelState.CANDIDATE, "spring")
    assert entries == [("anna", "model.register"), ("anna", "training.start")]
    assert len(journal.curves(folder).fair) == 3
    assert done.told["epoch"] == 2
    assert all(row["roc"][0] == [0, 0] and row["roc"][-1] == [1, 1] for row in model.card["metrics"]["per_finding"])
    assert model.card["metrics"]["boxes"][0]["finding"] == "Effusion"


def test_a_training_that_fails_says_why_and_changes_nothing(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]], tmp_path: Path
):
    """The model that reads goes on reading; a person reads the sentence that `cxr train` gave."""
    write_model(tmp_path / "data" / "models" / "good", version="good", skill=1)
    with database.write() as connection:
        models.register(connection, name="tiny", version="good", path="models/good", card={}, now=NOW)
        models.promote(connection, "good", by="anna", now=NOW)
        before = models.every(connection)
    started(database, version="spring")

    worker(SAYS_WHY)[0].run_one([JobKind.TRAIN])

    failed = run_of(database, "spring")
    assert (failed.state, failed.reason) == (RunState.FAILED, "The disk is full")
    with database.read() as connection:
        assert models.every(connection) == before


def test_a_training_that_is_killed_again_and_again_fails(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]]
):
    """Three times it is tried; then a person reads what happened."""
    started(database, version="spring")
    work, _ = worker(KILLS_ITSELF)

    for _ in range(3):
        with database.write() as connection:
            awakening.wake_one(connection, 1, utc_now())
        work.run_one([JobKind.TRAIN])

    failed = run_of(database, "spring")
    assert failed.state is RunState.FAILED
    assert failed.reason == "The process of the training was ended by signal 9, perhaps for want of memory."


def test_a_training_that_somebody_stops_ends_and_can_go_on(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]], tmp_path: Path
):
    """The second who stops it changes nothing; it is in the log once."""
    run = started(database, version="spring")
    thread, _ = begun(worker, runs.folder_of(tmp_path / "data", run))

    stopped = [runs.stop(database, "spring", by=name, now=utc_now()) for name in ("anna", "berta")]
    thread.join(30)

    assert stopped == [True, False]
    assert run_of(database, "spring").state is RunState.STOPPED
    assert runs.go_on(database, "spring", by="berta", now=utc_now())
    assert not runs.go_on(database, "spring", by="anna", now=utc_now())
    assert run_of(database, "spring").state is RunState.WAITING
    with database.read() as connection:
        actions = [(each.actor, each.action) for each in audit.newest(connection, 3)]
    assert actions == [("berta", "training.go_on"), ("anna", "training.stop"), ("anna", "training.start")]


def test_a_training_goes_on_after_the_node(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]], tmp_path: Path
):
    """A node that stops ends it, and the attempt does not count."""
    run = started(database, version="spring")
    thread, trainer = begun(worker, runs.folder_of(tmp_path / "data", run))

    trainer.stop()
    thread.join(30)

    with database.read() as connection:
        (job,) = jobs.newest(connection, 1)
    assert (job.state, job.error_code, job.attempts - job.postponed) == ("queued", "node_stopped", 0)


def test_a_training_of_which_another_worker_has_the_job_ends_here(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]], tmp_path: Path
):
    """Two never write into one folder."""
    run = started(database, version="spring")
    thread, _ = begun(worker, runs.folder_of(tmp_path / "data", run))

    with database.write() as connection:
        jobs.expire(connection, utc_now() + timedelta(days=1))
    thread.join(30)

    assert run_of(database, "spring").state is RunState.WAITING


def test_without_the_extra_it_waits_and_says_what_to_install(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]]
):
    """A host that only reads needs no torch."""
    started(database, version="spring")

    worker(WAITS, missing=lambda: "torch")[0].run_one([JobKind.TRAIN])

    waiting = run_of(database, "spring")
    assert waiting.state is RunState.WAITING
    assert "pip install 'cxr-node[training]'" in str(waiting.reason)


def test_it_waits_for_a_folder_that_another_host_seems_to_have(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]]
):
    """The volume may keep the lock of a host that is gone for a while; the training goes on after it."""
    started(database, version="spring")

    worker(OCCUPIED)[0].run_one([JobKind.TRAIN])

    waiting = run_of(database, "spring")
    assert (waiting.state, waiting.reason) == (RunState.WAITING, "Another training is at work in its folder.")


def test_a_snapshot_that_cannot_be_made_is_why_it_failed(
    database: Database, worker: Callable[..., tuple[Worker, Trainer]]
):
    """Nothing has accumulated yet."""

    def make(findings: tuple[str, ...]) -> str:
        raise SnapshotError(f"no image has a label for {' or '.join(findings)}")

    started(database, version="spring", snapshot=None, findings=("Mass",))

    worker(WAITS, make_snapshot=make)[0].run_one([JobKind.TRAIN])

    assert run_of(database, "spring").reason == "No image has a label for Mass"


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"method": "magic"}, "there are regions, upper, whole"),
        ({"version": "../models/good"}, "letters, digits"),
        ({"snapshot": "cd" * 32}, "no such snapshot"),
        ({"snapshot": "ab"}, "no such snapshot"),
        ({"snapshot": None}, "name a snapshot"),
        ({"snapshot": None, "findings": ("Gout",)}, "is no finding"),
    ],
)
def test_what_cannot_be_trained_is_refused(database: Database, wish: dict[str, Any], sentence: str):
    """Before anything is queued."""
    with pytest.raises(SettingsError, match=sentence):
        started(database, **wish)

    with database.read() as connection:
        assert training_runs.newest(connection, 1) == []


def test_versions_are_made_of_the_day_and_never_twice(database: Database):
    """Two people who start the same method on one day get two trainings; a name that is taken is refused."""
    first, second = (started(database).version for _ in range(2))

    assert second == f"{first}-2"
    with pytest.raises(TakenError):
        started(database, version=first)
