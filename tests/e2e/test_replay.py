"""What the node said of a study is built again to the byte; what is not the same is said to be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from typer.testing import CliRunner, Result

from db import results, studies
from db.engine import Database, connect
from node.__main__ import app
from node.parts import Node
from node.settings import DATABASE_FILE
from tests.e2e.test_retraction import retract, unfinished
from tests.nodes import StartNode, chest, push
from tests.peers.processes import wait_until

Replay = Callable[..., Result]


@pytest.fixture
def replay(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Run the command on the node's data, with the model of its settings."""
    monkeypatch.setenv("CXR_READING__MODEL", str(tiny_model))
    monkeypatch.setenv("CXR_READING__THREADS", "1")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["replay", "--data", str(tmp_path / "data"), *map(str, arguments)])

    return run


def shown(outcome: Result) -> tuple[int, list[tuple[str, bool]]]:
    """The revision, and of each object its kind and whether it is the same."""
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found["revision"], [(each["kind"], each["same"]) for each in found["objects"]]


def read(node: Node, *datasets: pydicom.FileDataset) -> None:
    """Push, and wait until all is done."""
    push(node, *datasets)
    wait_until(lambda: settled(node), timeout_s=20, what="jobs have not ended")


def settled(node: Node) -> bool:
    """Whether there is nothing left to do."""
    with node.database.read() as connection:
        arriving = studies.unsettled_count(connection)
    return arriving == 0 and unfinished(node) == 0


def stored(folder: Path) -> Database:
    """The node's database."""
    return connect(f"sqlite:///{folder / DATABASE_FILE}")


def test_results_are_built_again_to_the_byte(start_node: StartNode, replay: Replay, tmp_path: Path):
    """The files of a replay are the stored files, and nothing else has changed."""
    node = start_node()
    ds = chest()
    read(node, ds)
    node.stop()

    outcome = replay(ds.StudyInstanceUID, "--out", tmp_path / "out")

    assert outcome.exit_code == 0, outcome.output
    assert "all 3 objects are built again byte for byte" in outcome.output
    database = stored(node.settings.data)
    with database.read() as connection:
        built = results.every(connection)
    database.close()
    for each in built:
        again = tmp_path / "out" / f"{each.kind}-{each.sop_instance_uid}.dcm"
        assert again.read_bytes() == (node.settings.data / "store" / each.path).read_bytes()
    assert len(built) == len(list((tmp_path / "out").iterdir())) == 3


def test_each_revision_is_built_of_what_was_there_then(start_node: StartNode, replay: Replay):
    """A late image is not in the first report; the second names the first, also after both were taken back."""
    node = start_node()
    ds = chest()
    read(node, ds)
    read(node, chest(StudyInstanceUID=ds.StudyInstanceUID))
    retract(node.settings.data, "--study", ds.StudyInstanceUID, "--reason", "quality", "--yes")

    first = replay(ds.StudyInstanceUID, "--revision", 1, "--json")
    last = replay(ds.StudyInstanceUID, "--model", "tiny-1", "--json")

    assert shown(first) == (1, [("sr", True), ("seg", True), ("overlay", True)])
    revision, objects = shown(last)
    assert (revision, len(objects), {same for _, same in objects}) == (2, 5, {True})


def test_note_that_a_study_was_not_read_is_built_again(start_node: StartNode, replay: Replay):
    """It is the same note, and so is the report that took its place."""
    node = start_node(**{"reading.report_unread": True})
    ds = chest(ViewPosition="LL", PatientOrientation=["P", "F"])
    read(node, ds)
    read(node, chest(StudyInstanceUID=ds.StudyInstanceUID))

    assert shown(replay(ds.StudyInstanceUID, "--revision", 1, "--json")) == (1, [("not_processed", True)])
    assert {same for _, same in shown(replay(ds.StudyInstanceUID, "--json"))[1]} == {True}


def test_changed_image_is_found(start_node: StartNode, replay: Replay):
    """Where the stored image is not what was read, the results are not, and the exit code says so."""
    node = start_node()
    ds = chest()
    read(node, ds)
    with node.database.read() as connection:
        (instance,) = studies.instances(connection)
    ds.PixelData = bytes(len(ds.PixelData) // 2) + ds.PixelData[len(ds.PixelData) // 2 :]
    ds.save_as(node.store.path(instance.path))

    outcome = replay(ds.StudyInstanceUID)

    assert outcome.exit_code == 1
    assert "objects are not what was stored" in outcome.output


def test_damaged_result_is_found(start_node: StartNode, replay: Replay):
    """A stored result that was changed is told from one that is built otherwise."""
    node = start_node()
    ds = chest()
    read(node, ds)
    with node.database.read() as connection:
        report = results.every(connection)[0]
    node.store.path(report.path).write_bytes(b"other")

    outcome = json.loads(replay(ds.StudyInstanceUID, "--json").stdout)

    assert [(each["same"], each["stored_intact"]) for each in outcome["objects"]] == [
        (True, False),
        (True, True),
        (True, True),
    ]


def test_nothing_to_replay_is_one_plain_sentence(
    start_node: StartNode, replay: Replay, monkeypatch: pytest.MonkeyPatch
):
    """An unknown study, revision or model says what to do."""
    node = start_node()
    ds = chest()
    read(node, ds)

    assert "no study has this UID" in str(replay("2.25.404").exception)
    assert "no result of this study" in str(replay(ds.StudyInstanceUID, "--revision", 2).exception)
    assert "no result of this study" in str(replay(ds.StudyInstanceUID, "--model", "other").exception)
    monkeypatch.delenv("CXR_READING__MODEL")
    assert "tiny-1 is not registered here" in str(replay(ds.StudyInstanceUID).exception)
