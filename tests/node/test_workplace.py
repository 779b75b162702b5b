"""A worker's process in a cluster: what a message leads to, and when a fresh process should go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from db import jobs
from db.engine import Database
from db.records import JobKind, JobState
from node import wiring, workplace
from node.celery_app import reads
from node.errors import SettingsError
from node.parts import NodeRole
from node.settings import load
from node.telemetry.watch import Watch
from node.workplace import Workplace
from tests.nodes import StartNode, chest, push
from tests.peers.pacs import StorageScp
from tests.peers.processes import wait_until


class Heard:
    """A broker that remembers what was announced."""

    def __init__(self) -> None:
        self.jobs: list[int] = []

    def announce(self, job_id: int) -> None:
        """Remember it."""
        self.jobs.append(job_id)

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""


@pytest.fixture
def received(start_node: StartNode, pacs: StorageScp) -> Database:
    """The database of a node that has received and settled a study, and whose workers are elsewhere."""
    node = start_node(pacs=pacs, **{"reading.workers": 0, "work.delivery_workers": 0, "mining.workers": 0})
    push(node, chest())
    wait_until(lambda: _jobs(node.database), timeout_s=20, what="the study did not settle")
    return node.database


def _jobs(database: Database) -> list[Any]:
    with database.read() as connection:
        return jobs.newest(connection, 10)


@pytest.fixture
def open_place(
    settings_options: Callable[..., dict[str, Any]], pacs: StorageScp
) -> Callable[..., tuple[Workplace, Heard]]:
    """A workplace on the same data folder."""

    def build(database: Database, *, reads: bool = True, **more: Any) -> tuple[Workplace, Heard]:
        settings = load(None, **settings_options(pacs=pacs, **({"mining.workers": 0} | more)))
        heard = Heard()
        return workplace.build(settings, database, heard, overdue=lambda _job: None, reads=reads), heard

    return build


def test_messages_lead_from_image_to_pacs(received: Database, open_place: Callable[..., Any], pacs: StorageScp):
    """A message about the study's job reads it and announces its delivery; a message about that sends it."""
    place, heard = open_place(received)
    (read,) = _jobs(received)

    spent = place.run(read.id)
    (deliver,) = heard.jobs
    place.run(deliver)

    assert {job.state for job in _jobs(received)} == {JobState.DONE}
    assert len(pacs.received) == 3
    assert spent is False


def test_stale_doubled_and_senseless_messages_do_nothing(
    received: Database, open_place: Callable[..., Any], pacs: StorageScp
):
    """A job is run once, however often a message names it; one that never was is nobody's fault."""
    place, heard = open_place(received)
    (read,) = _jobs(received)

    for job_id in (read.id, read.id, 4711, heard.jobs[0] if heard.jobs else read.id):
        place.run(job_id)
    for job_id in heard.jobs * 2:
        place.run(job_id)

    assert {job.attempts for job in _jobs(received)} == {1}
    assert len(pacs.order) == 3


def test_worker_ends_after_its_jobs_or_above_its_memory(received: Database, open_place: Callable[..., Any]):
    """The supervisor starts a fresh one in its place."""
    few, _ = open_place(received, **{"work.max_jobs": 2})
    small, _ = open_place(received, **{"work.max_memory_mb": 1})

    assert [few.run(4711) for _ in range(3)] == [False, True, True]
    assert small.run(4711) is True


@pytest.mark.parametrize(("queues", "waits"), [("inference", True), ("delivery,mining", False), ("training", False)])
def test_only_who_reads_waits_for_a_model(queues: str, waits: bool) -> None:
    """The queues of `-Q` say what a worker does."""
    worker = Celery(set_as_current=False)
    worker.amqp.queues.select(queues.split(","))

    assert reads(worker) is waits


@pytest.mark.parametrize("asked", [True, False])
def test_readiness_names_the_model_where_studies_are_read(
    sqlite_database: Database, open_place: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    """A worker that delivers and mines is ready on a site that has not promoted a model yet."""
    watched: list[Watch] = []
    monkeypatch.setattr(workplace, "endpoints", lambda _settings, watch: watched.append(watch) or ())

    open_place(sqlite_database, reads=asked)

    assert ["model" in watch.checks for watch in watched] == [asked]


def test_broker_and_threads_do_not_mix(settings_options: Callable[..., dict[str, Any]], tmp_path: Path):
    """With a broker the default roles leave the work to Celery, and role work is refused with a sentence."""
    settings = load(None, **settings_options(**{"broker.url": "redis://:secret@127.0.0.1:1/0"}))

    assert wiring.roles_of(settings) == {"scp", "hl7", "reconcile", "console"}
    with pytest.raises(SettingsError, match="celery"):
        wiring.build(settings, [NodeRole.WORK])


def test_jobs_kinds_and_look(received: Database):
    """What the broker and the worker ask of a job's number."""
    (read,) = _jobs(received)

    with received.read() as connection:
        assert jobs.kinds(connection, [read.id, 4711]) == {read.id: JobKind.READ}
        assert jobs.look(connection, 4711) is None
