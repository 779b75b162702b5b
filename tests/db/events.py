"""Reports and studies that arrive, for the tests of links, and what became of them."""

import hashlib
from collections.abc import Callable

from sqlalchemy import select

from db import linking, links, reports, studies
from db.engine import Connection, Database
from db.report_records import MessageArrival, ReportArrival, ReportStatus
from db.schema import link, report, study
from db.vocabulary import Unlinked
from tests.db.rows import NOW, arrival

Arrive = Callable[[Connection], None]


def brought(key: str = "R1", **changes: object) -> Arrive:
    """A message with one report arrives."""

    def arrive(connection: Connection) -> None:
        reports.record(connection, message(key, **changes))

    return arrive


def message(key: str = "R1", **changes: object) -> MessageArrival:
    """A message with one report, of accession A1 and patient P1 unless it says otherwise."""
    raw = f"{key} {sorted(changes.items())}".encode()
    usual = {"accession_number": "A1", "study_instance_uid": None, "patient_id": "P1", "version_at": NOW}
    words = {
        "source": "H",
        "report_key": key,
        "modality": "CR",
        "procedure": "CHEST 2 VIEWS",
        "text": "",
        "sections": (),
    }
    new = ReportArrival(**{**usual, **words, "status": ReportStatus.FINAL, "message_at": NOW, **changes})  # type: ignore[arg-type]
    return MessageArrival(
        sending_application="RIS",
        sending_facility="H",
        control_id=key,
        message_type="ORU^R01",
        version="2.5.1",
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        peer_address="127.0.0.1",
        answer="AA",
        received_at=NOW,
        reports=(new,),
    )


def settled(uid: str = "2.25.1", **changes: object) -> Arrive:
    """A study arrives, of accession A1 and patient P1 unless it says otherwise, and settles."""

    def arrive(connection: Connection) -> None:
        arriving(uid, **changes)(connection)
        found = studies.find(connection, uid)
        assert found is not None
        linking.link_studies(connection, [found.id], NOW)

    return arrive


def arriving(uid: str = "2.25.1", **changes: object) -> Arrive:
    """The same, not settled yet."""

    def arrive(connection: Connection) -> None:
        instance = {"sop_instance_uid": f"{uid}.1", "sha256": uid.rjust(64, "0"), "study_instance_uid": uid}
        studies.record_arrival(connection, arrival(**{**instance, **changes}), settle_at=NOW)

    return arrive


def happen(database: Database, *events: Arrive) -> set[tuple[str, str, str]]:
    """Let these happen, each in a transaction; then the links: report key, Study Instance UID, by what."""
    for event in events:
        with database.write() as connection:
            event(connection)
    return linked(database)


def linked(database: Database) -> set[tuple[str, str, str]]:
    """Report key, Study Instance UID, and by what they are linked."""
    query = select(report.c.report_key, study.c.study_instance_uid, link.c.by).select_from(link)
    query = query.join(report, report.c.id == link.c.report_id).join(study, study.c.id == link.c.study_id)
    with database.read() as connection:
        return {(row.report_key, row.study_instance_uid, row.by) for row in connection.execute(query)}


def why(database: Database) -> dict[str, Unlinked | None]:
    """Why each report is not linked."""
    with database.read() as connection:
        return {each.report_key: each.unlinked for each in links.listed(connection)}
