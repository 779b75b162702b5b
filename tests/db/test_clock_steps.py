"""A clock that is set back: nothing waits for the whole step."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from db import clock_steps, jobs, studies
from db.clock_steps import Longest
from db.engine import Connection, Database
from db.records import JobKind
from tests.db.rows import NOW, add_job, add_study, arrival, claimed, later

LONGEST = Longest(quiet_s=5, lease_s=60, retry_s=120)
HOUR = 3600.0


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A transaction on an empty database of either kind."""
    with database.write() as opened:
        yield opened


def mended(connection: Connection, now: datetime) -> bool:
    """Bring times back, if there are any ahead."""
    found = clock_steps.any_ahead(connection, now, LONGEST)
    if found:
        clock_steps.bring_back(connection, now, LONGEST)
    return found


@pytest.mark.parametrize(("seconds", "found"), [(0, False), (5, False), (HOUR, True)])
def test_study_settles_a_quiet_period_after_the_step(seconds: float, found: bool, connection: Connection):
    """One whose quiet period ends in an hour by the new time ends in five seconds; a usual one is left alone."""
    studies.record_arrival(connection, arrival(), settle_at=later(seconds))

    assert mended(connection, NOW) is found

    assert len(studies.settled(connection, later(5))) == 1


def test_lease_of_a_dead_worker_ends_after_its_time(connection: Connection):
    """Claimed an hour ahead of the new time, its job goes to another worker a minute from now."""
    add_job(connection, add_study(connection))
    claimed(connection, at=later(HOUR), lease_s=60)

    assert mended(connection, NOW)

    assert not jobs.any_expired(connection, later(59))
    assert jobs.any_expired(connection, later(61))


def test_back_off_ends_at_once(connection: Connection):
    """A delivery that was to be tried again an hour from now, by the new time, is due."""
    add_job(connection, add_study(connection), kind=JobKind.DELIVER, destination="pacs", not_before=later(HOUR))

    assert mended(connection, NOW)

    assert jobs.any_due(connection, [JobKind.DELIVER], NOW)


def test_wait_for_a_commitment_is_left_alone(connection: Connection):
    """It may be long, and the answer ends it."""
    job_id = add_job(connection, add_study(connection))
    job = claimed(connection)
    jobs.postpone(connection, job, now=NOW, delay_s=HOUR, error_code=jobs.AWAITING, error="")

    assert not mended(connection, NOW)

    assert jobs.get(connection, job_id).not_before == later(HOUR)


def test_step_forward_doubles_nothing(connection: Connection):
    """A lease that ends early gives the job to another; the first worker can end it no more."""
    add_job(connection, add_study(connection))
    first = claimed(connection)
    assert not mended(connection, later(HOUR))
    jobs.expire(connection, later(HOUR))
    second = claimed(connection, at=later(HOUR), owner="two")

    assert (second.id, second.attempts) == (first.id, 2)
