"""How much waits and runs; on both databases."""

from db import backlog, jobs
from db.engine import Database
from db.records import JobKind, JobState
from tests.db.rows import NOW, add_job, add_study, claimed, later


def test_counts_are_by_kind_and_state(database: Database):
    """`cxr status` adds up."""
    with database.write() as connection:
        study_id = add_study(connection)
        for number in (1, 2, 3):
            add_job(connection, study_id, number)
        jobs.end(connection, claimed(connection), state=JobState.DONE, now=NOW)
        claimed(connection)

        assert backlog.counts(connection) == {"read.done": 1, "read.queued": 1, "read.running": 1}
        assert backlog.unfinished_count(connection) == 2
        assert [job.state for job in jobs.newest(connection, 10, [JobState.DONE])] == [JobState.DONE]


def test_work_at_hand_is_what_runs_or_may_run(database: Database):
    """What stands back for reading waits as long as a study is read or due, and not for one that is due later."""
    with database.write() as connection:
        study_id = add_study(connection)
        assert not backlog.any_at_hand(connection, JobKind.READ, NOW)

        add_job(connection, study_id, not_before=later(60))
        assert not backlog.any_at_hand(connection, JobKind.READ, NOW)
        assert backlog.any_at_hand(connection, JobKind.READ, later(60))
        assert not backlog.any_at_hand(connection, JobKind.DELIVER, later(60))

        held = claimed(connection, at=later(60))
        assert backlog.any_at_hand(connection, JobKind.READ, NOW)
        assert (backlog.unfinished_count(connection, JobKind.READ), backlog.unfinished_count(connection)) == (1, 1)
        assert backlog.unfinished_count(connection, JobKind.SHADOW) == 0

        jobs.end(connection, held, state=JobState.DONE, now=later(61))
        assert not backlog.any_at_hand(connection, JobKind.READ, later(62))
