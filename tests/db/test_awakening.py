"""Jobs that run again, or need not wait longer; on both databases."""

import pytest

from db import awakening, jobs
from db.engine import Database
from db.errors import LeaseLostError
from db.records import JobKind, JobState
from tests.db.rows import NOW, add_job, add_study, claimed, later

FAULT = {"error_code": "fault", "error": "A fault."}


def test_retry_gives_a_dead_job_three_more_attempts(database: Database):
    """A person who asks again gets all attempts anew, and an old worker still cannot end the job."""
    with database.write() as connection:
        job_id = add_job(connection, add_study(connection))
        for _ in range(3):
            old = claimed(connection)
            jobs.retry_later(connection, old, now=NOW, delay_s=0, **FAULT)

        assert awakening.retry(connection, job_id, NOW) == [job_id]

        states = []
        for _ in range(3):
            job = claimed(connection)
            with pytest.raises(LeaseLostError):
                jobs.end(connection, old, state=JobState.DONE, now=NOW)
            states.append(jobs.retry_later(connection, job, now=NOW, delay_s=0, **FAULT))
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.DEAD]


def test_retry_of_all_takes_failed_and_dead_and_no_other(database: Database):
    """`cxr retry --all` touches nothing that is done, queued or running."""
    with database.write() as connection:
        study_id = add_study(connection)
        ids = [add_job(connection, study_id, number) for number in range(1, 6)]
        for state in (JobState.DONE, JobState.FAILED, JobState.DEAD):
            jobs.end(connection, claimed(connection), state=state, now=NOW)
        claimed(connection)

        queued = awakening.retry(connection, None, NOW)

        assert awakening.retry(connection, ids[0], NOW) == []
    assert sorted(queued) == ids[1:3]


def test_destination_that_answers_again_wakes_what_waits_for_it(database: Database):
    """The backlog of a PACS goes out as soon as it is back; another PACS's backlog waits on."""
    with database.write() as connection:
        study_id = add_study(connection)
        mine = add_job(connection, study_id, kind=JobKind.DELIVER, destination="pacs", now=later(120))
        add_job(connection, study_id, kind=JobKind.DELIVER, destination="research", now=later(120))

        awakening.wake(connection, "pacs", NOW)

        assert jobs.due(connection, NOW) == [mine]


def test_promotion_wakes_what_waits_for_a_model(database: Database):
    """A study that waits because no model can serve is due at once; what waits for something else is not."""
    with database.write() as connection:
        study_id = add_study(connection)
        for revision, code in ((1, jobs.NO_MODEL), (2, "fault")):
            add_job(connection, study_id, revision=revision)
            jobs.postpone(connection, claimed(connection), now=NOW, delay_s=30, error_code=code, error="It waits.")

        awakening.wake_for_model(connection, later(1))

        assert [jobs.get(connection, each).revision for each in jobs.due(connection, later(1))] == [1]
