"""The page of one study, without a browser."""

from pathlib import Path

import pytest

from db import audit, deliveries, jobs, reports, results, studies
from db.engine import Database
from db.records import Absence, JobKind, StoredPrediction, StudyState
from db.report_records import ReportStatus
from db.schema import instance
from tests.db.rows import add_job, add_result, add_study, arrival, later, record
from tests.db.test_dossier import message
from tests.node.console.browser import Answer, Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console

UID = "2.25.1"
PAGE = f"/studies/{UID}"
SCORE = {"finding": "Effusion", "probability": 0.75, "operating_point": 0.5, "boxes": [[10, 20, 30, 40, 180]]}


@pytest.fixture
def study(database: Database) -> Database:
    """A study that was read, with a report and a result on its way."""
    with database.write() as connection:
        study_id = add_study(connection)
        found = studies.find(connection, UID)
        assert found is not None
        studies.begin_revision(connection, found)
        job_id = add_job(connection, study_id)
        (one,) = studies.instances(connection, study_id)
        made = StoredPrediction(
            instance_id=one.id,
            model_version="m<1>",
            rows=200,
            columns=100,
            scores=[SCORE],
            cam=b"\0" * 4,
            cam_shape=(1, 1, 1),
        )
        results.add_prediction(connection, made, NOON)
        deliveries.add(connection, [add_result(connection, study_id, job_id, model_version="m<1>")], "pacs")
        jobs.add(connection, kind=JobKind.DELIVER, subject_id=study_id, revision=1, destination="pacs", now=NOON)
        studies.end_revision(connection, study_id, 1, StudyState.READ)
        reports.record(connection, message(1, ReportStatus.FINAL))
    return database


def asked(database: Database, data: Path, role: str, path: str = PAGE) -> Answer:
    """What a person of this role is shown."""
    with serving(console(database, data)) as client:
        client.log_in(role, PASSWORD)
        return client.get(path)


def post(client: Browser, what: str, **form: str) -> Answer:
    """Send a form of the page."""
    return client.post(f"{PAGE}/{what}", {"form_token": client.get(PAGE).form_token} | form)


def test_the_page_has_evidence_report_and_story(study: Database, tmp_path: Path) -> None:
    """Whatever came from elsewhere is text; the look is in the audit log."""
    page = asked(study, tmp_path, "viewer")

    assert page.status == 200
    assert 'src="/studies/2.25.1/images/1/first"' in page.text
    assert '<rect x="10" y="20" width="30" height="40"' in page.text
    assert "m&lt;1&gt;" in page.text
    assert "Text 1." in page.text
    assert "Received</strong> 1 object from MODALITY" in page.text
    assert "Read again" not in page.text
    with study.read() as connection:
        assert [(e.actor, e.action, e.subject) for e in audit.newest(connection, 1)] == [("viewer", "study.view", UID)]


@pytest.mark.parametrize("uid", ["1.2.3", "x", "%00", "1" * 65])
def test_an_unknown_study_is_said(study: Database, tmp_path: Path, uid: str) -> None:
    """404, in words."""
    page = asked(study, tmp_path, "viewer", f"/studies/{uid}")

    assert (page.status, "The node has no study of this UID." in page.text) == (404, True)


@pytest.mark.parametrize(
    ("wanted", "shown", "sentence"),
    [("", 1, "By m&lt;1&gt;"), ("?image=2", 2, "No model has read this image yet."), ("?image=99", 1, "By m&lt;1&gt;")],
)
def test_each_image_can_be_chosen(study: Database, tmp_path: Path, wanted: str, shown: int, sentence: str) -> None:
    """The first that was read is shown unasked, and in place of one that is not there."""
    with study.write() as connection:
        studies.record_arrival(connection, arrival(2), settle_at=NOON)

    page = asked(study, tmp_path, "viewer", f"{PAGE}{wanted}")

    assert f"Radiograph, image {shown} of 2" in page.text
    assert f'src="/studies/2.25.1/images/{shown}/first"' in page.text
    assert f'data-full="/studies/2.25.1/images/{shown}/full"' in page.text
    assert f'<a href="?image={shown}" aria-current="true">Image {shown}</a>' in page.text
    assert sentence in page.text


@pytest.mark.parametrize("absence", list(Absence))
def test_an_image_whose_file_is_gone_says_so(study: Database, tmp_path: Path, absence: Absence) -> None:
    """In place of the viewer; what models said of it stays."""
    with study.write() as connection:
        connection.execute(instance.update().values(absence=absence, absent_at=NOON))

    page = asked(study, tmp_path, "viewer")

    assert (page.status, "Send the image again" in page.text, 'id="viewer"' in page.text) == (200, True, False)


def test_a_report_of_a_megabyte_is_a_page(study: Database, tmp_path: Path) -> None:
    """The beginning of it, and how much is not shown."""
    with study.write() as connection:
        connection.exec_driver_sql("UPDATE report SET text = ?", ("<b>" + "x" * 1_000_000,))

    page = asked(study, tmp_path, "viewer")

    assert page.status == 200
    assert "&lt;b&gt;xxx" in page.text
    assert "characters that are not shown here" in page.text


def test_a_person_retracts_once(study: Database, tmp_path: Path) -> None:
    """A reason is needed; the second time it is said that it was done."""
    with serving(console(study, tmp_path)) as client:
        client.log_in("radiologist", PASSWORD)
        without = post(client, "retract", reason="")
        first, second = post(client, "retract", reason="quality"), post(client, "retract", reason="quality")

    assert without.status == 400
    assert "Taken back: 1 of its results." in first.text
    assert "The results of this study were taken back." in first.text
    assert "Its results were taken back already" in second.text


def test_an_administrator_has_it_read_again(study: Database, tmp_path: Path) -> None:
    """It waits already here, and the page says so."""
    with serving(console(study, tmp_path)) as client:
        client.log_in("administrator", PASSWORD)
        stale = post(client, "read", saw="0")
        sent = post(client, "send", destination="pacs", saw="x")

    assert "Somebody has asked for that already" in stale.text
    assert "Somebody has asked for that already" in sent.text


def test_what_cannot_be_had_is_said(study: Database, tmp_path: Path) -> None:
    """A picture that cannot be made, a size that is none, a heat map of nobody, a file that is gone."""
    paths = ("images/1/first", "images/1/huge", "images/9/first", "images/1/heat?model=x&finding=Mass", "instances/1")
    with serving(console(study, tmp_path)) as client:
        client.log_in("radiologist", PASSWORD)
        answers = [client.get(f"{PAGE}/{path}") for path in paths]

    assert [each.status for each in answers] == [409, 404, 404, 404, 410]
    assert answers[0].text == "There is no picture."


def test_it_is_said_when_the_settings_name_the_model(database: Database, tmp_path: Path) -> None:
    """No promoted model is named as in service where another one reads."""
    with database.write() as connection:
        add_study(connection)
    with serving(console(database, tmp_path, fixed_model=True)) as client:
        client.log_in("administrator", PASSWORD)
        page = client.get("/studies/2.25.1").text

    assert "The settings name the model that reads." in page
    assert "is in service" not in page


def test_a_study_leads_on_through_the_list(study: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above and below, in the filter that one came with, which links and forms keep; the ends say so."""
    monkeypatch.setattr("db.worklist.NEAR", 1)
    with study.write() as connection:
        for number in (2, 3):
            record(connection, arrival(number, study_instance_uid=f"2.25.{number}", received_at=later(number)), NOON)
    with serving(console(study, tmp_path)) as client:
        client.log_in("administrator", PASSWORD)
        last = client.get(PAGE).text
        middle = client.get("/studies/2.25.2?ae=MODALITY&patient=P1&state=arriving").text
        none = client.get("/studies/2.25.2?ae=DX9").text
        after = post(client, "read?ae=MODALITY", saw="0").text
        far = client.get("/studies/2.25.2?state=sent&ae=MODALITY").text
        wrong = client.get(f"{PAGE}?state=nosuch")

    assert 'id="newer" href="/studies/2.25.2">Previous study' in last
    assert "This is the last of the list" in last
    of_list = "?state=arriving&amp;ae=MODALITY&amp;patient=P1"
    assert f'id="newer" href="/studies/2.25.3{of_list}"' in middle
    assert f'href="/studies{of_list}#study-2">Arriving, sent by MODALITY, patient (given)</a>' in middle
    assert f'action="/studies/2.25.2/read{of_list}"' in middle
    assert ("This is the first of the list" in none, "This is the last of the list" in none) == (True, True)
    assert 'id="newer" href="/studies/2.25.2?ae=MODALITY"' in after
    assert far.count("None of the nearest 1 fits") == 2
    assert 'href="/studies?state=sent&amp;ae=MODALITY&amp;before=2">Look further</a>' in far
    assert (wrong.status, "There is no such state" in wrong.text) == (400, True)
