"""Training runs and comparisons as rows, on both databases."""

import pytest

from db import comparisons, jobs, models, snapshots, training_runs
from db.engine import Connection, Database
from db.errors import LeaseLostError, TakenError
from db.learning_records import RunState
from db.records import JobKind, JobState
from tests.db.rows import NOW, later

SHA = "ab" * 32


def entered(connection: Connection, version: str = "spring") -> int:
    """A run of a snapshot that is there."""
    snapshots.register(connection, sha256=SHA, folder=SHA[:12], created_at=NOW, findings=("Mass",), images={}, about={})
    run_id, _ = training_runs.add(
        connection,
        version=version,
        snapshot_sha256=SHA,
        wanted=(),
        method="upper",
        arguments=("--tune", "upper"),
        by="anna",
        now=NOW,
    )
    return run_id


def state(connection: Connection, run_id: int) -> RunState:
    """The state of a run."""
    found = training_runs.find(connection, run_id)
    assert found is not None
    return found.state


def test_a_run_goes_as_its_job_goes(database: Database):
    """It waits, runs, and is done; its model is registered when one of its version is."""
    with database.write() as connection:
        run_id = entered(connection)
        waiting = training_runs.of_version(connection, "spring")
        job = jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOW, lease_s=60)
        assert job is not None
        running = state(connection, run_id)
        training_runs.tell(connection, run_id, {"what": "Epoch 1", "done": 3, "total": 8})
        jobs.end(connection, job, state=JobState.DONE, now=later(9))
        models.register(connection, name="chest", version="spring", path="models/spring", card={}, now=later(9))
        (done,) = training_runs.newest(connection, 5)

    assert waiting is not None
    assert (waiting.state, waiting.snapshot, waiting.registered) == (RunState.WAITING, SHA, False)
    assert running is RunState.RUNNING
    assert (done.state, done.ended_at, done.registered, done.told["done"]) == (RunState.DONE, later(9), True, 3)
    assert (done.arguments, done.started_by) == (("--tune", "upper"), "anna")


def test_a_version_is_given_once(database: Database):
    """Neither a run's nor a registered model's is taken again."""
    with database.write() as connection:
        entered(connection)
        models.register(connection, name="chest", version="other", path="models/other", card={}, now=NOW)

        for version in ("spring", "other"):
            with pytest.raises(TakenError, match=version):
                entered(connection, version)


def test_a_run_that_waits_stops_at_once_and_one_that_runs_soon(database: Database):
    """Who stops it second is told that it ends already; both go on when somebody asks."""
    with database.write() as connection:
        waits, runs = entered(connection), entered(connection, "autumn")
        assert training_runs.ask_to_stop(connection, waits, by="anna", now=NOW)
        job = jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOW, lease_s=60)
        assert job is not None
        assert job.subject_id == runs
        first = training_runs.ask_to_stop(connection, runs, by="anna", now=NOW)
        second = training_runs.ask_to_stop(connection, runs, by="berta", now=NOW)
        states = [state(connection, each) for each in (waits, runs)]
        going = training_runs.go_on(connection, waits, later(1)), training_runs.go_on(connection, runs, later(1))
        after = training_runs.find(connection, waits)

    assert (first, second) == (True, False)
    assert states == [RunState.STOPPED, RunState.STOPPING]
    assert [len(each) for each in going] == [1, 0]
    assert after is not None
    assert (after.state, after.stopped_by, after.ended_at) == (RunState.WAITING, None, None)


def test_a_run_that_failed_says_why_and_can_go_on(database: Database):
    """Its reason is the job's; one that is done cannot."""
    with database.write() as connection:
        run_id = entered(connection)
        job = jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOW, lease_s=60)
        assert job is not None
        jobs.end(connection, job, state=JobState.FAILED, now=NOW, error_code="training", error="The disk is full.")
        failed = training_runs.find(connection, run_id)
        assert training_runs.go_on(connection, run_id, later(1)) == [job.id]
        assert training_runs.go_on(connection, run_id, later(1)) == []

    assert failed is not None
    assert (failed.state, failed.reason) == (RunState.FAILED, "The disk is full.")


def test_a_run_without_a_snapshot_gets_one(database: Database):
    """It says what is wanted until then."""
    with database.write() as connection:
        entered(connection)
        run_id, _ = training_runs.add(
            connection,
            version="new",
            snapshot_sha256=None,
            wanted=("Mass",),
            method="regions",
            arguments=(),
            by="anna",
            now=NOW,
        )
        before = training_runs.find(connection, run_id)
        older = training_runs.newest(connection, 5, before=run_id)
        training_runs.give_snapshot(connection, run_id, SHA)
        after = training_runs.find(connection, run_id)

    assert before is not None
    assert after is not None
    assert (before.snapshot, before.wanted, after.snapshot) == (None, ("Mass",), SHA)
    assert [each.version for each in older] == ["spring"]


def test_a_lost_lease_is_noticed(database: Database):
    """Whoever works long asks whether the job is still its own."""
    with database.write() as connection:
        entered(connection)
        job = jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOW, lease_s=60)
        assert job is not None
        jobs.require_held(connection, job)
        jobs.expire(connection, later(61))

        with pytest.raises(LeaseLostError):
            jobs.require_held(connection, job)


def test_two_people_who_ask_for_a_comparison_get_the_same(database: Database):
    """It has one job; one that failed runs again when it is asked for again."""
    ask = {"candidate": "b", "current": "a", "snapshot_sha256": SHA, "now": NOW}
    with database.write() as connection:
        entered(connection)
        first = comparisons.ask(connection, by="anna", **ask)
        second = comparisons.ask(connection, by="berta", **ask)
        job = jobs.claim(connection, kinds=[JobKind.COMPARE], owner="x", now=NOW, lease_s=60)
        assert job is not None
        comparisons.advance(connection, job.subject_id, 3, 12)
        (reading,) = comparisons.of_candidate(connection, "b", 5)
        jobs.end(connection, job, state=JobState.FAILED, now=NOW, error="An image is gone.")
        failed = comparisons.find(connection, reading.id)
        again = comparisons.ask(connection, by="berta", **ask)
        comparisons.conclude(connection, reading.id, {"objections": []})
        (concluded,) = comparisons.of_candidate(connection, "b", 5)

    assert (first, second, again) == ([job.id], [], [job.id])
    assert (reading.asked_by, reading.done, reading.total, reading.ended, reading.outcome) == (
        "anna",
        3,
        12,
        False,
        None,
    )
    assert failed is not None
    assert (failed.ended, failed.reason) == (True, "An image is gone.")
    assert concluded.outcome == {"objections": []}
