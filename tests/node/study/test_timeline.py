"""What happened to a study, told from its rows, event by event."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from db import audit, deliveries, dossier, jobs, linking, reports, retractions, studies
from db.deliveries import AsSent
from db.dossier import READ_AGAIN, RETRACT, SEND_AGAIN
from db.engine import Connection, Database
from db.records import JobKind, JobState
from db.report_records import ReportStatus
from db.retractions import Wanted
from db.vocabulary import RejectionReason
from node.study import timeline
from tests.db.rows import add_job, add_result, add_study, arrival, claimed, later, message

FORM = AsSent(sop_class_uid="1", sop_instance_uid="2", transfer_syntax_uid="3", sha256="4")


def told(database: Database) -> list[str]:
    """The events of the study in order, each as a sentence; those that went wrong end in an exclamation mark."""
    with database.read() as connection:
        found = dossier.of_study(connection, "2.25.1")
    assert found is not None
    events = timeline.events(found)
    assert [each.at for each in events] == sorted(each.at for each in events)
    return [f"{each.what} {each.detail}".strip() + ("!" if each.worrying else "") for each in events]


def ended(connection: Connection, seconds: float, state: JobState = JobState.DONE, error: str | None = None) -> None:
    """The job that waits is run, and ends so many seconds later."""
    jobs.end(connection, claimed(connection, at=later(seconds)), state=state, now=later(seconds), error=error)


def read(connection: Connection, study_id: int, revision: int = 1, seconds: float = 30) -> list[int]:
    """A revision settles, is read a second later, and has a report and a segmentation; their row ids."""
    job_id = add_job(connection, study_id, revision, now=later(seconds))
    ended(connection, seconds + 1)
    return [
        add_result(connection, study_id, job_id, 10 * revision + place, kind=kind, revision=revision)
        for place, kind in enumerate(("sr", "seg"))
    ]


def sent(connection: Connection, study_id: int, result_ids: Sequence[int], seconds: float) -> list[int]:
    """A destination takes results, one a second; the row ids of the deliveries."""
    deliveries.add(connection, result_ids, "pacs")
    ids = [each.id for each in deliveries.of_study(connection, study_id) if each.result_id in result_ids]
    for place, delivery_id in enumerate(ids):
        deliveries.sent(connection, delivery_id, FORM, later(seconds + place))
    return ids


def test_a_study_from_its_arrival_to_the_report(sqlite_database: Database) -> None:
    """Received, settled, read, built, sent, committed, reported: each once, with what it was of and who did it."""
    with sqlite_database.write() as connection:
        study_id = add_study(connection)
        studies.record_arrival(connection, arrival(2, received_at=later(5)), settle_at=later(35))
        ids = sent(connection, study_id, read(connection, study_id), 33)
        deliveries.ask(connection, ids, "2.25.9", later(40))
        deliveries.answered(connection, "2.25.9", {}, later(41))
        reports.record(connection, message(later(900)))
        linking.link_studies(connection, [study_id], later(900))

    assert told(sqlite_database) == [
        "Received 2 objects from MODALITY",
        "Settled revision 1",
        "Read revision 1",
        "Built report, segmentation by m1",
        "Sent to pacs 2 objects, revision 1",
        "Committed by pacs 2 objects, revision 1",
        "Report received final",
    ]


def test_what_one_sender_sends_together_is_one_event(sqlite_database: Database) -> None:
    """A pause of more than a minute, or another sender, begins a new one."""
    with sqlite_database.write() as connection:
        add_study(connection)
        for number, (seconds, sender) in enumerate(((50, "MODALITY"), (111, "MODALITY"), (112, "WARDXR")), 2):
            new = arrival(number, received_at=later(seconds), calling_ae=sender)
            studies.record_arrival(connection, new, settle_at=later(seconds))

    assert told(sqlite_database) == [
        "Received 2 objects from MODALITY",
        "Received 1 object from MODALITY",
        "Received 1 object from WARDXR",
    ]


@pytest.mark.parametrize(
    ("state", "error", "sentence"),
    [
        (JobState.FAILED, "The pixel data cannot be decoded.", "Not read The pixel data cannot be decoded.!"),
        (JobState.DEAD, None, "Not read!"),
        (JobState.DONE, "The view is not frontal (PA or AP).", "Not read The view is not frontal (PA or AP)."),
        (JobState.DONE, None, "Read revision 1, nothing new to say"),
    ],
)
def test_a_reading_that_made_nothing_says_why(
    sqlite_database: Database, state: JobState, error: str | None, sentence: str
) -> None:
    """Only what waits for a person stands out."""
    with sqlite_database.write() as connection:
        add_job(connection, add_study(connection), now=later(30))
        ended(connection, 31, state, error)

    assert told(sqlite_database)[1:] == ["Settled revision 1", sentence]


def test_what_people_did_and_what_came_of_it(sqlite_database: Database) -> None:
    """Read again, sent again, taken back: each by whom; and the rejection note is sent as such."""
    with sqlite_database.write() as connection:
        study_id = add_study(connection)
        sent(connection, study_id, read(connection, study_id), 33)
        audit.append(connection, actor="anna", action=READ_AGAIN, subject="2.25.1", now=later(60))
        again = read(connection, study_id, 2, 61)
        audit.append(
            connection, actor="anna", action=SEND_AGAIN, subject="2.25.1", now=later(70), detail={"destination": "pacs"}
        )
        sent(connection, study_id, again, 71)
        retractions.retract(connection, study_id, Wanted(), RejectionReason.PATIENT_SAFETY, later(90))
        reason = {"reason": "patient_safety"}
        audit.append(connection, actor="rita", action=RETRACT, subject="2.25.1", now=later(90), detail=reason)
        job_id = add_job(connection, study_id, 3, kind=JobKind.RETRACT, destination="pacs", now=later(90))
        note = add_result(connection, study_id, job_id, 30, kind="rejection", revision=3, created_at=later(91))
        sent(connection, study_id, [note], 92)

    assert told(sqlite_database)[5:] == [
        "Asked to be read again by anna",
        "Settled revision 2",
        "Read revision 2",
        "Built report, segmentation by m1",
        "Asked to be sent again to pacs by anna",
        "Sent to pacs 2 objects, revision 2",
        "Results taken back by rita, patient safety",
        "Built rejection note by m1",
        "Sent to pacs 1 object, rejection note",
    ]


def test_versions_of_a_report_are_events_of_their_own(sqlite_database: Database) -> None:
    """Each when it came."""
    with sqlite_database.write() as connection:
        study_id = add_study(connection)
        for seconds, status in ((60, ReportStatus.PRELIMINARY), (600, ReportStatus.FINAL)):
            new = message(later(seconds), status=status)
            reports.record(connection, replace(new, control_id=status))
        linking.link_studies(connection, [study_id], later(600))

    assert told(sqlite_database)[1:] == ["Report received preliminary", "Report received final"]
