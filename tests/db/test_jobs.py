"""Jobs: one claim each, leases, fencing, attempts; on both databases."""

from typing import Any

import pytest

from db import jobs, studies
from db.engine import Database
from db.errors import LeaseLostError
from db.records import JobKind, JobState
from tests.db.races import race
from tests.db.rows import NOW, add_job, add_study, arrival, claim, claimed, later

FAULT = {"error_code": "fault", "error": "A fault."}


def test_job_is_queued_once(database: Database):
    """The same work asked for twice is one job."""
    with database.write() as connection:
        study_id = add_study(connection)
        first = add_job(connection, study_id)

        again = jobs.add(connection, kind=JobKind.READ, subject_id=study_id, revision=1, now=later(5))

        assert again is None
        assert [job.id for job in jobs.newest(connection, 10)] == [first]


def test_each_destination_has_its_own_job(database: Database):
    """Two destinations of one revision are two pieces of work."""
    with database.write() as connection:
        study_id = add_study(connection)
        for destination in ("pacs", "research"):
            add_job(connection, study_id, kind=JobKind.DELIVER, destination=destination)

        assert [job.destination for job in jobs.newest(connection, 10)] == ["research", "pacs"]


def test_job_that_waited_longest_comes_first(database: Database):
    """Studies are read in the order in which they became due."""
    with database.write() as connection:
        study_id = add_study(connection)
        late, early, future = (add_job(connection, study_id, n, now=later(s)) for n, s in ((1, -1), (2, -2), (3, 9)))

        taken = [claimed(connection).id, claimed(connection).id]

        assert taken == [early, late]
        assert claim(connection) is None
        assert claimed(connection, at=later(9)).id == future


def test_worker_gets_only_the_kinds_it_asks_for(database: Database):
    """A reading thread is not given a delivery."""
    with database.write() as connection:
        add_job(connection, add_study(connection), kind=JobKind.DELIVER, destination="pacs")

        assert jobs.claim(connection, kinds=[JobKind.READ], owner="one", now=NOW, lease_s=60) is None


def test_claim_sets_owner_lease_and_attempt(database: Database):
    """A claimed job shows who has it, until when, and for the how-manieth time."""
    with database.write() as connection:
        add_job(connection, add_study(connection))

        job = claimed(connection, lease_s=60, owner="host:1")

    assert (job.state, job.owner, job.lease_until, job.attempts) == (JobState.RUNNING, "host:1", later(60), 1)


def test_racing_workers_get_each_job_exactly_once(database: Database):
    """Eight threads that race for fifty jobs run each of them once."""
    with database.write() as connection:
        study_id = add_study(connection)
        queued = {add_job(connection, study_id, number) for number in range(1, 51)}

    def work(number: int) -> list[int]:
        taken = []
        while True:
            with database.write() as connection:
                job = claim(connection, owner=str(number))
            if job is None:
                return taken
            taken.append(job.id)

    taken = [job_id for mine in race(8, work) for job_id in mine]

    assert len(taken) == 50
    assert set(taken) == queued


def test_expired_lease_gives_the_job_to_another(database: Database):
    """The job of a worker that fell silent is run by another one."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        first = claimed(connection, lease_s=60)

        assert not jobs.any_expired(connection, later(60))
        assert jobs.expire(connection, later(60)) == []
        assert claim(connection, at=later(60)) is None
        assert jobs.any_expired(connection, later(61))
        assert jobs.expire(connection, later(61)) == []
        second = claimed(connection, at=later(61), owner="two")

    assert (second.id, second.attempts, second.owner) == (first.id, 2, "two")
    assert second.error_code == "worker_lost"


def test_renewed_lease_does_not_expire(database: Database):
    """A worker that is slow but alive keeps its job."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        job = claimed(connection, lease_s=60)

        jobs.renew(connection, job, later(50), 60)

        assert not jobs.any_expired(connection, later(100))
        assert jobs.any_expired(connection, later(111))


def _end(connection: Any, job: Any) -> None:
    jobs.end(connection, job, state=JobState.DONE, now=later(70))


def _renew(connection: Any, job: Any) -> None:
    jobs.renew(connection, job, later(70), 60)


def _retry_later(connection: Any, job: Any) -> None:
    jobs.retry_later(connection, job, now=later(70), delay_s=1, **FAULT)


def _postpone(connection: Any, job: Any) -> None:
    jobs.postpone(connection, job, now=later(70), delay_s=1, **FAULT)


@pytest.mark.parametrize("act", [_end, _renew, _retry_later, _postpone])
def test_worker_that_lost_its_lease_can_do_nothing_more(database: Database, act: Any):
    """What a worker writes after its job went to another is rolled back with all that came with it."""
    with database.write() as connection:
        study_id = add_study(connection)
        add_job(connection, study_id)
        late = claimed(connection, lease_s=60)
        jobs.expire(connection, later(61))
        current = claimed(connection, at=later(61), owner="two")

    def end_late() -> None:
        with database.write() as connection:
            studies.record_arrival(connection, arrival(7), settle_at=NOW)
            act(connection, late)

    with pytest.raises(LeaseLostError) as error:
        end_late()

    with database.read() as connection:
        assert jobs.get(connection, late.id) == current
        assert len(studies.instances(connection)) == 1
    assert error.value.job_id == late.id


def test_worker_cannot_end_a_job_twice(database: Database):
    """An ended job stays as it ended."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        job = claimed(connection)
        jobs.end(connection, job, state=JobState.DONE, now=NOW)

        with pytest.raises(LeaseLostError):
            jobs.end(connection, job, state=JobState.FAILED, now=NOW)

        assert jobs.get(connection, job.id).state is JobState.DONE


def test_ended_job_says_when_and_why(database: Database):
    """A failed job shows its reason and is never claimed again."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        job = claimed(connection)

        jobs.end(connection, job, state=JobState.FAILED, now=later(2), error_code="undecodable", error="It is broken.")

        ended = jobs.get(connection, job.id)
        assert claim(connection, at=later(999)) is None
        assert not jobs.any_expired(connection, later(999))
    assert (ended.state, ended.ended_at, ended.lease_until) == (JobState.FAILED, later(2), None)
    assert (ended.error_code, ended.error) == ("undecodable", "It is broken.")


def test_job_is_dead_after_three_attempts(database: Database):
    """A poison job is tried three times, with a wait between, then waits for a person."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        states = []
        for attempt in range(3):
            job = claimed(connection, at=later(10 * attempt))
            states.append(jobs.retry_later(connection, job, now=later(10 * attempt), delay_s=5, **FAULT))
            assert claim(connection, at=later(10 * attempt + 4)) is None

        assert claim(connection, at=later(999)) is None
        dead = jobs.get(connection, job.id)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.DEAD]
    assert (dead.state, dead.attempts, dead.error_code) == (JobState.DEAD, 3, "fault")


def test_job_that_kills_its_worker_three_times_is_dead(database: Database):
    """An image that takes the worker down with it is given up after three workers."""
    with database.write() as connection:
        job_id = add_job(connection, add_study(connection))
        died = []
        for attempt in range(3):
            claimed(connection, at=later(100 * attempt), lease_s=60)
            died.append(jobs.expire(connection, later(100 * attempt + 61)))

        dead = jobs.get(connection, job_id)
    assert died == [[], [], [job_id]]
    assert (dead.state, dead.error_code, dead.ended_at) == (JobState.DEAD, "worker_lost", later(261))


def test_postponed_attempts_do_not_count(database: Database):
    """A delivery to a PACS that is down for a week is not given up."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        for attempt in range(10):
            job = claimed(connection, at=later(10 * attempt))
            jobs.postpone(connection, job, now=later(10 * attempt), delay_s=10, **FAULT)

        job = claimed(connection, at=later(100))
        state = jobs.retry_later(connection, job, now=later(100), delay_s=0, **FAULT)

    assert (job.attempts, job.postponed) == (11, 10)
    assert state is JobState.QUEUED
