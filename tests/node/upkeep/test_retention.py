"""Retention removes what a person's settings say, and never what is still needed."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset

from db import audit, deliveries, hold, results, studies
from db.engine import Connection, Database, connect
from db.records import Absence, Holding, JobKind, JobState, StoredInstance, StudyState
from db.result_records import DeliveryState
from db.retention import Rule
from db.schema import gold, job, study, true_box
from db.vocabulary import Reason
from node.files import Folder
from node.parts import Node
from node.pictures.shelf import Shelf
from node.process.clock import utc_now
from node.upkeep.retention import Retention
from tests.db.rows import NOW, add_job, add_result, arrival, later, record
from tests.nodes import StartNode, chest, push, study_of, wait_for_study
from tests.peers.processes import wait_until

DAY = 86400.0
RULE = Rule(states=(StudyState.READ, StudyState.NOT_READ), keep_labelled=True)
Prepare = Callable[[Connection, int, int], None]


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    """An empty store."""
    return Folder(tmp_path / "store")


@pytest.fixture
def database(migrated_url: str) -> Database:
    """An empty database of either kind."""
    return connect(migrated_url)


def read_study(database: Database, store: Folder, number: int = 1, at: datetime = NOW) -> tuple[int, int, str]:
    """A study that was read, with one instance of 1000 bytes and its file: their row ids, and the path."""
    path = store.put(b"x")
    uid = f"2.25.{number}"
    new = arrival(number, study_instance_uid=uid, path=path, received_at=at)
    with database.write() as connection:
        found = record(connection, new, at)
        studies.begin_revision(connection, found)
        studies.end_revision(connection, found.id, 1, StudyState.READ)
        (row,) = studies.instances(connection, found.id)
    return found.id, row.id, path


def retention(database: Database, store: Folder, **options: Any) -> Retention:
    """Retention of everything older than a day, ten days from now."""
    usual: dict[str, Any] = {
        "rule": RULE,
        "ages": {Holding.INSTANCE: timedelta(days=1), Holding.RESULT: None},
        "keep_free_bytes": 0,
        "at_most_bytes": None,
        "now": lambda: later(10 * DAY),
        "forget": Shelf(store.path("pictures"), 10**6).forget,
    }
    return Retention(database=database, store=store, **usual | options)


def run(work: Retention) -> int:
    """How many files a run removes."""
    return work.run(threading.Event()).files


def test_old_file_is_removed_and_its_row_says_so(database: Database, store: Folder):
    """Row and audit log keep what it was and when it went."""
    _, instance_id, path = read_study(database, store)

    removed = run(retention(database, store, actor="ann"))

    with database.read() as connection:
        (row,) = studies.instances(connection)
        (entry,) = audit.newest(connection, 10)
    database.close()
    assert (removed, store.path(path).exists()) == (1, False)
    assert (row.id, row.absence, row.absent_at) == (instance_id, Absence.REMOVED, later(10 * DAY))
    assert (entry.actor, entry.action) == ("ann", "files.removed")
    assert entry.detail == {"sop_instance_uids": [row.sop_instance_uid]}


def test_looking_removes_nothing(database: Database, store: Folder):
    """What is shown is what a run would remove."""
    _, _, path = read_study(database, store)

    found = retention(database, store).look()

    database.close()
    assert (found.files, found.size) == (1, 1000)
    assert store.path(path).exists()


def _open_job(connection: Connection, study_id: int, _: int) -> None:
    add_job(connection, study_id, kind=JobKind.DELIVER, destination="pacs")


def _dead_job(connection: Connection, study_id: int, _: int) -> None:
    job_id = add_job(connection, study_id)
    connection.execute(job.update().where(job.c.id == job_id).values(state=JobState.DEAD))


def _delivery(state: DeliveryState) -> Prepare:
    def prepare(connection: Connection, study_id: int, _: int) -> None:
        job_id = add_job(connection, study_id)
        connection.execute(job.update().where(job.c.id == job_id).values(state=JobState.DONE))
        deliveries.add(connection, [add_result(connection, study_id, job_id)], "pacs", state)

    return prepare


def _late_image(connection: Connection, study_id: int, _: int) -> None:
    connection.execute(study.update().where(study.c.id == study_id).values(settle_at=NOW))


def _failed(connection: Connection, study_id: int, _: int) -> None:
    connection.execute(study.update().where(study.c.id == study_id).values(state=StudyState.FAILED))


def _young(connection: Connection, study_id: int, _: int) -> None:
    connection.execute(study.update().where(study.c.id == study_id).values(last_received_at=later(9.5 * DAY)))


@pytest.mark.parametrize(
    "prepare",
    [
        _open_job,
        _dead_job,
        *(
            pytest.param(_delivery(state), id=str(state))
            for state in DeliveryState
            if state not in (DeliveryState.SENT, DeliveryState.COMMITTED, "withheld", "withdrawn")
        ),
        _late_image,
        _failed,
        _young,
    ],
)
def test_what_is_still_needed_stays(prepare: Prepare, database: Database, store: Folder):
    """However old: an open job, a delivery that has not arrived, a study that a person has to look at."""
    study_id, instance_id, path = read_study(database, store)
    with database.write() as connection:
        prepare(connection, study_id, instance_id)

    removed = run(retention(database, store))

    database.close()
    assert (removed, store.path(path).exists()) == (0, True)


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.COMMITTED, DeliveryState.WITHHELD])
def test_delivered_study_may_go(state: DeliveryState, database: Database, store: Folder):
    """What has arrived where it was to go needs no image any more."""
    study_id, instance_id, _ = read_study(database, store)
    with database.write() as connection:
        _delivery(state)(connection, study_id, instance_id)

    removed = run(retention(database, store))

    database.close()
    assert removed == 1


def _corrected(connection: Connection, study_id: int, _: int) -> None:
    connection.execute(
        gold.insert().values(study_id=study_id, finding="Mass", assertion="positive", actor="a", reason="", at=NOW)
    )


def _box(connection: Connection, _: int, instance_id: int) -> None:
    connection.execute(
        true_box.insert().values(instance_id=instance_id, finding="Mass", x=1, y=1, width=1, height=1, origin="a")
    )


@pytest.mark.parametrize("prepare", [_corrected, _box])
def test_what_a_model_can_learn_from_stays(prepare: Prepare, database: Database, store: Folder):
    """Unless a person has said otherwise."""
    study_id, instance_id, _ = read_study(database, store)
    with database.write() as connection:
        prepare(connection, study_id, instance_id)

    kept = run(retention(database, store))
    removed = run(retention(database, store, rule=Rule(states=RULE.states, keep_labelled=False)))

    database.close()
    assert (kept, removed) == (0, 1)


def test_for_want_of_space_the_oldest_go(database: Database, store: Folder):
    """Of three files of 1000 bytes, two may stay; what is younger than a day stays whatever happens."""
    paths = [read_study(database, store, number, later(number * DAY))[2] for number in (1, 2, 3)]
    ages = {Holding.INSTANCE: None, Holding.RESULT: None}

    run(retention(database, store, ages=ages, at_most_bytes=2000))
    here = [store.path(path).exists() for path in paths]
    none = run(retention(database, store, ages=ages, at_most_bytes=0, now=lambda: later(2 * DAY)))

    database.close()
    assert here == [False, True, True]
    assert none == 0


def test_reports_stay(database: Database, store: Folder):
    """Of results the pictures go; a report is what taking results back begins with."""
    study_id, _, _ = read_study(database, store)
    with database.write() as connection:
        job_id = add_job(connection, study_id)
        connection.execute(job.update().where(job.c.id == job_id).values(state=JobState.DONE))
        add_result(connection, study_id, job_id, 1, path=store.put(b"1"), kind="sr")
        add_result(connection, study_id, job_id, 2, path=store.put(b"2"), kind="overlay")

    run(retention(database, store, ages={Holding.INSTANCE: None, Holding.RESULT: timedelta(days=1)}))

    with database.read() as connection:
        found = {each.kind: each.absence for each in results.every(connection)}
    database.close()
    assert found == {"sr": None, "overlay": Absence.REMOVED}


def test_nothing_is_removed_during_a_backup(database: Database, store: Folder):
    """A backup needs every file that its rows name, on whichever host it is made."""
    read_study(database, store)
    work = retention(database, store)

    with hold.held(database):
        during = run(work)
    after = run(work)

    database.close()
    assert (during, after) == (0, 1)


def test_file_of_a_run_that_was_killed_is_removed_by_the_next(
    database: Database, store: Folder, monkeypatch: pytest.MonkeyPatch
):
    """Between the row and the file: the row says removed, and the file goes with the next run."""
    _, _, path = read_study(database, store)

    def killed(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        run(retention(database, store))
    monkeypatch.undo()
    assert store.path(path).exists()

    run(retention(database, store))

    database.close()
    assert not store.path(path).exists()


def test_late_image_of_a_removed_study_is_read(start_node: StartNode):
    """The new image is read; the removed one says why it is not, and sent again, it is read like a new one."""
    node = start_node()
    first = chest()
    late = chest(StudyInstanceUID=first.StudyInstanceUID)
    push(node, first)
    wait_for_study(node, first, "read")
    work = retention(node.database, node.store, now=lambda: utc_now() + timedelta(days=10))
    assert run(work) == 1

    push(node, late)
    wait_until(lambda: study_of(node, first).revision == 2, timeout_s=20, what="no second revision")
    wait_for_study(node, first, "read")
    removed = row_of(node, first)
    again = push(node, first)
    wait_until(lambda: study_of(node, first).revision == 3, timeout_s=20, what="no third revision")
    wait_for_study(node, first, "read")

    assert row_of(node, late).reason is None
    assert (removed.reason, removed.absence) == (Reason.REMOVED, Absence.REMOVED)
    assert again == [0x0000]
    assert (row_of(node, first).reason, row_of(node, first).absence) == (None, None)


def row_of(node: Node, ds: FileDataset) -> StoredInstance:
    """The row of an instance."""
    with node.database.read() as connection:
        (found,) = studies.with_uids(connection, [ds.SOPInstanceUID])[ds.SOPInstanceUID]
    return found
