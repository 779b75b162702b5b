"""Studies that came and results that went, in the audit log of a node that sends it somewhere."""

from datetime import UTC, datetime

import pytest

from db import audit
from db.engine import Database
from db.records import Study, StudyState
from node.auditing.transfers import Transfers

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STUDY = Study(
    id=4,
    study_instance_uid="2.25.1",
    patient_id="P-17",
    patient_name="Doe^Anna",
    accession_number="A1",
    study_date="20260301",
    state=StudyState.QUEUED,
    revision=0,
    settle_at=NOW,
    first_received_at=NOW,
    last_received_at=NOW,
    calling_ae="DXROOM1",
)


@pytest.mark.parametrize("wanted", [True, False])
def test_transfers_are_entries_where_they_are_wanted(sqlite_database: Database, wanted: bool):
    """By sender and destination, with the study; a node that sends its log nowhere has its rows."""
    transfers = Transfers(wanted=wanted, now=lambda: NOW)
    with sqlite_database.write() as connection:
        transfers.received(connection, STUDY)
        transfers.delivered(connection, "pacs", 4, 3)
        found = [(e.actor, e.action, e.subject, e.detail) for e in reversed(audit.newest(connection, 9))]

    assert found == wanted * [
        ("DXROOM1", "study.receive", "2.25.1", {"revision": 1}),
        ("node", "study.deliver", "study 4", {"destination": "pacs", "objects": 3}),
    ]
