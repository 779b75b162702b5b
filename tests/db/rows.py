"""Rows for the tests of the database, and a time for them to happen at."""

from datetime import UTC, datetime, timedelta
from typing import Any

from db import jobs, results, studies
from db.engine import Connection
from db.records import Arrival, Job, JobKind, StoredPrediction, Study
from db.report_records import MessageArrival, ReportArrival, ReportStatus

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, UTC)


def later(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def arrival(number: int = 1, **values: Any) -> Arrival:
    """The instance of this number, of study 2.25.1; other values take the place of the usual ones."""
    usual: dict[str, Any] = {
        "sop_instance_uid": f"2.25.100{number}",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "study_instance_uid": "2.25.1",
        "series_instance_uid": "2.25.2",
        "patient_id": "P1",
        "patient_name": "DOE^JANE",
        "accession_number": "A1",
        "study_date": "20260314",
        "path": f"2026/03/14/{number}.dcm",
        "size": 1000,
        "sha256": f"{number:064x}",
        "calling_ae": "MODALITY",
        "calling_address": "127.0.0.1",
        "received_at": NOW,
    }
    return Arrival(**usual | values)


def message(at: datetime = NOW, *, sender: str = "RIS", **report: Any) -> MessageArrival:
    """A message with one final report; `report` takes the place of the usual values."""
    usual: dict[str, Any] = {
        "source": "H",
        "report_key": "A1",
        "modality": "RAD",
        "procedure": "CHEST 2 VIEWS",
        "accession_number": "A1",
        "study_instance_uid": "2.25.1",
        "patient_id": "P1",
        "status": ReportStatus.FINAL,
        "version_at": at,
        "message_at": at,
        "text": "Clear lungs",
        "sections": (),
    }
    return MessageArrival(
        sending_application=sender,
        sending_facility=sender,
        control_id="1",
        message_type="ORU^R01",
        version="2.4",
        raw=b"",
        sha256="0" * 64,
        peer_address="127.0.0.1",
        answer="AA",
        received_at=at,
        reports=(ReportArrival(**usual | report),),
    )


def record(connection: Connection, new: Arrival, settle_at: datetime | None = NOW) -> Study:
    """Record an instance; its study."""
    studies.record_arrival(connection, new, settle_at=settle_at)
    study = studies.find(connection, new.study_instance_uid)
    assert study is not None
    return study


def add_study(connection: Connection, uid: str = "2.25.1") -> int:
    """A study with one instance; its row id."""
    new = arrival(study_instance_uid=uid, sop_instance_uid=f"{uid}.9", sha256=uid.rjust(64, "0"))
    return record(connection, new).id


def add_job(connection: Connection, study_id: int, revision: int = 1, **values: Any) -> int:
    """A reading job; its row id."""
    usual: dict[str, Any] = {"kind": JobKind.READ, "subject_id": study_id, "revision": revision, "now": NOW}
    job_id = jobs.add(connection, **usual | values)
    assert job_id is not None
    return job_id


def claim(connection: Connection, *, at: datetime = NOW, lease_s: float = 60, owner: str = "one") -> Job | None:
    """Claim a job of either kind."""
    return jobs.claim(connection, kinds=list(JobKind), owner=owner, now=at, lease_s=lease_s)


def claimed(connection: Connection, *, at: datetime = NOW, lease_s: float = 60, owner: str = "one") -> Job:
    """Claim a job that must be there."""
    job = claim(connection, at=at, lease_s=lease_s, owner=owner)
    assert job is not None
    return job


def add_result(connection: Connection, study_id: int, job_id: int, number: int = 1, **values: Any) -> int:
    """A result object of a job; its row id."""
    usual: dict[str, Any] = {
        "job_id": job_id,
        "study_id": study_id,
        "revision": 1,
        "kind": "sr",
        "model_version": "m1",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.34",
        "sop_instance_uid": f"2.25.500{number}",
        "series_instance_uid": "2.25.600",
        "path": f"2026/03/14/r{number}.dcm",
        "size": 10,
        "sha256": f"{number:064x}",
        "created_at": NOW,
    }
    return results.add_result(connection, **usual | values)


def prediction(instance_id: int, version: str = "m1", **values: Any) -> StoredPrediction:
    """What a model said of an instance, which is nothing; other values take the place of the usual ones."""
    usual: dict[str, Any] = {"rows": 1, "columns": 1, "scores": [], "cam": b"", "cam_shape": (0,)}
    return StoredPrediction(instance_id=instance_id, model_version=version, **usual | values)


def score(probability: float, finding: str = "Mass", **more: Any) -> dict[str, Any]:
    """A finding of a prediction, above its operating point or below it, in no box."""
    return {"finding": finding, "probability": probability, "operating_point": 0.5, "boxes": []} | more
