"""`cxr backup` and `cxr restore`: what was there is there again, whatever happened meanwhile."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db import studies
from db.engine import connect
from db.errors import DatabaseDamagedError
from node import wiring
from node.database import RESTORING
from node.errors import SettingsError
from node.files import Folder
from node.parts import Node
from node.process.clock import utc_now
from node.settings import load
from node.upkeep import manifest, transfer
from node.upkeep.backup import Backup
from node.upkeep.manifest import BackupError
from node.upkeep.restore import Restore
from node.upkeep.verification import Verification
from tests.conftest import ROOT
from tests.nodes import StartNode, chest, push
from tests.peers.databases import Postgres
from tests.peers.processes import wait_until


@pytest.fixture
def node(start_node: StartNode) -> Node:
    """A node on SQLite that has received two images."""
    made = start_node(**{"reading.workers": 0})
    push(made, chest(), chest())
    return made


def backup(node: Node, target: Path) -> manifest.Manifest:
    """Back a running node up."""
    return Backup(database=node.database, store=node.store, data=node.settings.data, target=target, now=utc_now).make()


def restored(source: Path, data: Path, url: str | None = None) -> dict[str, bytes]:
    """Restore, and what is then there: the data set of each instance, by its UID; all of it verified."""
    url = url or f"sqlite:///{data / 'cxr.db'}"
    _, spoilt = Restore(source=source, data=data, url=url).run()
    assert spoilt == []
    database, store = connect(url), Folder(data / "store")
    verified = Verification(database=database, store=store, now=utc_now).run()
    with database.read() as connection:
        found = {each.sop_instance_uid: store.path(each.path).read_bytes() for each in studies.instances(connection)}
    store.close()
    database.close()
    assert not verified.damage
    return found


def held(node: Node) -> dict[str, bytes]:
    """The same of a node."""
    with node.database.read() as connection:
        rows = studies.instances(connection)
    return {each.sop_instance_uid: node.store.path(each.path).read_bytes() for each in rows}


def test_copy_of_a_damaged_database_is_no_backup(migrated_file: Path, tmp_path: Path):
    """One page of an index is gone, which nothing has read yet: the backup before stays, and a person is told."""
    data, target = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    file = Path(shutil.copy(migrated_file, data / "cxr.db"))
    database, store = connect(f"sqlite:///{file}"), Folder(data / "store")
    work = Backup(database=database, store=store, data=data, target=target, now=utc_now)
    whole = work.make()
    database.close()
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_job_undone'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * size)

    with pytest.raises(DatabaseDamagedError, match="cxr restore"):
        work.make()

    store.close()
    database.close()
    assert manifest.read(target) == whole


def test_restored_node_is_the_same(node: Node, tmp_path: Path):
    """Studies, files to the byte, the models where they now lie, and the secret of the pseudonyms."""
    (node.settings.data / "pseudonyms.key").write_text("ab" * 32)

    made = backup(node, tmp_path / "backup")
    data = tmp_path / "other"
    found = restored(tmp_path / "backup", data)

    assert (made.files, made.lost) == (2, ())
    assert found == held(node)
    assert (data / "pseudonyms.key").read_text() == "ab" * 32
    assert (data / "pseudonyms.key").stat().st_mode & 0o77 == 0
    with connect(f"sqlite:///{data / 'cxr.db'}").read() as connection:
        (path,) = connection.exec_driver_sql("SELECT path FROM model").scalars()
    assert not Path(path).is_absolute()
    assert (data / path / "card.json").exists()


def test_restored_node_serves(node: Node, tmp_path: Path, settings_options):
    """It starts, and takes the next image."""
    backup(node, tmp_path / "backup")
    restored(tmp_path / "backup", tmp_path / "other")
    other = wiring.build(load(None, **settings_options(data=tmp_path / "other")))
    other.start()

    statuses = push(other, chest())

    other.stop()
    assert statuses == [0x0000]


@pytest.fixture
def sender(node: Node) -> Iterator[None]:
    """Images that go on arriving while the test runs."""
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            push(node, chest())

    thread = threading.Thread(target=send)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("sender")
def test_backup_of_a_node_that_receives_is_consistent(node: Node, tmp_path: Path):
    """Each row of the copy has its file in the backup, though more arrive all the time; the next one has the rest."""
    first = backup(node, tmp_path / "backup")
    wait_until(lambda: len(held(node)) > first.files + 3, timeout_s=20, what="nothing arrives")
    second = backup(node, tmp_path / "backup")

    found = restored(tmp_path / "backup", tmp_path / "other")

    assert len(found) == second.files > first.files >= 2
    assert found.items() <= held(node).items()


def test_second_backup_copies_what_is_new(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that is in the backup is not copied again, and the database before is not kept."""
    backup(node, tmp_path / "backup")
    push(node, chest())
    copied: list[Path] = []
    true = transfer.copy_durably
    monkeypatch.setattr(transfer, "copy_durably", lambda one, other: (copied.append(one), true(one, other)))

    backup(node, tmp_path / "backup")

    assert len(copied) == 1
    assert len(list((tmp_path / "backup").glob("database-*"))) == 1


def test_cut_off_backup_is_none(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without its manifest a folder cannot be restored; the same command finishes it."""

    def cut_off(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "bring", cut_off)
    with pytest.raises(KeyboardInterrupt):
        backup(node, tmp_path / "backup")
    monkeypatch.undo()
    with pytest.raises(BackupError, match="no finished backup"):
        restored(tmp_path / "backup", tmp_path / "other")

    backup(node, tmp_path / "backup")

    assert restored(tmp_path / "backup", tmp_path / "other") == held(node)


def test_damaged_file_costs_itself(node: Node, tmp_path: Path):
    """What is not what was received does not get into the backup; the rest does, and the person is told."""
    with node.database.read() as connection:
        spoilt, whole = studies.instances(connection)
    node.store.path(spoilt.path).write_bytes(b"spoilt")

    made = backup(node, tmp_path / "backup")

    assert (made.files, made.lost) == (1, (spoilt.path,))
    assert not (tmp_path / "backup" / "store" / spoilt.path).exists()
    assert (tmp_path / "backup" / "store" / whole.path).exists()


@pytest.mark.parametrize("name", ["database-*", "files-*", "data/models/**/card.json"])
def test_changed_backup_is_not_restored(name: str, node: Node, tmp_path: Path):
    """One byte more in the database copy, the listing or a model: nothing is begun."""
    backup(node, tmp_path / "backup")
    path = next((tmp_path / "backup").glob(name))
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(BackupError, match="was changed"):
        restored(tmp_path / "backup", tmp_path / "other")

    assert not (tmp_path / "other").exists()


def test_checking_finds_a_byte_in_an_image(node: Node, tmp_path: Path):
    """`cxr restore --check` reads every stored file of the backup."""
    backup(node, tmp_path / "backup")
    path = next((tmp_path / "backup" / "store").rglob("*.dcm"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    _, spoilt = Restore(source=tmp_path / "backup", data=tmp_path / "other", url="sqlite:///x").check()

    assert spoilt == [str(path.relative_to(tmp_path / "backup" / "store"))]


def test_nothing_is_restored_over_a_node(node: Node, tmp_path: Path):
    """A data folder in which a node has worked is left alone."""
    backup(node, tmp_path / "backup")

    with pytest.raises(BackupError, match="not empty"):
        restored(tmp_path / "backup", node.settings.data)


def test_backup_into_its_own_data_folder_is_refused(node: Node):
    """It would be lost with what it is to save."""
    with pytest.raises(BackupError, match="another disk"):
        backup(node, node.settings.data / "backup")


def test_no_node_starts_in_a_half_restored_folder(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Until the restore is finished every command says so; begun again, it goes on."""
    backup(node, tmp_path / "backup")
    calls: list[object] = []
    true = transfer.bring

    def cut_off(*arguments: object) -> bool:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return true(*arguments)  # type: ignore[arg-type]

    data = tmp_path / "other"
    monkeypatch.setattr(transfer, "bring", cut_off)
    with pytest.raises(KeyboardInterrupt):
        restored(tmp_path / "backup", data)
    monkeypatch.undo()
    with pytest.raises(SettingsError, match="run cxr restore again"):
        wiring.build(load(None, data=data))

    assert restored(tmp_path / "backup", data) == held(node)


def test_killed_at_any_moment_it_is_begun_again(node: Node, tmp_path: Path):
    """kill -9 of the commands themselves, ever later, until one comes through: backup and restore are then whole."""
    push(node, *(chest() for _ in range(10)))
    target, data = tmp_path / "backup", tmp_path / "other"

    _until_done("backup", target, node.settings.data, watched=target)
    _until_done("restore", target, data, watched=data)

    database = connect(f"sqlite:///{data / 'cxr.db'}")
    with database.read() as connection:
        assert len(studies.instances(connection)) == 12
    database.close()
    assert not list(data.glob("*.part"))
    found = json.loads((target / "manifest.json").read_text())
    assert (found["files"], found["lost"]) == (12, [])


def _until_done(verb: str, folder: Path, data: Path, *, watched: Path) -> None:
    """Kill the command when the next file appears in a folder, until there is none any more to wait for."""
    command = [sys.executable, "-m", "node", verb, str(folder), "--data", str(data)]
    for number in (1, 6, 1000):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and sum(path.is_file() for path in watched.rglob("*")) < number:
            threading.Event().wait(0.002)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        if process.wait() == 0:
            return
    raise AssertionError(f"cxr {verb} ended with {process.returncode}")


@pytest.mark.peer
def test_postgresql_goes_into_a_backup_and_back(
    start_node: StartNode, postgres_server: Postgres, migrated_template: str, tmp_path: Path
):
    """By pg_dump and pg_restore into another, empty database; one that is not empty is left alone."""
    url = postgres_server.create_database(template=migrated_template)
    empty = postgres_server.create_database()
    node = start_node(**{"reading.workers": 0, "database.url": url})
    push(node, chest(), chest())

    made = backup(node, tmp_path / "backup")
    with pytest.raises(BackupError, match="the database is not empty"):
        restored(tmp_path / "backup", tmp_path / "third", url)
    with pytest.raises(BackupError, match="of that kind"):
        restored(tmp_path / "backup", tmp_path / "third")
    found = restored(tmp_path / "backup", tmp_path / "other", empty)
    (tmp_path / "other" / RESTORING).write_text(f"{made.database.sha256}\n")  # killed before it could take the mark off
    again = restored(tmp_path / "backup", tmp_path / "other", empty)

    assert found == again == held(node)
    assert len(found) == 2
