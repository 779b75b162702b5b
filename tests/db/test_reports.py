"""Messages and their reports, on both databases."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from db import reports
from db.engine import Database, connect
from db.report_records import MessageArrival, ReportArrival, ReportSection, ReportStatus
from db.schema import report

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database with the tables of this version."""
    database = connect(migrated_url)
    yield database
    database.close()


def version(accession_number: str = "A1", **changes: object) -> ReportArrival:
    """A final report of noon."""
    usual = ReportArrival(
        source="HOSPITAL",
        report_key="F1",
        modality="RAD",
        procedure="CHEST 2 VIEWS",
        accession_number=accession_number,
        study_instance_uid=None,
        patient_id="P1",
        status=ReportStatus.FINAL,
        version_at=NOON,
        message_at=NOON,
        text="Clear lungs.\nNo effusion.",
        sections=(ReportSection(suffix="GDT", start=0, end=12), ReportSection(suffix="IMP", start=13, end=25)),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def message(*of: ReportArrival, control_id: str = "M1", raw: bytes = b"MSH|...") -> MessageArrival:
    """A message that brings these reports."""
    return MessageArrival(
        sending_application="RIS",
        sending_facility="HOSPITAL",
        control_id=control_id,
        message_type="ORU^R01",
        version="2.5.1",
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        peer_address="127.0.0.1",
        answer="AA",
        received_at=NOON,
        reports=of,
    )


def record(database: Database, arrival: MessageArrival) -> bool:
    """Record in a transaction of its own."""
    with database.write() as connection:
        return reports.record(connection, arrival)


def test_a_recorded_report_reads_back_as_it_was(database: Database) -> None:
    """What went in comes out: text, sections, status, times."""
    record(database, message(version(study_instance_uid="1.2.3")))

    with database.read() as connection:
        found = reports.current(connection, "A1")

    assert found is not None
    names = ReportArrival.__dataclass_fields__
    assert ReportArrival(**{name: getattr(found, name) for name in names}) == version(study_instance_uid="1.2.3")
    assert found.received_at == NOON


def test_a_message_sent_again_is_not_stored_twice(database: Database) -> None:
    """The same sender, control id and bytes are the same message."""
    new = [record(database, message(version())) for _ in range(3)]

    with database.read() as connection:
        counts = reports.message_count(connection), reports.count(connection, "A1")
    assert new == [True, False, False]
    assert counts == (1, 1)


def test_other_bytes_under_a_known_control_id_are_another_message(database: Database) -> None:
    """A sender that counts its control ids anew each day loses nothing."""
    record(database, message(version(), raw=b"MSH|one"))

    assert record(database, message(version(), raw=b"MSH|two"))


def test_two_copies_in_one_transaction_are_one(database: Database) -> None:
    """A commit that covers many messages still sees its own duplicates."""
    with database.write() as connection:
        new = [reports.record(connection, message(version())) for _ in range(2)]

    assert new == [True, False]


def test_the_current_version_is_the_latest_by_its_own_time(database: Database) -> None:
    """A final report that overtakes its preliminary one stays the current one."""
    final = version(version_at=NOON + HOUR, message_at=NOON + HOUR)
    preliminary = version(status=ReportStatus.PRELIMINARY, text="Draft.")
    record(database, message(final, control_id="M2"))
    record(database, message(preliminary, control_id="M1"))

    with database.read() as connection:
        found = reports.current(connection, "A1")
        order = [each.status for each in reports.versions(connection, "A1")]

    assert found is not None
    assert found.status is ReportStatus.FINAL
    assert order == [ReportStatus.PRELIMINARY, ReportStatus.FINAL]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param(version(), version(message_at=NOON + HOUR), id="the later message"),
        pytest.param(version(status=ReportStatus.PRELIMINARY), version(), id="final over preliminary"),
        pytest.param(version(), version(status=ReportStatus.ADDENDUM), id="addendum over final"),
    ],
)
def test_versions_of_one_time_have_an_order(database: Database, older: ReportArrival, newer: ReportArrival) -> None:
    """When OBR-22 is the same, the later message decides, then the status."""
    record(database, message(replace(newer, text="newer"), control_id="M2"))
    record(database, message(older, control_id="M1"))

    with database.read() as connection:
        found = reports.current(connection, "A1")

    assert found is not None
    assert found.text == "newer"


def test_counts_are_by_status_and_by_accession_number(database: Database) -> None:
    """One message may bring reports on several accession numbers."""
    first, second = version("A1"), version("A2", report_key="F2", status=ReportStatus.PRELIMINARY)
    record(database, message(first, second))

    with database.read() as connection:
        assert reports.counts(connection) == {"final": 1, "preliminary": 1}
        assert [reports.count(connection, number) for number in (None, "A1", "A2", "A3")] == [2, 1, 1, 0]
        assert reports.current(connection, "A3") is None


def test_each_report_has_one_current_version(database: Database):
    """Two reports under one accession number, one of them corrected: the correction and the other one hold."""
    first = version(report_key="F1")
    corrected = version(report_key="F1", status=ReportStatus.CORRECTED, message_at=NOON + HOUR, text="Effusion.")
    other_site = version(report_key="F1", source="CLINIC", text="Another patient's.")
    with database.write() as connection:
        reports.record(connection, message(corrected, control_id="2"))
        reports.record(connection, message(first, control_id="1"))
        reports.record(connection, message(other_site, control_id="3"))
        current = connection.execute(reports.current_versions()).scalars().all()

        within = select(report.c.id).where(report.c.id.in_(reports.current_versions()))
        texts = {each.id: each.text for each in reports.versions(connection, "A1")}

        assert sorted(connection.execute(within).scalars()) == sorted(current)
    assert sorted(texts[each] for each in current) == ["Another patient's.", "Effusion."]


@pytest.mark.parametrize("number", [0, 2])
def test_newest_report_is_the_one_stored_last(number: int, database: Database):
    """None, where there is none."""
    with database.write() as connection:
        for place in range(number):
            reports.record(connection, message(version(report_key=f"F{place}"), control_id=f"M{place}"))

        assert reports.newest(connection) == (number or None)
