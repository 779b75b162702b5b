"""Taking results back, on both databases: which, what of it waits or went, and who is to be told."""

from datetime import datetime

from db import backlog, deliveries, jobs, results, retractions
from db.deliveries import AsSent
from db.engine import Connection, Database
from db.records import Job, JobKind, JobState
from db.result_records import DeliveryState, Parcel, Result
from db.retractions import Extent, TakenBack, Wanted
from db.vocabulary import RejectionReason
from tests.db.rows import NOW, add_job, add_result, add_study, claimed, later

REPORT = "1.2.840.10008.5.1.4.1.1.88.34"
OLDER_REPORT = "1.2.840.10008.5.1.4.1.1.88.33"


def study_with(connection: Connection, uid: str = "2.25.1", *, version: str = "m1", built: datetime = NOW) -> int:
    """A study with two results, on their way to `pacs` and withheld from `ward`."""
    study_id = add_study(connection, uid)
    job_id = add_job(connection, study_id)
    ids = [
        add_result(connection, study_id, job_id, study_id * 10 + number, model_version=version, created_at=built)
        for number in (1, 2)
    ]
    deliveries.add(connection, ids, "pacs")
    deliveries.add(connection, ids, "ward", DeliveryState.WITHHELD)
    add_job(connection, study_id, kind=JobKind.DELIVER, destination="pacs")
    return study_id


def parcels(connection: Connection, study_id: int) -> list[Parcel]:
    """What goes to `pacs`."""
    return deliveries.parcels(connection, study_id, 1, "pacs")


def send(connection: Connection, parcel: Parcel, uid: str, sop_class_uid: str = REPORT) -> None:
    """It was taken, as this."""
    form = AsSent(sop_class_uid=sop_class_uid, sop_instance_uid=uid, transfer_syntax_uid="1.2", sha256="0")
    deliveries.sent(connection, parcel.delivery.id, form, NOW)


def take_back(connection: Connection, study_id: int, wanted: Wanted, seconds: float = 60) -> TakenBack:
    """Take it back; there must be something."""
    found = retractions.retract(connection, study_id, wanted, RejectionReason.QUALITY, later(seconds))
    assert found is not None
    return found


def jobs_of(connection: Connection, kind: JobKind) -> list[Job]:
    """The jobs of a kind."""
    return [job for job in jobs.newest(connection, 100) if job.kind is kind]


def states(connection: Connection, study_id: int) -> list[DeliveryState]:
    """How far what goes to `pacs` got."""
    return [each.delivery.state for each in parcels(connection, study_id)]


def test_results_are_chosen_by_study_model_and_time(database: Database):
    """Each choice narrows the others down, and what was taken back is not chosen again."""
    with database.write() as connection:
        first = study_with(connection, "2.25.1")
        study_with(connection, "2.25.2", version="m2")
        study_with(connection, "2.25.3", version="m2", built=later(100))

        def counted(**choice: object) -> tuple[int, int]:
            found = retractions.extent(connection, Wanted(**choice))  # type: ignore[arg-type] # any of its fields
            return found.studies, found.objects

        assert counted(study_instance_uid="2.25.1") == (1, 2)
        assert counted(model_version="m2") == (2, 4)
        assert counted(since=later(100)) == (1, 2)
        assert counted(since=NOW, model_version="m1") == (1, 2)
        take_back(connection, first, Wanted(since=NOW))
        assert counted(since=NOW) == (2, 4)
        assert retractions.study_ids(connection, Wanted(model_version="m1")) == []


def test_dry_run_counts_what_each_destination_got(database: Database):
    """Withheld results count nowhere; one that waits is told from one that is there."""
    with database.write() as connection:
        study_id = study_with(connection)
        send(connection, parcels(connection, study_id)[0], "2.25.77")

        found = retractions.extents(connection, Wanted(since=NOW))

        assert found == [Extent(destination="pacs", studies=1, objects=1, waiting=1)]


def test_what_waits_is_withdrawn_and_what_went_keeps_its_state(database: Database):
    """The destination is told of what it got, as it got it; nothing more goes there, and rows stay."""
    with database.write() as connection:
        study_id = study_with(connection)
        send(connection, parcels(connection, study_id)[0], "2.25.77", OLDER_REPORT)

        taken = take_back(connection, study_id, Wanted(study_instance_uid="2.25.1"))

        assert taken == TakenBack(study_instance_uid="2.25.1", objects=2, withdrawn=1, destinations=("pacs",))
        assert states(connection, study_id) == [DeliveryState.SENT, DeliveryState.WITHDRAWN]
        there = deliveries.taken_back(connection, study_id, later(60), "pacs")
        assert [(each.delivery.sop_class_uid, each.delivery.sop_instance_uid) for each in there] == [
            (OLDER_REPORT, "2.25.77")
        ]
        (job,) = jobs_of(connection, JobKind.RETRACT)
        assert (job.subject_id, job.revision, job.destination, job.created_at) == (study_id, 1, "pacs", later(60))
        rows: list[Result] = results.of_revision(connection, study_id, 1)
        assert {(row.retracted_at, row.retraction_reason) for row in rows} == {(later(60), "quality")}
        assert retractions.retract(connection, study_id, Wanted(since=NOW), RejectionReason.QUALITY, later(61)) is None


def test_what_may_have_arrived_is_taken_back_too(database: Database):
    """Of what a job has tried to send nobody knows that it did not arrive, so the note names it."""
    with database.write() as connection:
        study_id = study_with(connection)
        connection.exec_driver_sql("UPDATE job SET not_before = created_at")
        for _ in range(2):
            claimed(connection)  # the reading, then the delivery, which dies in the middle

        take_back(connection, study_id, Wanted(since=NOW))

        there = deliveries.taken_back(connection, study_id, later(60), "pacs")
        assert [each.delivery.sop_instance_uid for each in there] == ["2.25.50011", "2.25.50012"]
        assert {each.delivery.state for each in there} == {DeliveryState.WITHDRAWN}
        assert backlog.any_delivery_runs(connection, study_id, "pacs")
        assert not backlog.any_delivery_runs(connection, study_id, "ward")


def test_job_that_was_given_up_ends(database: Database):
    """A delivery that waits for a person runs once more and ends, with nothing left to send; one that is done rests."""
    with database.write() as connection:
        study_id, other = study_with(connection), study_with(connection, "2.25.2")
        for each, state in ((study_id, JobState.FAILED), (other, JobState.DONE)):
            connection.exec_driver_sql(
                f"UPDATE job SET state = '{state}', error_code = 'refused' "
                f"WHERE kind = 'deliver' AND subject_id = {each}"
            )

        for each in (study_id, other):
            take_back(connection, each, Wanted(since=NOW))

        found = {job.subject_id: (job.state, job.error_code) for job in jobs_of(connection, JobKind.DELIVER)}
        assert found == {study_id: (JobState.QUEUED, "changed"), other: (JobState.DONE, "refused")}
        assert backlog.troubles(connection) == []


def test_commitment_that_fails_later_sends_nothing_again(database: Database):
    """A destination that lost what was taken back meanwhile is not sent it again."""
    with database.write() as connection:
        study_id = study_with(connection)
        for number, each in enumerate(parcels(connection, study_id)):
            send(connection, each, f"2.25.77{number}")
        deliveries.ask(connection, [each.delivery.id for each in parcels(connection, study_id)], "2.25.9", NOW)
        take_back(connection, study_id, Wanted(since=NOW))

        deliveries.answered(connection, "2.25.9", {"2.25.770": "it does not have the object"}, later(70))

        assert states(connection, study_id) == [DeliveryState.LOST, DeliveryState.COMMITTED]


def test_predecessor_is_none_that_was_taken_back(database: Database):
    """A report names the last one that stands; that another was said last is known all the same."""
    with database.write() as connection:
        study_id = add_study(connection)
        job_id = add_job(connection, study_id)
        add_result(connection, study_id, job_id, 1, revision=1)
        add_result(connection, study_id, job_id, 2, revision=2, model_version="m2")
        take_back(connection, study_id, Wanted(model_version="m2"))

        stands = results.predecessor(connection, study_id, 3, ("sr",))
        before = results.predecessor(connection, study_id, 3, ("sr",), at=later(59))
        last = results.previous(connection, study_id, 3, ("sr",))

    assert [each and each.sop_instance_uid for each in (stands, before, last)] == [
        "2.25.5001",
        "2.25.5002",
        "2.25.5002",
    ]


def test_destination_that_only_had_what_was_taken_back_has_nothing(database: Database):
    """Where only studies with a finding go, one whose results were taken back begins anew."""
    with database.write() as connection:
        study_id = study_with(connection)
        send(connection, parcels(connection, study_id)[0], "2.25.77")
        assert deliveries.known(connection, study_id, "pacs")

        take_back(connection, study_id, Wanted(since=NOW))

        assert not deliveries.known(connection, study_id, "pacs")
