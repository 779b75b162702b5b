"""What becomes of a delivery by what its destination says, and by what the store still has."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian

from db import deliveries, jobs
from db.engine import Database
from db.records import DeliveryState, Job, JobKind, JobState
from node.delivery import Delivery, Recipient, Senders
from node.dicom.commitment import Request
from node.dicom.outgoing import NO_CONTEXT, Answer, Outgoing
from node.errors import UnreachableError
from node.files import Folder
from node.worker import Worker
from tests.db.rows import NOW, add_job, add_result, add_study

ANSWERED = (DeliveryState.SENT, None)


WAIT_S = 60.0


def dicom_file(sop_instance_uid: str) -> bytes:
    """A report without content, as a file."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = Comprehensive3DSRStorage, sop_instance_uid
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


class FakePacs:
    """A destination that answers from a list; None in it breaks the line.

    Attributes:
        commits: the status of its response to a commitment request; None breaks the line, an error is raised.
        asked: the requests that it got.
    """

    def __init__(self, *statuses: int | None, commits: int | None = 0) -> None:
        self.statuses = statuses
        self.commits = commits
        self.sent: list[list[str]] = []
        self.asked: list[Request] = []
        self.before_response: Callable[[Request], None] = lambda _request: None

    @contextmanager
    def open_line(self, _objects: Sequence[Outgoing]) -> Iterator["FakePacs"]:
        """The line is itself."""
        yield self

    def send(self, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send."""
        self.sent.append([outgoing.path.name for outgoing in objects])
        for outgoing, status in zip(objects, self.statuses, strict=False):
            if status is None:
                raise UnreachableError("pacs closed the association")
            yield Answer(status=status, sent=outgoing)

    def ask(self, request: Request) -> int:
        """Ask."""
        self.asked.append(request)
        self.before_response(request)
        if self.commits is None:
            raise UnreachableError("pacs closed the association")
        return self.commits


class House:
    """A study with three results on their way to a destination, and the worker that delivers them."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self.store = Folder(folder / "store")
        self.time = NOW
        self.paths: list[Path] = []
        self.data: list[bytes] = []
        with self.database.write() as connection:
            study_id = add_study(connection)
            reading = add_job(connection, study_id)
            jobs.end(connection, self._claimed(JobKind.READ, connection), state=JobState.DONE, now=NOW)
            self.results = [add_result(connection, study_id, reading, n, **self._stored(n)) for n in (1, 2, 3)]
            deliveries.add(connection, self.results, "pacs")
            self.job_id = add_job(connection, study_id, kind=JobKind.DELIVER, destination="pacs")

    def deliver(
        self, pacs: FakePacs, destinations: Mapping[str, Recipient | Senders] | None = None, *, commitment: bool = False
    ) -> Job:
        """Run the job once; what became of it."""
        recipient = Recipient(open_line=pacs.open_line, commitment=commitment, wait_s=WAIT_S)
        delivery = Delivery(
            store=self.store,
            database=self.database,
            destinations={"pacs": recipient} if destinations is None else destinations,
            now=lambda: self.time,
        )
        worker = Worker(
            database=self.database,
            handlers={JobKind.DELIVER: delivery},
            announce=lambda _id: None,
            on_dead=lambda _connection, _job: None,
            lease_s=60,
            now=lambda: self.time,
        )
        assert worker.run_one([JobKind.DELIVER])
        with self.database.read() as connection:
            return jobs.get(connection, self.job_id)

    def states(self) -> list[tuple[DeliveryState, str | None]]:
        """Of the three results."""
        with self.database.read() as connection:
            found = [deliveries.of_result(connection, result_id)[0] for result_id in self.results]
        return [(each.state, each.error) for each in found]

    def _claimed(self, kind: JobKind, connection: object) -> Job:
        job = jobs.claim(connection, kinds=[kind], owner="test", now=NOW, lease_s=60)  # type: ignore[arg-type]
        assert job is not None
        return job

    def _stored(self, number: int) -> dict[str, object]:
        data = dicom_file(f"2.25.500{number}")
        part = self.store.begin()
        part.write(data)
        name = part.commit()
        part.discard()
        self.paths.append(self.store.path(name))
        self.data.append(data)
        return {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture
def house(tmp_path: Path, sqlite_database: Database) -> Iterator[House]:
    """Three results that wait to be delivered."""
    made = House(tmp_path, sqlite_database)
    yield made
    made.store.close()


SENT = ANSWERED
WAITING = (DeliveryState.WAITING, None)


def test_accepted_objects_are_sent_once(house: House):
    """What the destination has is sent, warnings included, and the job is done."""
    pacs = FakePacs(0, 0xB000, 0)

    job = house.deliver(pacs)

    warned = (DeliveryState.SENT, "the destination answered 0xb000 (it changed elements)")
    assert (job.state, house.states()) == (JobState.DONE, [SENT, warned, SENT])
    assert pacs.sent == [[path.name for path in house.paths]]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0xA900, "the destination answered 0xa900 (the data set does not match its SOP Class)"),
        (0xC000, "the destination answered 0xc000 (it cannot understand the object)"),
        (NO_CONTEXT, "the destination does not accept this SOP Class"),
    ],
)
def test_refused_object_waits_for_a_person(status: int, words: str, house: House):
    """A refusal ends the job with its reason; the other objects are sent, and a retry sends the refused one alone."""
    job = house.deliver(FakePacs(0, status, 0))

    assert (job.state, job.error_code) == (JobState.FAILED, "refused")
    assert job.error == f"pacs refused 1 of 3 objects: {words}."
    assert house.states() == [SENT, (DeliveryState.REFUSED, words), SENT]

    again = FakePacs(0)
    with house.database.write() as connection:
        jobs.retry(connection, job.id, house.time)
    assert house.deliver(again).state is JobState.DONE
    assert again.sent == [[house.paths[1].name]]


def test_destination_out_of_resources_gets_a_pause(house: House):
    """0xA700 is tried again, not at once though another object was taken, and costs no attempt."""
    job = house.deliver(FakePacs(0, 0xA700, 0))

    assert (job.state, job.error_code, job.error) == (
        JobState.QUEUED,
        "out_of_resources",
        "pacs is out of resources.",
    )
    assert (job.not_before, job.attempts - job.postponed) == (NOW + timedelta(seconds=2), 0)
    assert house.states() == [SENT, WAITING, SENT]


def test_association_that_breaks_keeps_what_was_answered(house: House):
    """What the destination had before it broke off is not sent again."""
    job = house.deliver(FakePacs(0, 0, None))

    assert (job.state, job.error_code, job.error) == (JobState.QUEUED, "unreachable", "pacs closed the association.")
    assert house.states() == [SENT, SENT, WAITING]


def test_destination_that_is_down_is_asked_less_and_less_often(house: House):
    """The pause doubles from 2 s to 120 s, and no number of them ends the delivery."""
    pauses = []
    for _ in range(9):
        job = house.deliver(FakePacs(None))
        assert job.not_before is not None
        pauses.append((job.not_before - house.time).total_seconds())
        house.time = job.not_before

    assert pauses == [2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert house.deliver(FakePacs(0, 0, 0)).state is JobState.DONE


def test_success_wakes_what_waits_for_the_same_destination(house: House):
    """When a destination is back, its other deliveries need not wait for the end of their pause."""
    with house.database.write() as connection:
        other = add_job(connection, add_study(connection, "2.25.2"), kind=JobKind.DELIVER, destination="pacs")
        assert jobs.claim(connection, kinds=[JobKind.DELIVER], owner="x", now=NOW, lease_s=60) is not None
        held = jobs.claim(connection, kinds=[JobKind.DELIVER], owner="x", now=NOW, lease_s=60)
        assert held is not None
        jobs.postpone(connection, held, now=NOW, delay_s=120, error_code="unreachable", error="")
        jobs.expire(connection, NOW + timedelta(seconds=61))
    house.time = NOW + timedelta(seconds=61)

    house.deliver(FakePacs(0, 0, 0))

    with house.database.read() as connection:
        assert jobs.get(connection, other).not_before == house.time


def test_destination_that_left_the_settings(house: House):
    """A delivery to nowhere says so and waits for a person."""
    job = house.deliver(FakePacs(), destinations={})

    assert (job.state, job.error_code) == (JobState.FAILED, "no_destination")
    assert job.error == "The settings have no destination 'pacs' any more."


@pytest.mark.parametrize(
    "damage",
    [lambda path: path.unlink(), lambda path: path.write_bytes(b"object X"), lambda path: path.write_bytes(b"")],
    ids=["gone", "changed", "emptied"],
)
def test_damaged_object_is_not_sent_and_the_others_are(damage: Callable[[Path], None], house: House):
    """What is not what was built never reaches a PACS; when it is restored, a retry sends it."""
    damage(house.paths[0])
    pacs = FakePacs(0, 0)

    job = house.deliver(pacs)

    assert pacs.sent == [[path.name for path in house.paths[1:]]]
    assert (job.state, job.error_code) == (JobState.FAILED, "damaged")
    assert house.states() == [(DeliveryState.WAITING, "the stored object is gone or was changed"), SENT, SENT]

    house.paths[0].write_bytes(house.data[0])
    with house.database.write() as connection:
        jobs.retry(connection, job.id, house.time)
    assert house.deliver(FakePacs(0)).state is JobState.DONE
    assert house.states() == [SENT] * 3


def test_nothing_is_called_when_nothing_can_be_sent(house: House):
    """With every object gone no association is opened."""
    for path in house.paths:
        path.unlink()
    pacs = FakePacs()

    assert house.deliver(pacs).error_code == "damaged"
    assert pacs.sent == []
