"""A database that fails while an instance is taken in: what is left on the disk, and that it is never too little."""

import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from db import studies
from db.engine import Database, connect
from db.errors import DatabaseUnavailableError, OutcomeUnknownError
from node.file_meta import Origin
from node.files import Folder
from node.intake import Intake
from node.register import Register
from tests.db.rows import NOW
from tests.nodes import chest
from tests.peers.processes import wait_until

FIRST, SECOND = chest(), chest()
Fail = Callable[..., None]


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An empty database of either kind."""
    opened = connect(migrated_url)
    yield opened
    opened.close()


@pytest.fixture
def intake(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Intake:
    """An intake into it."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
    store = Folder(tmp_path / "store")
    return Intake(
        store=store,
        database=database,
        register=Register(database=database, store=store),
        quiet_s=5,
        max_instance_bytes=10**6,
        now=lambda: NOW,
    )


@pytest.fixture
def fail(database: Database, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Let the driver fail at the next calls of one of its functions; `done` first does what was asked."""
    dialect: Any = database.engine.dialect

    def once(function: str, *, words: str = "", done: bool = False, times: int = 1) -> None:
        true = getattr(dialect, function)
        left = times

        def failing(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0 or (words and words not in arguments[1]):
                return true(*arguments, **options)
            left -= 1
            if done:
                true(*arguments, **options)
            raise dialect.loaded_dbapi.OperationalError("the connection is lost")

        monkeypatch.setattr(dialect, function, failing)

    return once


def receive(intake: Intake, ds: pydicom.FileDataset) -> str:
    """Take in a data set."""
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    pydicom.filewriter.write_dataset(buffer, pydicom.Dataset({element.tag: element for element in deepcopy(ds)}))
    origin = Origin(
        sop_class_uid=str(ds.SOPClassUID),
        sop_instance_uid=str(ds.SOPInstanceUID),
        transfer_syntax_uid=str(ExplicitVRLittleEndian),
        calling_ae="MODALITY",
        calling_address="127.0.0.1",
    )
    return intake.receive([buffer.getvalue()], origin)


def files(tmp_path: Path) -> set[str]:
    """What is in the store."""
    store = tmp_path / "store"
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


def named(database: Database) -> set[str]:
    """The files that rows name."""
    with database.read() as connection:
        return {instance.path for instance in studies.instances(connection)}


@pytest.mark.parametrize("words", ["INSERT INTO study", "INSERT INTO instance"])
def test_failure_before_the_commit_takes_the_file_back(
    words: str, intake: Intake, database: Database, tmp_path: Path, fail: Fail
):
    """However often a modality sends again in an outage, the disk does not fill; in the end it is stored once."""
    fail("do_execute", words=words, times=5)

    for _ in range(5):
        with pytest.raises(DatabaseUnavailableError):
            receive(intake, FIRST)
        assert files(tmp_path) == set()

    receive(intake, FIRST)
    assert len(files(tmp_path)) == 1
    assert files(tmp_path) == named(database)


def test_commit_that_failed_leaves_the_file(intake: Intake, database: Database, tmp_path: Path, fail: Fail):
    """Whether a COMMIT without an answer was carried out is not known, so the file stays; sent again, all is well."""
    fail("do_commit")

    with pytest.raises(OutcomeUnknownError):
        receive(intake, FIRST)

    assert (len(files(tmp_path)), named(database)) == (1, set())
    receive(intake, FIRST)
    assert len(files(tmp_path)) == 2
    assert named(database) <= files(tmp_path)


def test_commit_whose_answer_was_lost_keeps_its_file(intake: Intake, database: Database, tmp_path: Path, fail: Fail):
    """Rows that stand though nobody said so have their file; what is sent again is known to be there."""
    fail("do_commit", done=True)

    with pytest.raises(OutcomeUnknownError):
        receive(intake, FIRST)
    receive(intake, FIRST)

    assert len(named(database)) == 1
    assert files(tmp_path) == named(database)


def together(intake: Intake, *datasets: pydicom.FileDataset) -> list[BaseException | str]:
    """Take in data sets whose rows wait for the same commit; what came of each, in no order."""
    outcomes: list[BaseException | str] = []

    def one(ds: pydicom.FileDataset) -> None:
        try:
            outcomes.append(receive(intake, ds))
        except DatabaseUnavailableError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one, args=(ds,)) for ds in datasets]
    with intake.register._turn:
        for thread in threads:
            thread.start()
        wait_until(lambda: len(intake.register._waiting) == len(datasets), timeout_s=20, what="they do not wait")
    for thread in threads:
        thread.join()
    return outcomes


def test_rows_of_another_whose_answer_was_lost_keep_their_file(
    intake: Intake, database: Database, tmp_path: Path, fail: Fail
):
    """An instance that was committed with another's, unheard, is not taken for a repetition of itself."""
    fail("do_commit", done=True)

    outcomes = together(intake, FIRST, SECOND)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["OutcomeUnknownError", "str"]
    assert len(named(database)) == 2
    assert files(tmp_path) == named(database)


def test_doubt_is_not_forgotten_when_the_database_stays_away(
    intake: Intake, database: Database, tmp_path: Path, fail: Fail
):
    """After a commit with another's that may stand, a failure that is certain takes no file away."""
    fail("do_commit", done=True)
    inserted = [0]
    true = studies.record_arrival

    def gone(*arguments: Any, **options: Any) -> bool:
        inserted[0] += 1
        if inserted[0] > 2:
            raise DatabaseUnavailableError
        return true(*arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(studies, "record_arrival", gone)
        outcomes = together(intake, FIRST, SECOND)

    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknownError, OutcomeUnknownError]
    assert len(named(database)) == 2
    assert files(tmp_path) == named(database)
