"""What becomes of a delivery by what its destination says, and by what the store still has."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian

from db import awakening, deliveries, holdings, jobs, results, retractions
from db.engine import Database
from db.records import Absence, Job, JobKind, JobState
from db.result_records import DeliveryState, ResultKind
from db.retractions import Wanted
from db.vocabulary import RejectionReason
from node.destinations.commitment import RESEND_DELAY_S, Desk
from node.destinations.delivery import Delivery, Recipient
from node.destinations.retraction import Retraction
from node.destinations.routes import Route, dispatch
from node.dicom.commitment import Report, Request
from node.dicom.outgoing import NO_CONTEXT, Answer, Outgoing
from node.errors import UnreachableError
from node.files import Folder
from node.upkeep import integrity, loss
from node.worker import Ending
from tests.db.rows import NOW, add_job, add_result, add_study
from tests.working import worker_of

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
        self.before_answer: Callable[[], object] = lambda: None

    @contextmanager
    def open_line(self, _objects: Sequence[Outgoing]) -> Iterator["FakePacs"]:
        """The line is itself."""
        yield self

    def send(self, objects: Sequence[Outgoing]) -> Iterator[Answer]:
        """Send."""
        if objects:
            self.sent.append([outgoing.path.name for outgoing in objects])
        for outgoing, status in zip(objects, self.statuses, strict=False):
            if status is None:
                raise UnreachableError("pacs closed the association")
            self.before_answer()
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
            study_id = self.study_id = add_study(connection)
            reading = self.reading_id = add_job(connection, study_id)
            jobs.end(connection, self._claimed(JobKind.READ, connection), state=JobState.DONE, now=NOW)
            self.results = [add_result(connection, study_id, reading, n, **self._stored(n)) for n in (1, 2, 3)]
            deliveries.add(connection, self.results, "pacs")
            self.job_id = add_job(connection, study_id, kind=JobKind.DELIVER, destination="pacs")

    def deliver(
        self, pacs: FakePacs, destinations: Mapping[str, Recipient] | None = None, *, commitment: bool = False
    ) -> Job:
        """Run the job once; what became of it."""
        recipient = Recipient(open_line=pacs.open_line, commitment=commitment, wait_s=WAIT_S)
        delivery = Delivery(
            store=self.store,
            database=self.database,
            destinations={"pacs": recipient} if destinations is None else destinations,
            now=lambda: self.time,
        )
        assert worker_of(self.database, JobKind.DELIVER, delivery, lambda: self.time).run_one([JobKind.DELIVER])
        with self.database.read() as connection:
            return jobs.get(connection, self.job_id)

    def joining(self) -> int:
        """A fourth result of the same revision, with no way yet."""
        with self.database.write() as connection:
            return add_result(connection, self.study_id, self.reading_id, 4, **self._stored(4))

    def join(self, result_id: int) -> None:
        """The pipeline's part: the result is to go where the others go."""
        with self.database.write() as connection:
            reading = replace(jobs.get(connection, self.job_id), kind=JobKind.READ)
            route = Route(name="pacs", kinds=frozenset(ResultKind), only_above=False)
            dispatch(connection, [route], reading, [(result_id, ResultKind.SR)], above=True, now=self.time)

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


@pytest.mark.parametrize("commitment", [False, True])
def test_results_that_join_while_the_others_are_sent_go_too(house: House, commitment: bool):
    """A study that is read again makes results for the very job that runs; they are not left behind."""
    pacs = FakePacs(0, 0, 0, 0)
    late = house.joining()
    once = iter([late])
    pacs.before_answer = lambda: [house.join(each) for each in once]

    first = house.deliver(pacs, commitment=commitment)
    house.deliver(pacs, commitment=commitment)

    assert first.state is JobState.QUEUED
    assert first.not_before <= house.time
    assert pacs.sent[-1] == [house.paths[-1].name]
    with house.database.read() as connection:
        (delivery,) = deliveries.of_result(connection, late)
    assert delivery.state in (DeliveryState.SENT, DeliveryState.ASKED)


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
        awakening.retry(connection, job.id, house.time)
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


def test_sender_without_an_address(house: House):
    """What goes back to an AE that the settings give no host waits for a person, who is told which AE."""
    with house.database.write() as connection:
        to_sender = add_job(connection, house.study_id, kind=JobKind.DELIVER, destination="back:CR 2")

    house.deliver(FakePacs(0, 0, 0))
    house.deliver(FakePacs())

    with house.database.read() as connection:
        job = jobs.get(connection, to_sender)
    assert (job.state, job.error_code) == (JobState.FAILED, "no_address")
    assert job.error == "CR 2, which sent the study, has no host and port in [[dicom.peers]]; give them, then retry."


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
        awakening.retry(connection, job.id, house.time)
    assert house.deliver(FakePacs(0)).state is JobState.DONE
    assert house.states() == [SENT] * 3


def test_lost_object_is_waited_for_no_more(house: House):
    """A person has accepted that it is gone: the job sends the others, and ends and says so."""
    house.paths[0].unlink()
    job = house.deliver(FakePacs(0, 0))
    loss.accept(house.database, ["2.25.5001"], "the disk burnt", by="ann", now=house.time)

    job = house.deliver(FakePacs())

    assert (job.state, job.error_code) == (JobState.DONE, "file_lost")
    assert job.error == (
        "1 of the results: the stored object is lost, and a person has accepted that; nothing more is to be sent."
    )
    withdrawn = (DeliveryState.WITHDRAWN, "the stored object is lost, and a person has accepted that")
    assert house.states() == [withdrawn, SENT, SENT]


def test_taking_back_what_is_lost_is_a_persons_to_do(house: House):
    """Without a file there is no patient's header for the note: the job waits for a person and says so."""
    house.deliver(FakePacs(0, 0, 0))
    with house.database.write() as connection:
        for row in results.of_study(connection, house.study_id):
            holdings.mark(connection, integrity.of(row), Absence.MISSING, house.time)
        retractions.retract(connection, house.study_id, Wanted(), RejectionReason.QUALITY, house.time)
    retraction = Retraction(store=house.store, database=house.database, deliver=lambda _: Ending(state=JobState.DONE))

    assert worker_of(house.database, JobKind.RETRACT, retraction, lambda: house.time).run_one([JobKind.RETRACT])

    with house.database.read() as connection:
        (job,) = jobs.newest(connection, 1)
    assert (job.kind, job.state, job.error_code) == (JobKind.RETRACT, JobState.FAILED, "file_lost")


def test_nothing_is_called_when_nothing_can_be_sent(house: House):
    """With every object gone no association is opened."""
    for path in house.paths:
        path.unlink()
    pacs = FakePacs()

    assert house.deliver(pacs).error_code == "damaged"
    assert pacs.sent == []


COMMITTED = (DeliveryState.COMMITTED, None)


def answer(house: House, request: Request, failed: Mapping[str, int] | None = None) -> bool:
    """The destination's report to a request, at the house's desk."""
    reasons = failed or {}
    report = Report(
        transaction_uid=request.transaction_uid,
        committed=tuple(each for each in request.references if each.sop_instance_uid not in reasons),
        failed=tuple(
            (each, reasons[each.sop_instance_uid]) for each in request.references if each.sop_instance_uid in reasons
        ),
    )
    desk = Desk(
        database=house.database, store=house.store, reachable=(), announce=lambda _id: None, now=lambda: house.time
    )
    return desk.reported(report)


def test_results_count_as_there_when_the_destination_commits(house: House):
    """What was taken waits for the report; with it the job is done and nothing was sent twice."""
    pacs = FakePacs(0, 0, 0)

    job = house.deliver(pacs, commitment=True)

    assert (job.state, job.error_code) == (JobState.QUEUED, "awaiting_commitment")
    assert (job.not_before - house.time).total_seconds() == WAIT_S
    (request,) = pacs.asked
    assert [each.sop_instance_uid for each in request.references] == ["2.25.5001", "2.25.5002", "2.25.5003"]
    assert answer(house, request)
    job = house.deliver(pacs, commitment=True)
    assert (job.state, house.states(), len(pacs.sent)) == (JobState.DONE, [COMMITTED] * 3, 1)


def test_report_that_comes_before_the_response(house: House):
    """An answer that overtakes the response to the request is not waited for any more."""
    pacs = FakePacs(0, 0, 0)
    pacs.before_response = lambda request: assert_true(answer(house, request))

    job = house.deliver(pacs, commitment=True)

    assert (job.state, house.states()) == (JobState.DONE, [COMMITTED] * 3)


def test_object_that_the_destination_lost_is_sent_again_as_the_same(house: House):
    """Accepted and forgotten: it alone goes again, and after three times a person is told; a retry tries again."""
    pacs = FakePacs(0, 0, 0)
    house.deliver(pacs, commitment=True)

    for _ in range(3):
        assert answer(house, pacs.asked[-1], {"2.25.5002": 0x0112})
        house.time += timedelta(seconds=RESEND_DELAY_S)
        job = house.deliver(pacs, commitment=True)

    assert pacs.sent == [[path.name for path in house.paths], *[[house.paths[1].name]] * 2]
    assert (job.state, job.error_code) == (JobState.FAILED, "lost")
    assert job.error == "pacs accepted and did not keep 1 of 3 objects: it does not have the object."
    assert [state for state, _ in house.states()] == ["committed", "lost", "committed"]

    with house.database.write() as connection:
        awakening.retry(connection, job.id, house.time)
    house.deliver(pacs, commitment=True)
    assert answer(house, pacs.asked[-1])
    assert house.deliver(pacs, commitment=True).state is JobState.DONE
    assert house.states() == [COMMITTED] * 3


def test_destination_that_never_answers_is_asked_three_times(house: House):
    """Without a report the question is repeated, not the objects; then a person is told, and a late report mends it."""
    pacs = FakePacs(0, 0, 0)
    for _ in range(4):
        job = house.deliver(pacs, commitment=True)
        house.time += timedelta(seconds=WAIT_S)

    assert (job.state, job.error_code, len(pacs.sent), len(pacs.asked)) == (JobState.FAILED, "unconfirmed", 1, 3)
    assert job.error == "pacs did not commit to 3 of 3 objects: it did not answer whether it keeps the object."

    assert answer(house, pacs.asked[-1])
    assert house.deliver(pacs, commitment=True).state is JobState.DONE
    assert house.states() == [COMMITTED] * 3


def test_destination_without_storage_commitment_says_what_to_do(house: House):
    """Where it is not offered, nobody waits for it."""
    job = house.deliver(FakePacs(0, 0, 0, commits=NO_CONTEXT), commitment=True)

    assert (job.state, job.error_code) == (JobState.FAILED, "unconfirmed")
    assert "does not offer storage commitment: enable it there, or set commitment = false" in (job.error or "")


@pytest.mark.parametrize("commits", [0x0110, None])
def test_request_that_fails_is_repeated_after_a_pause(commits: int | None, house: House):
    """A destination that cannot take the request now is asked again, and the objects are not sent again."""
    pacs = FakePacs(0, 0, 0, commits=commits)

    job = house.deliver(pacs, commitment=True)

    assert job.state is JobState.QUEUED
    assert [state for state, _ in house.states()] == ["sent"] * 3
    house.time += timedelta(seconds=2)
    pacs.commits = 0
    house.deliver(pacs, commitment=True)
    assert answer(house, pacs.asked[-1])
    assert (len(pacs.sent), house.states()) == (1, [COMMITTED] * 3)


def test_refused_object_waits_for_a_person_while_the_others_are_committed(house: House):
    """A refusal is reported when nothing else is to be expected."""
    pacs = FakePacs(0, 0xC000, 0)
    house.deliver(pacs, commitment=True)
    assert answer(house, pacs.asked[-1])

    job = house.deliver(pacs, commitment=True)

    assert (job.state, job.error_code) == (JobState.FAILED, "refused")
    assert [state for state, _ in house.states()] == ["committed", "refused", "committed"]
    assert len(pacs.sent) == 1


def assert_true(value: bool) -> None:
    """It holds."""
    assert value
