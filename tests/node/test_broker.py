"""What a broker is told, and what is said of one that anybody may use."""

import base64
import json
from collections.abc import Iterator

import pytest
import redis

from db import jobs, studies
from db.engine import Database
from db.records import JobKind
from node import wiring
from node.celery_app import QUEUES, Broker
from node.sections.running import BrokerSettings
from node.settings import load
from tests.db.rows import NOW, arrival
from tests.peers.processes import wait_until

READ = QUEUES[JobKind.READ]


@pytest.fixture
def held(redis_url: str) -> Iterator["redis.Redis[bytes]"]:
    """A Redis database of this test's own."""
    with redis.Redis.from_url(f"{redis_url.rpartition('/')[0]}/7") as client:
        client.flushdb()
        yield client
        client.flushdb()


def test_message_is_a_job_number_and_nothing_of_the_patient(
    sqlite_database: Database, redis_url: str, held: "redis.Redis[bytes]"
):
    """Whoever reads the broker learns which jobs there are, and not of whom."""
    with sqlite_database.write() as connection:
        known = {"patient_id": "CANARYID", "patient_name": "CANARY^JANE", "accession_number": "CANARYACC"}
        studies.record_arrival(connection, arrival(1, **known), settle_at=None)
        job_id = jobs.add(connection, kind=JobKind.READ, subject_id=1, revision=1, now=NOW)
    broker = Broker(BrokerSettings(url=f"{redis_url.rpartition('/')[0]}/7"), sqlite_database)

    broker.start()
    broker.announce(job_id)
    wait_until(lambda: held.llen(READ) == 1, timeout_s=20, what="nothing was announced")
    broker.stop()

    raw = held.lindex(READ, 0)
    assert raw is not None
    message = json.loads(raw)
    body = base64.b64decode(message["body"])
    arguments, options, _ = json.loads(body)
    assert (message["content-type"], arguments, options) == ("application/json", [job_id], {})
    assert b"CANARY" not in raw + body
    assert b"2.25." not in raw + body


@pytest.mark.parametrize(("url", "warned"), [("redis://127.0.0.1:1/0", True), ("redis://:secret@127.0.0.1:1/0", False)])
def test_open_broker_is_reported_at_the_start(
    url: str, warned: bool, sqlite_database: Database, caplog: pytest.LogCaptureFixture
):
    """Who runs the node reads that its broker asks for no password; the password of one that does is in no log."""
    wiring._broker(load(None, **{"broker.url": url}), sqlite_database)

    assert ("the broker asks for no password" in caplog.text) is warned
    assert "secret" not in caplog.text
