"""What a machine that watches is told, and that a patient's data is not in it."""

import re
import socket
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from db import deliveries, jobs
from db.engine import Database, connect
from db.records import Job, JobKind, JobState
from db.schema import concordance_count
from node.dicom.acceptance import TOO_MANY
from node.errors import UnreachableError
from node.models.readiness import model_is_whole
from node.telemetry import readiness
from node.telemetry.endpoint import Endpoint
from node.telemetry.machine import Machine
from node.telemetry.metrics import exposition, measure
from node.telemetry.observer import Observer
from node.telemetry.stock import Stock
from node.telemetry.watch import Watch
from node.worker import Ending
from tests.db.rows import add_job, add_result, add_study
from tests.nodes import StartNode, chest, push, wait_for_study

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST = "127.0.0.1"


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body of a request."""
    connection = HTTPConnection(HOST, port, timeout=20)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def value(text: str, sample: str) -> float:
    """A sample's value, by its name with its labels."""
    (found,) = re.findall(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found)


@pytest.fixture
def database(migrated_url: str) -> Database:
    """A database without rows."""
    return connect(migrated_url)


def a_job(kind: JobKind = JobKind.READ) -> Job:
    """A job in its first attempt."""
    return Job(
        id=7,
        kind=kind,
        key="read:1:1",
        subject_id=1,
        revision=1,
        destination=None,
        state=JobState.RUNNING,
        attempts=1,
        postponed=0,
        owner="x",
        lease_until=NOON,
        not_before=NOON,
        error_code=None,
        error=None,
        created_at=NOON,
        ended_at=None,
    )


def test_node_counts_what_it_receives_and_reads(start_node: StartNode):
    """A study that came and was read is in the metrics of the console's port; its patient is not."""
    node = start_node()
    ds = chest(PatientName="CANARY^DOE", PatientID="PATIENT-4711", AccessionNumber="ACC-4711")

    assert push(node, ds, calling_ae="CANARYAE") == [0]
    wait_for_study(node, ds, "read")
    status, text = ask(node.console.port, "/metrics")

    assert status == 200
    assert value(text, 'cxr_stores_total{status="0x0000"}') == 1
    assert value(text, "cxr_associations_total") == 1
    assert value(text, "cxr_received_bytes_total") > 128 * 96
    assert value(text, "cxr_store_seconds_count") == 1
    for step in ("load", "infer", "build"):
        assert value(text, f'cxr_job_step_seconds_count{{step="{step}"}}') == 1
    assert value(text, "cxr_database_up") == 1
    assert value(text, "cxr_free_disk_bytes") > 0
    assert 'cxr_model_info{part="current"' in text
    assert not [word for word in ("CANARY", "4711", str(ds.StudyInstanceUID)) if word in text]


def test_rejected_association_is_counted_by_a_reason_of_ours(start_node: StartNode):
    """A caller that is turned away chooses no label."""
    node = start_node(**{"dicom.peers": [{"ae_title": "KNOWN", "addresses": ["127.0.0.1"]}]})

    with pytest.raises(UnreachableError):
        push(node, chest(), calling_ae="EVIL")
    _, text = ask(node.console.port, "/metrics")

    assert len(re.findall(r"^cxr_associations_rejected_total", text, re.MULTILINE)) == 1
    assert "EVIL" not in text
    assert "EVIL" not in TOO_MANY.words


def test_node_is_ready_until_its_disk_is_full(start_node: StartNode):
    """`/readyz` says what is the matter, `/healthz` only whether the process lives."""
    node = start_node(**{"dicom.min_free_mb": 2**40})

    ready, why = ask(node.console.port, "/readyz")

    assert (ready, "the disk is below min_free_mb" in why) == (503, True)
    assert ask(node.console.port, "/healthz") == (200, '{"ok": true}')


def test_stock_counts_jobs_that_are_not_done_and_their_age(database: Database):
    """Depth and age by kind and state, on both databases; what is due later has no age."""
    with database.write() as connection:
        jobs.add(connection, kind=JobKind.READ, subject_id=1, now=NOON - timedelta(seconds=90))
        jobs.add(connection, kind=JobKind.READ, subject_id=2, now=NOON - timedelta(seconds=30))
        jobs.add(connection, kind=JobKind.MINE, subject_id=3, now=NOON, not_before=NOON + timedelta(hours=1))
    metrics = measure()
    Stock(metrics.registry, database, lambda: NOON)

    text = exposition(metrics).decode()

    assert value(text, 'cxr_jobs{kind="read",state="queued"}') == 2
    assert value(text, 'cxr_oldest_job_seconds{kind="read",state="queued"}') == 90
    assert value(text, 'cxr_oldest_job_seconds{kind="mine",state="queued"}') == 0
    database.close()


def test_stock_says_how_far_model_and_reports_agree(database: Database):
    """Kappa of the recent weeks and of those before, by finding, and whether it has left its band."""
    cells = {(True, True): 20, (True, False): 5, (False, True): 10, (False, False): 15}
    usual = {"week": NOON.date(), "finding": "Effusion", "model_version": "1", "sender": "CR1", "view": "PA"}
    rows = [{**usual, "present": p, "reported": r, "number": number} for (p, r), number in cells.items()]
    with database.write() as connection:
        connection.execute(concordance_count.insert(), rows)
    metrics = measure()
    Stock(metrics.registry, database, lambda: NOON)

    text = exposition(metrics).decode()

    assert value(text, 'cxr_agreement_kappa{finding="Effusion",weeks="recent"}') == pytest.approx(0.4)
    assert value(text, 'cxr_agreement_left_band{finding="Effusion"}') == 0
    assert 'weeks="earlier"' not in text
    database.close()


def test_stock_names_no_sender(database: Database):
    """What goes back to whoever sent a study counts as one destination: no peer's AE title becomes a label."""
    with database.write() as connection:
        study_id = add_study(connection)
        ids = [add_result(connection, study_id, add_job(connection, study_id))]
        for name in ("back:CR1", "back:CR2", "pacs"):
            deliveries.add(connection, ids, name)
    metrics = measure()
    Stock(metrics.registry, database, lambda: NOON)

    text = exposition(metrics).decode()

    assert value(text, 'cxr_deliveries{destination="back",state="waiting"}') == 2
    assert value(text, 'cxr_deliveries{destination="pacs",state="waiting"}') == 1
    assert "CR1" not in text
    database.close()


def test_stock_says_that_the_database_is_down(tmp_path: Path):
    """Without its database a process still answers, and shows no figure that is not so."""
    metrics = measure()
    Stock(metrics.registry, connect(f"sqlite:///{tmp_path / 'gone' / 'cxr.db'}"), lambda: NOON)

    text = exposition(metrics).decode()

    assert value(text, "cxr_database_up") == 0
    assert "cxr_jobs{" not in text


def test_job_is_measured_by_how_it_ended():
    """A job that raised counts as a fault, and the fault goes on to the worker."""
    observer = Observer()

    def fail(_job: Job) -> Ending:
        raise ValueError("CANARY")

    observer.handler(lambda _job: Ending(state=JobState.DONE))(a_job())
    with pytest.raises(ValueError, match="CANARY"):
        observer.handler(fail)(a_job())

    text = exposition(observer.metrics).decode()
    assert value(text, 'cxr_job_seconds_count{kind="read",state="done"}') == 1
    assert value(text, 'cxr_job_seconds_count{kind="read",state="fault"}') == 1
    assert "CANARY" not in text


def test_gpu_memory_is_the_drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where NVIDIA's driver is, its figures are shown in bytes."""
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho '0, 1024, 16384'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    metrics = measure()
    Machine(metrics.registry, tmp_path)

    text = exposition(metrics).decode()

    assert value(text, 'cxr_gpu_memory_used_bytes{gpu="0"}') == 1024**3
    assert value(text, 'cxr_gpu_memory_bytes{gpu="0"}') == 16 * 1024**3


def test_processes_of_one_machine_take_ports_in_turn():
    """Two processes with the same settings each have a port of their own."""
    watch = Watch(metrics=measure(), checks={})
    with socket.create_server((HOST, 0)) as probe:
        start = probe.getsockname()[1]
        first = Endpoint(host=HOST, port=start, watch=watch)
        second = Endpoint(host=HOST, port=start, watch=watch)
        for each in (first, second):
            each.start()
        try:
            assert start < first.port < second.port
            assert ask(second.port, "/healthz")[0] == 200
            assert ask(second.port, "/etc/passwd")[0] == 404
        finally:
            for each in (first, second):
                each.stop()


def test_readiness_names_what_is_missing(database: Database, tmp_path: Path):
    """Each check says its sentence; an empty registry and a closed port are told apart."""
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]

    found = readiness.ask(
        {
            "database": readiness.database_answers(database),
            "broker": readiness.broker_is_reached(f"redis://:secret@{HOST}:{port}/0"),
            "model": model_is_whole(database, tmp_path, None),
            "bundle": model_is_whole(database, tmp_path, tmp_path),
            "disk": readiness.disk_has_room(tmp_path / "gone", 0),
        }
    )

    assert found == {
        "database": "ok",
        "broker": "the broker cannot be reached",
        "model": "no model is promoted; cxr models list shows which there are",
        "bundle": "the model in service cannot be loaded; cxr models rollback takes the one before",
        "disk": "the data folder cannot be reached",
    }
    database.close()
