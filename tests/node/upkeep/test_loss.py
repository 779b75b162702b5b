"""A loss is accepted: the finding ends, who did it is written down, and what comes back is used again."""

import pytest

from db import audit, holdings, jobs, results, studies
from db.engine import Database, connect
from db.records import Absence, Job, JobKind, JobState, StoredInstance
from db.vocabulary import Reason
from node.upkeep import integrity, loss
from node.upkeep.loss import Accepted, NothingLostError
from tests.db.rows import NOW, add_job, add_result, arrival, claimed, later

UID = arrival().sop_instance_uid
RESULT = "2.25.5001"


@pytest.fixture
def database(migrated_url: str) -> Database:
    """Of either kind: an image that is missing and a result that is damaged, and the jobs that have failed of them."""
    database = connect(migrated_url)
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=NOW)
        (image,) = studies.with_uids(connection, [UID])[UID]
        studies.set_reason(connection, image.id, Reason.DAMAGED, Reason.DAMAGED.sentence, None)
        holdings.mark(connection, integrity.of(image), Absence.MISSING, NOW)
        reading = add_job(connection, image.study_id)
        add_result(connection, image.study_id, reading)
        result = results.under(connection, RESULT)
        assert result is not None
        holdings.mark(connection, integrity.of(result), Absence.DAMAGED, NOW)
        jobs.end(connection, claimed(connection), state=JobState.FAILED, now=NOW, error_code="damaged", error="Gone.")
        add_job(connection, image.study_id, kind=JobKind.DELIVER, destination="pacs")
        jobs.end(connection, claimed(connection), state=JobState.FAILED, now=NOW, error_code="damaged", error="Gone.")
    return database


def accept(database: Database, *uids: str) -> Accepted:
    """Accept by Ann, a minute later."""
    return loss.accept(database, uids, "the disk burnt", by="ann", now=later(60))


def image_of(database: Database) -> StoredInstance:
    """The image's row."""
    with database.read() as connection:
        (found,) = studies.with_uids(connection, [UID])[UID]
    return found


def jobs_of(database: Database) -> list[Job]:
    """The jobs: reading, delivery."""
    with database.read() as connection:
        return jobs.newest(connection, 10)[::-1]


def test_image_is_lost_and_its_job_runs_again(database: Database):
    """Row and reason say lost; the job that waited for a person is queued, the delivery is left alone."""
    done = accept(database, UID)

    image, (reading, delivery) = image_of(database), jobs_of(database)
    database.close()
    assert done == Accepted(sop_instance_uids=(UID,), jobs=(reading.id,))
    assert (image.absence, image.absent_at, image.reason) == (Absence.LOST, later(60), Reason.LOST)
    assert (reading.state, delivery.state) == (JobState.QUEUED, JobState.FAILED)


def test_result_is_lost_and_its_delivery_runs_again(database: Database):
    """The study's reading is left alone."""
    done = accept(database, RESULT)

    reading, delivery = jobs_of(database)
    database.close()
    assert done == Accepted(sop_instance_uids=(RESULT,), jobs=(delivery.id,))
    assert (reading.state, delivery.state) == (JobState.FAILED, JobState.QUEUED)


def test_who_accepted_what_and_why_is_in_the_audit_log(database: Database):
    """Also what was the matter with the file before."""
    accept(database, UID)

    with database.read() as connection:
        (entry,) = audit.of_subject(connection, UID, "file.")
    database.close()
    detail = {"kind": "instance", "path": arrival().path, "found": "missing", "reason": "the disk burnt"}
    assert (entry.actor, entry.action, entry.detail) == ("ann", "file.lost", detail)


def test_second_time_changes_nothing(database: Database):
    """Of two people at once one is written down."""
    accept(database, UID)

    again = accept(database, UID)

    with database.read() as connection:
        entries = audit.newest(connection, 10)
    database.close()
    assert again == Accepted(sop_instance_uids=(), jobs=())
    assert len(entries) == 1


@pytest.mark.parametrize(
    ("absence", "uid", "words"),
    [(None, UID, "is here"), (Absence.REMOVED, UID, "no loss"), (Absence.MISSING, "2.25.77", "knows no object")],
)
def test_what_is_not_missing_is_not_accepted(absence: Absence | None, uid: str, words: str, database: Database):
    """A sentence says what it is, and of the others that were named none is accepted either."""
    with database.write() as connection:
        holdings.mark(connection, integrity.of(image_of(database)), absence, NOW)

    with pytest.raises(NothingLostError, match=words):
        accept(database, RESULT, uid)

    with database.read() as connection:
        result = results.under(connection, RESULT)
    database.close()
    assert result is not None
    assert result.absence is Absence.DAMAGED


def test_image_that_is_sent_again_is_lost_no_more(database: Database):
    """The same bytes from the modality: row, reason and study are as of a new image."""
    accept(database, UID)

    with database.write() as connection:
        taken = studies.record_arrival(connection, arrival(path="2026/03/15/new.dcm"), settle_at=later(90))

    image = image_of(database)
    database.close()
    assert taken
    assert (image.absence, image.reason, image.path) == (None, None, "2026/03/15/new.dcm")
