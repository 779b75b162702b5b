"""What a person does to a study, and what a second one is told who does it at the same time."""

from collections.abc import Iterator

import pytest

from db import audit, deliveries, dossier, jobs, studies
from db.audit import AuditEntry
from db.deliveries import AsSent
from db.dossier import Dossier
from db.engine import Database, connect
from db.records import JobKind, JobState, StudyState
from db.result_records import DeliveryState
from db.vocabulary import RejectionReason
from node.study.acts import MEANWHILE, Acts, UnknownStudyError, seen
from tests.db.rows import add_job, add_result, add_study, claimed, later

UID = "2.25.1"
SENT = AsSent(sop_class_uid="1", sop_instance_uid="2", transfer_syntax_uid="3", sha256="4")


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database of either kind with a study that was read, whose two results are at `pacs`."""
    database = connect(migrated_url)
    with database.write() as connection:
        study_id = add_study(connection)
        found = studies.find(connection, UID)
        assert found is not None
        studies.begin_revision(connection, found)
        read = add_job(connection, study_id)
        held = claimed(connection)
        ids = [add_result(connection, study_id, read, number) for number in (1, 2)]
        deliveries.add(connection, ids, "pacs")
        add_job(connection, study_id, kind=JobKind.DELIVER, destination="pacs")
        jobs.end(connection, held, state=JobState.DONE, now=later(1))
        studies.end_revision(connection, study_id, 1, StudyState.READ)
        sending = claimed(connection)
        for each in deliveries.of_study(connection, study_id):
            deliveries.sent(connection, each.id, SENT, later(2))
        jobs.end(connection, sending, state=JobState.DONE, now=later(2))
    yield database
    database.close()


@pytest.fixture
def acts(database: Database) -> Acts:
    """Ten seconds later."""
    return Acts(database=database, now=lambda: later(10))


def found(database: Database) -> Dossier:
    """The study as it is."""
    with database.read() as connection:
        of = dossier.of_study(connection, UID)
    assert of is not None
    return of


def entries(database: Database) -> list[AuditEntry]:
    """The audit log, in order."""
    with database.read() as connection:
        return audit.newest(connection, 10)[::-1]


def test_a_study_is_read_again_as_a_new_revision(acts: Acts, database: Database):
    """Its job is another one, and the results that are there stay until it has ended."""
    outcome = acts.read_again(UID, "anna", seen(1, found(database).reading))

    of = found(database)
    assert (outcome.changed, outcome.sentence) == (True, "It is waiting to be read again.")
    assert (of.study.revision, of.study.state, len(of.standing)) == (2, StudyState.QUEUED, 2)
    assert of.reading is not None
    assert of.reading.state is JobState.QUEUED
    assert [(each.actor, each.action, each.subject) for each in entries(database)] == [
        ("anna", "study.read_again", UID)
    ]


def test_who_asks_twice_to_read_is_told(acts: Acts, database: Database):
    """A second click, and a second person who saw the same, change nothing."""
    saw = seen(1, found(database).reading)
    first, second, late = (acts.read_again(UID, "anna", saw), acts.read_again(UID, "ben", saw), None)
    late = acts.read_again(UID, "ben")

    assert (first.changed, second.changed, late.changed) == (True, False, False)
    assert (second.sentence, late.sentence) == (MEANWHILE, "It is waiting to be read already.")
    assert len(entries(database)) == 1


def test_a_reading_that_failed_is_tried_again(acts: Acts, database: Database):
    """The same job, so that nothing is left waiting for a person."""
    acts.read_again(UID, "anna")
    with database.write() as connection:
        held = claimed(connection, at=later(10))
        jobs.end(connection, held, state=JobState.FAILED, now=later(11), error_code="undecodable", error="Broken.")
        studies.end_revision(connection, held.subject_id, 2, StudyState.FAILED)

    outcome = acts.read_again(UID, "anna")

    of = found(database)
    assert outcome.changed
    assert (of.study.revision, of.study.state) == (2, StudyState.QUEUED)
    assert of.reading is not None
    assert (of.reading.id, of.reading.state, of.reading.error) == (held.id, JobState.QUEUED, None)


def test_a_study_that_arrives_is_read_anyway(acts: Acts, database: Database):
    """Nothing is to be asked for."""
    with database.write() as connection:
        add_study(connection, "2.25.5")

    outcome = acts.read_again("2.25.5", "anna")

    assert (outcome.changed, outcome.sentence) == (False, "It is still arriving, and is read as soon as it is quiet.")


def test_results_are_sent_again(acts: Acts, database: Database):
    """All of them wait once more, and their job with them; nothing is built anew."""
    job = found(database).sending("pacs")
    outcome = acts.send_again(UID, "pacs", "anna", seen(1, job))

    of = found(database)
    again = of.sending("pacs")
    assert outcome.sentence == "2 objects are on their way to pacs again."
    assert [each.state for each in of.deliveries] == [DeliveryState.WAITING] * 2
    assert job is not None
    assert again is not None
    assert (again.id, again.state) == (job.id, JobState.QUEUED)
    (entry,) = entries(database)
    assert (entry.action, entry.detail) == ("study.send_again", {"destination": "pacs", "objects": 2})


def test_who_asks_twice_to_send_is_told(acts: Acts, database: Database):
    """While it waits, and after it has gone by another attempt."""
    saw = seen(1, found(database).sending("pacs"))
    first, second = acts.send_again(UID, "pacs", "anna", saw), acts.send_again(UID, "pacs", "ben", saw)
    with database.write() as connection:
        jobs.end(connection, claimed(connection, at=later(10)), state=JobState.DONE, now=later(11))
    late = acts.send_again(UID, "pacs", "ben", saw)

    assert (first.changed, second.changed, late.changed) == (True, False, False)
    assert (second.sentence, late.sentence) == ("It is on its way to pacs already.", MEANWHILE)


def test_what_was_taken_back_is_not_sent_again(acts: Acts, database: Database):
    """Nor is anything sent where nothing was to go."""
    acts.take_back(UID, RejectionReason.QUALITY, "rita")

    assert acts.send_again(UID, "pacs", "anna").sentence == "Nothing that stands is to go to pacs."
    assert acts.send_again(UID, "ward", "anna").sentence == "Nothing that stands is to go to ward."


def test_results_are_taken_back_once(acts: Acts, database: Database):
    """The second who does so is told, and the log has the first."""
    first = acts.take_back(UID, RejectionReason.PATIENT_SAFETY, "rita")
    second = acts.take_back(UID, RejectionReason.QUALITY, "ben")

    assert first.sentence == "Taken back: 2 of its results. pacs will be told."
    assert second.sentence == "Its results were taken back already, or there are none."
    assert found(database).standing == ()
    (entry,) = entries(database)
    assert (entry.actor, entry.action, entry.detail["reason"]) == ("rita", "results.retract", "patient_safety")


def test_an_unknown_study_is_said(acts: Acts):
    """Whatever is asked of it."""
    with pytest.raises(UnknownStudyError, match="no study has this UID"):
        acts.read_again("1.2.3", "anna")
    with pytest.raises(UnknownStudyError):
        acts.send_again("1.2.3", "pacs", "anna")
    with pytest.raises(UnknownStudyError):
        acts.take_back("1.2.3", RejectionReason.QUALITY, "anna")
