"""`cxr verify, backup, restore, retention`: what they print and how they end."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from db.records import Holding
from node.__main__ import app
from node.parts import Node
from node.process.clock import utc_now
from node.upkeep import bookmark
from node.upkeep.bookmark import Bookmark
from tests.conftest import ROOT
from tests.nodes import StartNode, chest, push


def cxr(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def node(start_node: StartNode) -> Node:
    """A running node with one image."""
    made = start_node(**{"reading.workers": 0})
    push(made, chest())
    return made


def image(node: Node) -> Path:
    """The image's file."""
    (path,) = node.store.path("").glob("[0-9]*/*/*/*.dcm")
    return path


def test_verify_ends_with_one_if_anything_is_damaged(node: Node):
    """0 and a sentence on a whole store; 1, the UID and the file on a damaged one; JSON says the same."""
    data, path = node.settings.data, image(node)

    whole = cxr("verify", "--data", data)
    path.write_bytes(b"spoilt")
    damaged = cxr("verify", "--data", data, "--json", "--mb-per-s", 100)

    assert (whole.exit_code, "0 damaged" in whole.output) == (0, True)
    assert damaged.exit_code == 1
    (fault,) = json.loads(damaged.stdout)["faults"]
    assert (fault["fault"], Path(fault["path"]).name) == ("damaged", path.name)


def test_verify_goes_on_where_it_was_interrupted(node: Node):
    """It says so, and `--again` begins anew."""
    place = Bookmark(one_in=1, began_at=utc_now(), kind=Holding.RESULT, after=0, checked=5, size=10, returned=0)
    with node.database.write() as connection:
        bookmark.put(connection, place, utc_now())

    anew = cxr("verify", "--again", "--look-only", "--data", node.settings.data)
    gone_on = cxr("verify", "--data", node.settings.data)

    assert "1 files, " in anew.output
    assert "Going on: 5 files were checked" in gone_on.output
    assert "5 files, " in gone_on.output


def test_accepted_loss_is_said_and_verify_ends_well(node: Node):
    """Who asks twice is told that it was done; a reason is needed."""
    data, path = node.settings.data, image(node)
    path.unlink()
    (fault,) = json.loads(cxr("verify", "--data", data, "--json").stdout)["faults"]
    arguments = ("accept-loss", fault["sop_instance_uid"], "--by", "ann", "--data", data, "--reason")

    unreasoned = cxr(*arguments, " ")
    accepted, again = (cxr(*arguments, "the disk burnt") for _ in range(2))
    verified = cxr("verify", "--data", data)

    assert "say why" in str(unreasoned.exception)
    assert "1 files are accepted as lost" in accepted.output
    assert again.output == "That was accepted before; nothing is changed.\n"
    assert (verified.exit_code, "1 accepted as lost" in verified.output) == (0, True)


def test_backup_and_restore_say_what_they_did(node: Node, tmp_path: Path):
    """Both end with 0, and what was restored is a node's data folder."""
    target, other = tmp_path / "backup", tmp_path / "other"

    made = cxr("backup", target, "--data", node.settings.data)
    checked = cxr("restore", target, "--check", "--data", other)
    restored = cxr("restore", target, "--data", other)
    listed = cxr("instances", "--uids", "--data", other)

    assert [each.exit_code for each in (made, checked, restored, listed)] == [0, 0, 0, 0]
    assert "1 files" in made.output
    assert "whole in" in checked.output
    assert listed.output == cxr("instances", "--uids", "--data", node.settings.data).output


def test_backup_of_a_damaged_store_ends_with_one(node: Node, tmp_path: Path):
    """The rest is backed up, and the person is told what to run."""
    image(node).write_bytes(b"spoilt")

    made = cxr("backup", tmp_path / "backup", "--data", node.settings.data)

    assert made.exit_code == 1
    assert "run cxr verify" in made.output
    assert (tmp_path / "backup" / "manifest.json").exists()


def test_disk_that_is_full_is_named(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A sentence says where there is no room and that the same command goes on."""
    target = tmp_path / "backup"

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("node.upkeep.transfer.bring", full)
    made = cxr("backup", target, "--data", node.settings.data)

    assert str(made.exception) == f"{target} has no room left: make room there; the same command goes on"


def test_retention_shows_and_asks(node: Node, tmp_path: Path):
    """Off, it says so; on, it shows what would go and removes nothing that is not old."""
    config = tmp_path / "node.toml"
    config.write_text("[retention]\nreceived_days = 1\n")

    off = cxr("retention", "--data", node.settings.data)
    shown = cxr("retention", "--run", "--data", node.settings.data, "--config", config)

    assert "retention is off" in str(off.exception)
    assert (shown.exit_code, shown.output) == (0, "0 files, 0 MiB, removed.\n")


def test_serving_a_damaged_database_is_one_sentence(tmp_path: Path):
    """No traceback: what is the matter and which command helps."""
    (tmp_path / "cxr.db").write_bytes(b"not a database, and long enough to be looked at " * 100)
    command = [sys.executable, "-m", "node", "serve", "--data", str(tmp_path), "--dicom-port", "0"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("cxr: the database file is damaged")
    assert "cxr restore" in ended.stderr
    assert ended.stderr.count("\n") == 1
