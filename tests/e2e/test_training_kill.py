"""kill -9 of a node in the middle of a training: it goes on from its checkpoint, and no process is left behind."""

import json
from pathlib import Path

import pytest

from db import migration, snapshots, training_runs
from db.engine import Database, connect
from db.learning_records import RunState
from node.learning import journal, runs
from node.learning.runs import Wish
from node.process.clock import utc_now
from tests.peers import cluster
from tests.peers.cluster import Cluster
from tests.peers.processes import free_port, wait_until

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from tests.training.tiny import write_snapshot

SMALL = (
    *("--backbone", "efficientnet-lite0", "--weights", "none", "--width", "8", "--size", "32", "--epochs", "500"),
    *("--head-epochs", "1", "--patience", "0", "--effective-batch", "8", "--copies", "0", "--decoders", "1"),
    *("--threads", "1", "--checkpoint-steps", "1"),
)


@pytest.mark.timeout(240)
def test_training_goes_on_over_a_kill_of_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The process that trains ends with the node; started again, no step is missing and none is there twice."""
    data = tmp_path / "data"
    monkeypatch.setenv("CXR_DATA", str(data))
    (data / "snapshots").mkdir(parents=True)
    made = write_snapshot(data / "snapshots" / "set", images=50)
    database = connect(f"sqlite:///{data / 'cxr.db'}")
    migration.upgrade(database)
    with database.write() as connection:
        snapshots.register(
            connection,
            sha256=made.sha256,
            folder="set",
            created_at=utc_now(),
            findings=made.findings,
            images={},
            about={},
        )
    wish = Wish(method="whole", version="spring", snapshot=made.sha256, arguments=SMALL)
    folder = runs.folder_of(data, runs.start(database, wish, by="anna", now=utc_now()))

    def steps() -> list[int]:
        lines = (folder / "metrics.jsonl").read_text().splitlines() if (folder / "metrics.jsonl").exists() else []
        return [
            json.loads(line)["step"] for line in lines if line.startswith('{"event": "step"') and line.endswith("}")
        ]

    node = Cluster(tmp_path, _toml())
    try:
        node.start("node")
        wait_until(lambda: len(steps()) > 3, timeout_s=90, what="nothing is learnt")
        node.kill("node")
        wait_until(lambda: not _trainers_of(folder), timeout_s=20, what="a process that trains was left behind")
        at_the_kill = len(steps())
        node.start("node")
        wait_until(lambda: len(steps()) > at_the_kill + 3, timeout_s=90, what="it does not go on")
        assert runs.stop(database, "spring", by="anna", now=utc_now())
        wait_until(lambda: _state(database) is RunState.STOPPED, timeout_s=30, what="it does not stop")
        wait_until(lambda: not _trainers_of(folder), timeout_s=20, what="a process goes on after the stop")
    finally:
        node.stop()
        database.close()

    assert steps() == list(range(1, len(steps()) + 1))
    assert journal.told(folder)["total"] > 0


def _state(database: Database) -> RunState:
    with database.read() as connection:
        found = training_runs.of_version(connection, "spring")
    assert found is not None
    return found.state


def _trainers_of(folder: Path) -> list[Path]:
    """The processes that train into this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"leash" in (words := (process / "cmdline").read_bytes()) and str(folder).encode() in words:
                found.append(process)
        except OSError:  # it ended while we looked
            continue
    return found


def _toml() -> str:
    return cluster.toml(
        dicom={"port": free_port(), "min_free_mb": 0},
        hl7={"port": 0},
        console={"port": 0},
        mining={"workers": 0},
        work={"tick_s": 0.05, "lease_s": 2},
        log={"level": "warning"},
    )
