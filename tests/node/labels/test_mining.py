"""Mining jobs: what is mined, by whom, once, and what happens where the miner is missing."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db import jobs, mining_jobs, minings, reports
from db.engine import Database, connect
from db.records import JobKind, JobState
from db.report_records import ReportArrival, ReportStatus, ReportText
from db.vocabulary import Assertion
from nlp.aggregate import MinedReport, Policy
from nlp.errors import WorkerLostError
from nlp.miner import Miner
from nlp.parser import MODEL
from nlp.workers import mine_share
from node.labels.mining import BATCH, ReportMining
from tests.db.test_reports import message, version
from tests.working import worker_of

NOW = datetime(2026, 3, 14, tzinfo=UTC)


class InProcess:
    """A pool that mines in this process; before a report in `before` something else happens, once."""

    def __init__(self, miner: Miner) -> None:
        self.miner = miner
        self.closed = threading.Event()
        self.mined: list[int] = []
        self.before: dict[int, Callable[[], None]] = {}

    def mine(self, items: Iterable[ReportText], policy: Policy) -> Iterator[MinedReport]:
        for item in items:
            if item.id in self.before:
                self.before.pop(item.id)()
            self.mined.append(item.id)
            yield from mine_share(self.miner, [item], policy)

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def miner(loaded_miner: Miner) -> Miner:
    """The miner as the product makes it."""
    return loaded_miner


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An empty database with the schema, of either kind."""
    opened = connect(migrated_url)
    yield opened
    opened.close()


def mining(database: Database, pool: InProcess, policy: Policy = Policy.CODED, model: str = MODEL) -> ReportMining:
    """The handler of mining jobs, over this pool."""
    return ReportMining(
        database=database,
        pool=pool,  # type: ignore[arg-type]
        language_model=model,
        policy=policy,
        now=lambda: NOW,
    )


def store(database: Database, *texts: str, ask: bool = True, **changes: object) -> None:
    """Reports as they arrive, and a job to mine them."""
    with database.write() as connection:
        first = (reports.newest(connection) or 0) + 1
        for number, text in enumerate(texts, first):
            new: ReportArrival = replace(
                version(f"A{number}", report_key=f"F{number}", **changes), text=text, sections=()
            )
            reports.record(connection, message(new, control_id=f"M{number}"))
        if ask:
            mining_jobs.queue(connection, first + len(texts) - 1, NOW, at_once=True)


def work(database: Database, handler: ReportMining) -> bool:
    """Run a due job, as the worker does; whether there was one."""
    return worker_of(database, JobKind.MINE, handler, lambda: NOW).run_one((JobKind.MINE,))


def effusions(database: Database) -> dict[int, str]:
    """What the readings that hold say of effusion, by report version."""
    with database.read() as connection:
        newest = reports.newest(connection) or 0
        held = minings.current(connection, list(range(1, newest + 1)))
    return {number: reading.state("Effusion") for number, reading in held.items()}


def test_stored_reports_become_labels(database: Database, miner: Miner):
    """Each version up to the job's has its reading, with the mention that decided where it stands in the text."""
    store(database, "Small left effusion.", "No effusion.", "")
    store(database, "Possible effusion.", status=ReportStatus.CANCELLED)

    assert work(database, mining(database, InProcess(miner)))

    assert effusions(database) == {1: "positive", 2: "negative", 3: "unmentioned", 4: "uncertain"}
    with database.read() as connection:
        reading = minings.current(connection, [1])[1]
        empty = minings.current(connection, [3])[3]
        (job,) = jobs.newest(connection, 5)
    decided = reading.mentions[reading.labels["Effusion"]]
    assert "Small left effusion."[decided.start : decided.end] == "effusion"
    assert (decided.code, decided.rule_id, decided.kind) == ("60046008", "asserted", "disease")
    assert (empty.readability, empty.normal) == ("empty", False)
    assert job.state is JobState.DONE


def test_mention_of_another_time_is_kept_without_a_label(database: Database, miner: Miner):
    """ "History of pneumonia" leaves pneumonia unmentioned, and the mention says why."""
    store(database, "History of pneumonia.")

    work(database, mining(database, InProcess(miner)))

    with database.read() as connection:
        reading = minings.current(connection, [1])[1]
    assert reading.labels == {}
    assert [(each.finding, each.assertion) for each in reading.mentions] == [("Pneumonia", Assertion.UNMENTIONED)]


def test_job_goes_on_where_it_was_stopped(database: Database, miner: Miner):
    """A worker that dies in a long backlog loses no batch that it had written; nothing is mined twice."""
    store(database, *["Effusion."] * (BATCH + 2))
    pool = InProcess(miner)
    pool.before[BATCH + 2] = lose_a_worker
    handler = mining(database, pool)

    work(database, handler)
    with database.write() as connection:
        (job,) = jobs.newest(connection, 5)
        before = len(effusions(database))
        mining_jobs.queue(connection, job.subject_id, NOW, at_once=True)
    work(database, handler)

    assert (job.state, job.error_code, before) == (JobState.QUEUED, "fault", BATCH)
    assert pool.mined == [*range(1, BATCH + 2), BATCH + 1, BATCH + 2]
    assert set(effusions(database)) == set(range(1, BATCH + 3))


def test_node_that_stops_puts_its_job_back(database: Database, miner: Miner):
    """A long backlog does not hold the node up, and the attempt does not count."""
    store(database, *["Effusion."] * (BATCH + 2))
    pool = InProcess(miner)
    handler = mining(database, pool)

    def stop() -> None:
        handler.stop()
        lose_a_worker()

    pool.before[BATCH + 2] = stop
    work(database, handler)

    with database.read() as connection:
        (job,) = jobs.newest(connection, 5)
    assert pool.closed.is_set()
    assert (job.state, job.error_code, job.attempts, job.postponed) == (JobState.QUEUED, "stopped", 1, 1)
    assert len(effusions(database)) == BATCH


def lose_a_worker() -> None:
    """What a pool does whose process was killed."""
    raise WorkerLostError


def test_two_workers_on_one_backlog_leave_one_reading_each(database: Database, miner: Miner):
    """Two nodes of one database that mine the same reports at the same time do no harm."""
    store(database, *["Small effusion. No pneumothorax."] * 40, ask=False)
    with database.write() as connection:
        for _ in range(2):
            mining_jobs.queue(connection, 40, NOW, at_once=True)
            job = jobs.claim(connection, kinds=[JobKind.MINE], owner="x", now=NOW, lease_s=60)
            assert job is not None
    threads = [threading.Thread(target=mining(database, InProcess(miner)), args=(job,)) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as connection:
        readings = [minings.of_report(connection, number) for number in range(1, 41)]
    assert all(len(each) == 1 and len(each[0].mentions) == 2 for each in readings)


def test_only_what_is_new_is_mined(database: Database, miner: Miner):
    """The next report does not have the history mined again; another policy does, and keeps what was said."""
    pool = InProcess(miner)
    store(database, "Effusion.")
    work(database, mining(database, pool))
    store(database, "Probable effusion.")
    work(database, mining(database, pool))
    assert pool.mined == [1, 2]

    strict = mining(database, pool, Policy.STRICT)
    assert strict.catch_up() is not None
    work(database, strict)

    assert pool.mined == [1, 2, 1, 2]
    assert effusions(database) == {1: "positive", 2: "uncertain"}
    with database.read() as connection:
        assert [each.miner.policy for each in minings.of_report(connection, 2)] == ["strict", "coded"]


def test_node_that_starts_asks_for_what_is_left(database: Database, miner: Miner):
    """Reports that arrived while nothing was mined are not forgotten; where all is done there is no job."""
    handler = mining(database, InProcess(miner))
    assert handler.catch_up() is None
    store(database, "Effusion.", ask=False)

    assert handler.catch_up() is not None
    work(database, handler)

    assert handler.catch_up() is None
    assert effusions(database) == {1: "positive"}


def test_job_waits_for_a_miner_that_is_not_installed(database: Database, miner: Miner):
    """A host that only receives: the job says what to install, and never dies of it."""
    store(database, "Effusion.")
    missing = mining(database, InProcess(miner), model="no_such_model")

    for number in range(5):
        assert work(database, missing)
        with database.write() as connection:
            (job,) = jobs.newest(connection, 5)
            assert not work_is_due(database)
            mining_jobs.queue(connection, 1, NOW, at_once=True)
        assert (job.state, job.error_code, job.postponed) == (JobState.QUEUED, "miner_missing", number + 1)
    assert "no_such_model is not installed: pip install" in (job.error or "")
    assert missing.catch_up() is None

    work(database, mining(database, InProcess(miner)))

    assert effusions(database) == {1: "positive"}


def work_is_due(database: Database) -> bool:
    """Whether a job may run now."""
    with database.read() as connection:
        return bool(jobs.due(connection, NOW))
