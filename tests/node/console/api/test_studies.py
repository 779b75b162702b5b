"""Studies over HTTP: the worklist's filters and pages, all of one study, its files, and what people do to it."""

import pytest

from db import audit, deliveries, jobs, positives, results, studies
from db.engine import Database
from db.records import JobKind, JobState, StudyState
from db.tokens import Scope
from tests.db.rows import NOW, claimed
from tests.db.test_worklist import arrived
from tests.node.console.api.conftest import FILE, RESULT, STUDY, Program
from tests.node.study.test_acts import SENT

OF = f"/studies/{STUDY}"


def said(program: Program, path: str, body: object = None) -> tuple[int, str]:
    """The status of an act, and its sentence."""
    answer = program.post(path, body)
    told = answer.json()
    return answer.status, told.get("sentence") or told["detail"]


@pytest.fixture
def sent(filled: Database) -> Database:
    """The study was read, and its result is at `pacs`."""
    with filled.write() as connection:
        study = studies.find(connection, STUDY)
        assert study is not None
        studies.begin_revision(connection, study)
        connection.exec_driver_sql("UPDATE job SET state = 'done', error = NULL")
        studies.end_revision(connection, study.id, 1, StudyState.READ)
        ids = [each.id for each in results.of_study(connection, study.id)]
        deliveries.add(connection, ids, "pacs")
        jobs.add(connection, kind=JobKind.DELIVER, subject_id=study.id, revision=1, destination="pacs", now=NOW)
        for each in deliveries.of_study(connection, study.id):
            deliveries.sent(connection, each.id, SENT, NOW)
        jobs.end(connection, claimed(connection), state=JobState.DONE, now=NOW)
    return filled


def test_the_list_is_the_worklist(filled: Database, reader: Program) -> None:
    """Each filter finds its studies; a page goes on where the last ended, and the last says so."""
    with filled.write() as connection:
        number = arrived(connection, 2, patient_name="SMITH^ADA", calling_ae="DX2")
        arrived(connection, 3, calling_ae="DX2")
        positives.replace(connection, number, {"Mass": 0.81})

    first = reader.get("/studies?ae=DX2&limit=1").json()
    rest = reader.get(f"/studies?ae=DX2&limit=1&after={first['next']}").json()
    (found,) = reader.get("/studies?finding=Mass&patient=smi&from=2026-03-14&to=2026-03-14").json()["items"]

    assert [each["accession_number"] for each in (*first["items"], *rest["items"])] == ["A3", "A2"]
    assert rest["next"] is None
    assert (found["patient_name"], found["progress"], found["findings"]) == ("SMITH^ADA", "arriving", {"Mass": 0.81})


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("state=gone", 422, "state: Input should be 'arriving'"),
        ("accession_number=A1", 422, "accession_number: Extra inputs are not permitted."),
        ("after=x", 422, "after: Input should be a valid integer"),
        ("finding=Gout", 400, "There is no such finding; there are Atelectasis"),
        ("from=yesterday", 400, "From is a day like 2026-03-14."),
    ],
)
def test_what_cannot_be_asked_for_is_said(reader: Program, query: str, status: int, sentence: str) -> None:
    """In a sentence; a filter that nobody knows is refused, or all would be shown to who asked for one."""
    answer = reader.get(f"/studies?{query}")

    assert (answer.status, answer.json()["detail"][: len(sentence)]) == (status, sentence)


def test_a_study_with_all_that_is_known_of_it(reader: Program) -> None:
    """Images, readings, results, reports and what happened, as the records are."""
    whole, (report,) = reader.get(OF).json(), reader.get(f"{OF}/reports").json()
    (reading,) = whole["readings"]

    assert whole["study"]["patient_name"] == "DOE^<script>alert(1)</script>"
    assert (reading["sop_instance_uid"], reading["model_version"], reading["heard"]) == ("2.25.1001", "m1", True)
    assert reading["scores"] == [
        {"finding": "Mass", "probability": 0.75, "operating_point": 0.5, "boxes": [[1, 2, 3, 4, 0.5]]}
    ]
    assert [(each["kind"], each["sop_instance_uid"]) for each in whole["results"]] == [("sr", RESULT)]
    assert [each["what"] for each in whole["events"]] == ["Received", "Settled", "Built", "Report received"]
    assert report["text"] == "DOE has a mass."
    assert reader.get("/studies/1.2.3").json() == {"detail": "No study with this UID has arrived."}


def test_an_object_is_had_as_a_file(programs: dict[Scope, Program], filled: Database) -> None:
    """Whole, and audited; what is gone, or of another study, is said."""
    judge = programs[Scope.LABEL]
    there = judge.get(f"{OF}/objects/{RESULT}")

    assert (there.status, there.text, there.headers["content-type"]) == (200, FILE.decode(), "application/dicom")
    assert judge.get(f"{OF}/objects/2.25.1001").status == 410
    assert judge.get(f"{OF}/objects/2.25.9").status == 404
    assert judge.get(f"/studies/9.9/objects/{RESULT}").status == 404
    with filled.read() as connection:
        (entry,) = audit.found(connection, 9, action="study.download")
    assert (entry.actor, entry.subject, entry.detail["sop_instance_uid"]) == ("radiologist", STUDY, RESULT)


def test_a_study_is_read_again_and_sent_again_once(sent: Database, administrator: Program) -> None:
    """The second time it is said that it is under way."""
    to_pacs, to_ward = {"destination": "pacs"}, {"destination": "ward"}

    assert said(administrator, f"{OF}/send", to_pacs) == (202, "1 objects are on their way to pacs again.")
    assert said(administrator, f"{OF}/send", to_pacs) == (409, "It is on its way to pacs already.")
    assert said(administrator, f"{OF}/send", to_ward) == (409, "Nothing that stands is to go to ward.")
    assert said(administrator, f"{OF}/read") == (202, "It is waiting to be read again.")
    assert said(administrator, f"{OF}/read") == (409, "It is waiting to be read already.")
    assert said(administrator, "/studies/9.9/read")[0] == 404
    with sent.read() as connection:
        entries = audit.found(connection, 9, subject=STUDY)
    assert [(each.actor, each.action) for each in entries] == [
        ("administrator", "study.read_again"),
        ("administrator", "study.send_again"),
    ]


def test_results_are_taken_back_once(sent: Database, programs: dict[Scope, Program]) -> None:
    """With a reason, in the name of who judges."""
    judge = programs[Scope.LABEL]

    assert said(judge, f"{OF}/retract")[0] == 422
    assert said(judge, f"{OF}/retract", {"reason": "quality"})[0] == 202
    assert said(judge, f"{OF}/retract", {"reason": "quality"}) == (
        409,
        "Its results were taken back already, or there are none.",
    )
    with sent.read() as connection:
        (entry,) = audit.found(connection, 9, action="results.retract")
    assert (entry.actor, entry.detail["reason"]) == ("radiologist", "quality")
