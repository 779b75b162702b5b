"""One job that waits, however many reports arrive, on both databases."""

from db import jobs, mining_jobs
from db.engine import Database
from db.records import JobKind, JobState
from tests.db.rows import NOW, claim, claimed, later


def test_reports_that_arrive_while_a_job_waits_widen_it(database: Database):
    """However many messages come, one job waits, for a moment, so that they are mined together."""
    with database.write() as connection:
        first = mining_jobs.queue(connection, 1, NOW)
        assert first == mining_jobs.queue(connection, 3, NOW) == mining_jobs.queue(connection, 2, NOW)

        assert claim(connection) is None
        job = claimed(connection, at=later(mining_jobs.SETTLE_S))
    assert (job.kind, job.subject_id) == (JobKind.MINE, 3)


def test_mining_waits_for_the_end_of_a_burst_but_not_for_ever(database: Database):
    """Each arrival within the settling time puts the job off; after half a minute it may begin all the same."""
    with database.write() as connection:
        for tenth in range(0, 20, 9):
            mining_jobs.queue(connection, tenth + 1, later(tenth / 10))
        assert claim(connection, at=later(2.7)) is None

        for second in range(2, 60):
            mining_jobs.queue(connection, 100 + second, later(second))
        job = claimed(connection, at=later(mining_jobs.LONGEST_WAIT_S + 2))
    assert job.subject_id == 159


def test_a_job_that_waits_longer_is_not_hastened(database: Database):
    """A report that arrives does not wake what waits for its miner."""
    with database.write() as connection:
        mining_jobs.queue(connection, 1, NOW)
        held = claimed(connection, at=later(5))
        jobs.postpone(connection, held, now=later(5), delay_s=300, error_code="miner_missing", error="")

        mining_jobs.queue(connection, 2, later(6))

        assert claim(connection, at=later(100)) is None


def test_reports_that_arrive_while_a_job_runs_get_their_own(database: Database):
    """The one that runs may have looked already."""
    with database.write() as connection:
        mining_jobs.queue(connection, 1, NOW)
        claimed(connection, at=later(5))

        second = mining_jobs.queue(connection, 2, NOW)

        assert second is not None
        assert jobs.get(connection, second).subject_id == 2


def test_backlog_may_be_asked_for_again(database: Database):
    """After a change of the policy the same reports are asked for once more, at once."""
    with database.write() as connection:
        mining_jobs.queue(connection, 7, NOW)
        jobs.end(connection, claimed(connection, at=later(5)), state=JobState.DONE, now=later(6))

        again = mining_jobs.queue(connection, 7, later(7), at_once=True)

        assert claimed(connection, at=later(7)).id == again


def test_job_that_waits_for_its_miner_is_woken(database: Database):
    """Who has installed it and starts the node again does not wait for the delay."""
    with database.write() as connection:
        first = mining_jobs.queue(connection, 1, NOW)
        job = claimed(connection, at=later(5))
        jobs.postpone(connection, job, now=later(5), delay_s=300, error_code="miner_missing", error="")
        assert mining_jobs.queue(connection, 2, later(6)) == first
        assert claim(connection, at=later(6)) is None

        mining_jobs.queue(connection, 2, later(7), at_once=True)

        assert claimed(connection, at=later(7)).id == first
