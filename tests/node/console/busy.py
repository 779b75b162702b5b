"""A node on a busy morning, as rows: for the pages of the system."""

from datetime import datetime, timedelta
from typing import Any

from db import audit, deliveries, jobs, processes, studies
from db.engine import Connection
from db.processes import Process
from db.records import JobKind, JobState
from db.result_records import DeliveryState
from tests.db.rows import add_job, add_result, add_study, arrival, claimed

DESTINATIONS: list[dict[str, Any]] = [
    {"name": "pacs", "ae_title": "MAINPACS", "host": "10.20.30.5", "port": 104, "commitment": True},
    {"name": "vna", "protocol": "stow", "url": "https://vna.example.org/dicom-web", "profile": "pacs-minimal"},
]


def fill(connection: Connection, now: datetime) -> None:
    """Three processes, jobs in each state, results on their way, callers, and who did what."""
    study_id = add_study(connection)
    for revision in (1, 2, 3):
        job_id = add_job(connection, study_id, revision, now=now - timedelta(hours=revision))
        _end(connection, now, JobState.DEAD, "worker_lost", "The worker stopped while it ran this job.")
    sending = {"kind": JobKind.DELIVER, "destination": "pacs", "now": now - timedelta(minutes=40)}
    add_job(connection, study_id, **sending)
    _end(connection, now, JobState.FAILED, "refused", "2 of 3 objects: SOP Class not supported (0x0122).")
    add_job(connection, study_id, 4, now=now - timedelta(minutes=3))
    claimed(connection, at=now, owner="reader1:814:1")
    add_job(connection, study_id, 5, now=now - timedelta(minutes=1))
    for number, (name, state) in enumerate((("pacs", DeliveryState.REFUSED), ("vna", DeliveryState.WAITING)), 1):
        deliveries.add(connection, [add_result(connection, study_id, job_id, number)], name, state)
    staff(connection, now)
    for number, calling_ae in enumerate(("DXROOM1", "DXROOM1", "CRPORTABLE"), 20):
        image = arrival(number, calling_ae=calling_ae, calling_address="10.20.30.41", received_at=now)
        studies.record_arrival(connection, image, None)


def staff(connection: Connection, now: datetime) -> None:
    """Three processes, one of which is silent, and who did what."""
    for roles, host, pid, ago_s in (("console hl7 scp", "node1", 701, 3), ("work", "reader1", 814, 9)):
        _live(connection, now, roles, host, pid, ago_s)
    _live(connection, now, "work", "reader2", 533, 300)
    rejected = {"reason": "unknown calling AE title", "repeated": 41}
    for actor, action, subject, detail in (
        ("SCANNER7", "association.reject", "10.9.9.9", rejected),
        ("anna", "study.view", "2.25.1", {}),
        ("anna", "job.retry", "job 3", {"jobs": [3]}),
    ):
        audit.append(connection, actor=actor, action=action, subject=subject, now=now, detail=detail)


def _end(connection: Connection, now: datetime, state: JobState, code: str, words: str) -> None:
    jobs.end(connection, claimed(connection, at=now), state=state, now=now, error_code=code, error=words)


def _live(connection: Connection, now: datetime, roles: str, host: str, pid: int, ago_s: float) -> None:
    beat_at = now - timedelta(seconds=ago_s)
    began = now - timedelta(hours=30)
    one = Process(
        key=f"{host}:{pid}", roles=roles, host=host, pid=pid, version="0.1.0", started_at=began, beat_at=beat_at
    )
    processes.beat(connection, one)
