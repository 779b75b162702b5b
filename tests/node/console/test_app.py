"""The console's application."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import escape
from starlette.requests import Request

from db import deliveries, models, reports, studies
from db.engine import Database, connect
from db.records import Arrival
from db.result_records import DeliveryState
from node.console import system
from node.console.access import Visit
from node.console.frame import Frame
from tests.db.rows import add_job, add_result, add_study, message
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console, with_people

# The counts of studies, jobs and deliveries call Result.tuples(), which SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The Result.tuples")

CANARIES = ("CANARY", "PATIENT-4711", "ACC-4711", "Clear lungs")


@pytest.fixture
def database(migrated_url: str, password_hash: str) -> Iterator[Database]:
    """A database of either kind, with its people."""
    database = connect(migrated_url)
    yield with_people(database, password_hash)
    database.close()


@pytest.fixture
def busy(database: Database) -> Database:
    """The database with a study, a report and a model in it."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), NOON)
        reports.record(
            connection,
            message(
                NOON,
                report_key="ACC-4711",
                accession_number="ACC-4711",
                study_instance_uid=None,
                patient_id="PATIENT-4711",
            ),
        )
        models.register(connection, name="tiny", version="tiny<1>", path="/", card={}, now=NOON)
        models.promote(connection, "tiny<1>", by="a test", now=NOON)
    return database


@pytest.fixture
def viewer(busy: Database, client: Browser) -> Browser:
    """A browser in which the viewer is logged in."""
    client.log_in("viewer", PASSWORD)
    return client


def arrival() -> Arrival:
    """An instance with a patient's name."""
    return Arrival(
        sop_instance_uid="1.2.3",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        study_instance_uid="1.2",
        series_instance_uid="1.2.1",
        patient_id="PATIENT-4711",
        patient_name="CANARY^<script>alert(1)</script>",
        accession_number="ACC-4711",
        study_date="20260301",
        path="x.dcm",
        size=1,
        sha256="0" * 64,
        calling_ae="MODALITY",
        calling_address="127.0.0.1",
        received_at=NOON,
    )


def test_health_says_that_it_works_and_no_more(busy: Database, client: Browser) -> None:
    """For a machine that watches, without a login."""
    answer = client.get("/healthz")

    assert (answer.status, answer.json()) == (200, {"ok": True})


def test_the_page_shows_counts(viewer: Browser) -> None:
    """For a person, with its disclaimer, and with what came from elsewhere escaped."""
    answer = viewer.get("/system")

    assert answer.status == 200
    assert "Not a medical device" in answer.text
    assert re.search(r"arriving</th><td>1</td>", answer.text)
    assert "tiny&lt;1&gt;" in answer.text


def test_the_counts_renew_themselves(viewer: Browser) -> None:
    """As a part of the page, without its frame."""
    page, part = viewer.get("/system").text, viewer.get("/system/counts").text

    assert 'hx-get="/system/counts"' in page
    assert "<html" not in part
    assert part.strip() in page


def test_nothing_of_a_patient_is_shown(viewer: Browser) -> None:
    """Not on these pages."""
    shown = "".join(viewer.get(path).text for path in ("/system", "/account", "/healthz", "/no-such-page"))

    assert not [word for word in CANARIES if word in shown]


def test_every_answer_has_the_security_headers(viewer: Browser) -> None:
    """Errors included; nothing is cached, framed or fetched from elsewhere, and nothing inline is run."""
    paths = [
        "/system",
        "/login",
        "/healthz",
        "/static/console.css",
        "/static/htmx.js",
        "/static/app.py",
        "/no-such-page",
    ]
    answers = [*(viewer.get(path) for path in paths), viewer.get("/system", "POST"), Browser(viewer.port).get("/")]

    assert [answer.status for answer in answers] == [200, 200, 200, 200, 200, 404, 404, 405, 303]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_pages_need_nothing_from_elsewhere(viewer: Browser) -> None:
    """No address but their own, and no style or script within."""
    for path in ("/system", "/account"):
        html = viewer.get(path).text

        sources = re.findall(r'(?:src|href|action|hx-get)="([^"]*)"', html)
        assert sources
        assert not [each for each in sources if not each.startswith(("/", "#")) or each.startswith("//")]
        assert not re.search(r"<style|style=|<script>|javascript:|\son\w+=|https?:", html)


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static/"])
def test_only_the_files_of_the_pages_are_served(client: Browser, path: str) -> None:
    """What is asked for is a name, never a path."""
    assert client.get(path).status == 404


def test_a_part_of_a_page_says_it_as_a_part(busy: Database, viewer: Browser) -> None:
    """What renews itself shows the sentence in its place, not a page within the page."""
    answer = viewer.get("/no-such-page", headers={"HX-Request": "true"})

    assert answer.status == 404
    assert "<html" not in answer.text
    assert "There is no such page." in answer.text


def test_a_fault_shows_nothing_of_itself(sqlite_database: Database, tmp_path: Path) -> None:
    """A plain sentence, with the headers."""
    with serving(console(sqlite_database, tmp_path)) as client:
        sqlite_database.read = sqlite_database.write = None  # type: ignore[method-assign,assignment]
        answer = client.get("/", headers={"Cookie": "cxr=a-session"})

    assert answer.status == 500
    assert "The page could not be made." in answer.text
    assert "TypeError" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_what_is_refused_keeps_the_menu(viewer: Browser) -> None:
    """Whoever is logged in finds the way on from there, and the way out; nobody else is shown a page's name."""
    refused = [viewer.get("/no-such-page"), viewer.get("/system/audit"), viewer.get("/system", "POST")]
    stranger = Browser(viewer.port).get("/no-such-page")

    assert [answer.status for answer in refused] == [404, 403, 405]
    for answer in refused:
        assert '<a href="/reports">Reports</a>' in answer.text
        assert f'value="{answer.form_token}"' in viewer.get("/system").text
    assert "/reports" not in stranger.text


def test_a_fault_keeps_the_menu(viewer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was let in before it is still there."""
    monkeypatch.setattr("db.worklist.listing", None)

    answer = viewer.get("/studies")

    assert answer.status == 500
    assert '<a href="/reports">Reports</a>' in answer.text


def test_what_waits_for_a_person_stands_out(busy: Database, viewer: Browser) -> None:
    """A dead job, a failed study and a refused result are marked, a count of none is not."""
    quiet = viewer.get("/system").text
    with busy.write() as connection:
        study_id = add_study(connection)
        job_id = add_job(connection, study_id)
        refused = add_result(connection, study_id, job_id)
        deliveries.add(connection, [refused], "pacs.main", DeliveryState.REFUSED)
        connection.exec_driver_sql("UPDATE study SET state = 'failed' WHERE study_instance_uid = '2.25.1'")
        connection.exec_driver_sql("UPDATE job SET state = 'dead'")
    page = viewer.get("/system").text

    assert "worrying" not in quiet
    assert re.search(r"failed</th><td class=.worrying.>1<", page)
    assert re.search(r"pacs.main</a>, refused</th><td class=.worrying.>1<", page)
    assert re.search(r"class=.worrying. href=./system/jobs.>dead<", page)


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '" onload="alert(1)', "{{ 7 * 7 }}", "</title><b>"])
def test_whatever_a_page_is_given_is_text(hostile: str) -> None:
    """XSS: a name, a version or a destination out of a message never becomes HTML."""
    count = system.Count(words=hostile, number=1, worrying=False)
    given = {"model": hostile, "shadow": None, "studies": [count], "deliveries": [(hostile, count)], "gone": [count]}

    html = rendered("counts.html", free_bytes=0, lives=[], queues=[], **given)

    assert html.count(str(escape(hostile))) == 5
    assert hostile == escape(hostile) or hostile not in html


def rendered(template: str, **values: object) -> str:
    """A part of a page, for nobody."""
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})
    visit = Visit(request=request, person=None, token="a token", form={})
    return bytes(Frame("<AE>").page(template, visit, **values).body).decode()
