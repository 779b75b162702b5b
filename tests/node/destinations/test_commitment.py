"""What modalities are told of what is safe here."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from db import commitments, jobs, studies
from db.engine import Database
from db.records import Job, JobKind, JobState
from db.result_records import SopReference
from node.destinations.commitment import PATIENCE, Answering, Desk
from node.dicom.commitment import Report, Request
from node.dicom.opening import Address
from node.errors import UnreachableError
from node.files import Folder
from tests.db.rows import NOW, arrival
from tests.working import worker_of

CR = "1.2.840.10008.5.1.4.1.1.1"
MODALITY = Address(name="DXROOM1", ae_title="DXROOM1", host="127.0.0.1", port=104)


def reference(uid: str, sop_class_uid: str = CR) -> SopReference:
    """An image."""
    return SopReference(sop_class_uid=sop_class_uid, sop_instance_uid=uid)


class Room:
    """A store with two images, one of whose files is gone, and a modality that asks."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self.store = Folder(folder / "store")
        self.time = NOW
        self.told: list[Report] = []
        self.away = False
        with database.write() as connection:
            for number in (1, 2):
                part = self.store.begin()
                part.write(bytes(1200))
                path = part.commit()
                part.discard()
                studies.record_arrival(connection, arrival(number, path=path), settle_at=NOW)
                if number == 2:
                    self.store.remove(path)

    def desk(self, *reachable: str) -> Desk:
        """The desk of a node that can call these."""
        return Desk(
            database=self.database,
            store=self.store,
            reachable=reachable,
            announce=lambda _id: None,
            now=lambda: self.time,
        )

    def send(self, address: Address, report: Report) -> None:
        """The modality's side of a report."""
        assert address is MODALITY
        if self.away:
            raise UnreachableError("DXROOM1 does not answer")
        self.told.append(report)

    def answer(self) -> Job:
        """Run the job once."""
        answering = Answering(
            database=self.database,
            desk=self.desk("DXROOM1"),
            modalities={"DXROOM1": MODALITY},
            send=self.send,
            now=lambda: self.time,
        )
        assert worker_of(self.database, JobKind.COMMIT, answering, lambda: self.time).run_one([JobKind.COMMIT])
        with self.database.read() as connection:
            return jobs.newest(connection, 1)[0]


@pytest.fixture
def room(tmp_path: Path, sqlite_database: Database) -> Iterator[Room]:
    """A modality's room."""
    made = Room(tmp_path, sqlite_database)
    yield made
    made.store.close()


REQUEST = Request(
    transaction_uid="2.25.7",
    references=(reference("2.25.1001"), reference("2.25.1002"), reference("2.25.1001", "1.2.3"), reference("2.25.4")),
)
EXPECTED = Report(
    transaction_uid="2.25.7",
    committed=(reference("2.25.1001"),),
    failed=(
        (reference("2.25.1002"), 0x0112),
        (reference("2.25.1001", "1.2.3"), 0x0119),
        (reference("2.25.4"), 0x0112),
    ),
)


def test_only_what_is_whole_on_disk_is_committed_to(room: Room):
    """A lost file, another SOP Class and an unknown UID are failures, each with its reason."""
    assert room.desk().asked("DXROOM1", REQUEST) == EXPECTED


def test_modality_that_listens_is_told_later(room: Room):
    """The request is kept with a job; the answer is of the moment when it is given."""
    assert room.desk("DXROOM1").asked("DXROOM1", REQUEST) is None

    job = room.answer()

    assert (job.state, room.told) == (JobState.DONE, [EXPECTED])
    with room.database.read() as connection:
        assert commitments.get(connection, job.subject_id).answered_at == NOW


def test_modality_that_is_away_is_told_when_it_is_back(room: Room):
    """A report waits for its modality, and is given up after two days."""
    room.desk("DXROOM1").asked("DXROOM1", REQUEST)
    room.away = True

    job = room.answer()
    assert (job.state, job.error_code, job.not_before) == (JobState.QUEUED, "unreachable", NOW + timedelta(seconds=2))

    room.time += PATIENCE + timedelta(seconds=1)
    assert room.answer().state is JobState.FAILED


def test_request_that_is_repeated_is_answered_again(room: Room):
    """A modality that missed the answer asks once more, and gets it."""
    for _ in range(2):
        room.desk("DXROOM1").asked("DXROOM1", REQUEST)
        assert room.answer().state is JobState.DONE

    assert room.told == [EXPECTED] * 2
