"""The worklist as a page, and what it hears of changes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from db import audit, jobs, positives, studies
from db.engine import Database
from db.records import JobState, StudyState
from node.console.live import Live
from node.console.server import Server
from tests.db.rows import add_job, claimed, record
from tests.node.console.browser import HOST, Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, NoPictures, console
from tests.node.console.test_app import arrival
from training.pseudonym import Pseudonyms

JANE = {"patient_name": "DOE^JANE^^DR", "patient_id": "PATIENT-4711", "accession_number": "ACC-4711"}


def arrived(database: Database, number: int = 1, **values: object) -> int:
    """A study comes; its row id."""
    uid = f"2.25.{number}"
    one = {"study_instance_uid": uid, "sop_instance_uid": f"{uid}.1", "sha256": f"{number:064x}"}
    with database.write() as connection:
        new = replace(arrival(), **one | JANE | values)  # type: ignore[arg-type]
        return record(connection, new, NOON).id


def views(database: Database) -> list[tuple[str, str, str, dict[str, str]]]:
    """Who viewed what, the first view first."""
    with database.read() as connection:
        entries = [each for each in reversed(audit.newest(connection, 50)) if each.action not in ("login", "logout")]
    return [(each.actor, each.action, each.subject, dict(each.detail)) for each in entries]


class Awaiting(NoPictures):
    """Counts how often it was told that a picture may be wanted."""

    asked = 0

    def ready(self) -> None:
        """Soon."""
        self.asked += 1


@pytest.fixture
def viewer(client: Browser) -> Browser:
    """A browser in which the viewer is logged in."""
    client.log_in("viewer", PASSWORD)
    return client


def test_a_study_is_shown_with_what_was_found(database: Database, viewer: Browser) -> None:
    """Its patient, state and findings, with a link to its own page; the time is the site's."""
    study_id = arrived(database)
    with database.write() as connection:
        positives.replace(connection, study_id, {"Pleural_Thickening": 0.71, "Pneumothorax": 0.884})

    page = viewer.get("/studies").text

    assert '<a id="study-1" href="/studies/2.25.1">DOE, JANE</a>' in page
    assert '<span class="badge wait">arriving</span>' in page
    assert re.findall(r'class="found">([\w ]+) <b>([\d.]+)', page) == [
        ("Pneumothorax", "0.88"),
        ("Pleural thickening", "0.71"),
    ]
    assert '<time datetime="2026-03-01T13:00:00+01:00">2026-03-01 13:00</time>' in page
    assert "MODALITY" in page


def test_a_study_that_was_not_read_says_why(database: Database, viewer: Browser) -> None:
    """In the words of its job."""
    study_id = arrived(database)
    with database.write() as connection:
        add_job(connection, study_id)
        jobs.end(connection, claimed(connection), state=JobState.DONE, now=NOON, error="The view is not frontal.")
        studies.begin_revision(connection, studies.get(connection, study_id))
        studies.end_revision(connection, study_id, 1, StudyState.NOT_READ)

    page = viewer.get("/studies").text

    assert re.search(r'badge ">not read</span>\s*<span class="soft reason">The view is not frontal.</span>', page)


def test_a_name_with_markup_is_text(database: Database, viewer: Browser) -> None:
    """XSS: by the name, the number or the filter itself."""
    arrived(database, patient_name="<script>alert(1)</script>", accession_number='"><b>')

    page = viewer.get(f"/studies?accession={quote(chr(34) + '><b>')}").text

    assert "<script>alert" not in page
    assert '"><b>' not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["2", "1"]),
        ("?state=arriving", ["2", "1"]),
        ("?state=failed", []),
        ("?accession=A2", ["2"]),
        ("?patient=smith", ["2"]),
        ("?patient=PATIENT-4711", ["1"]),
        ("?ae=DX2", ["2"]),
        ("?finding=Mass", ["1"]),
        ("?from=2026-03-02", ["2"]),
        ("?to=2026-03-01", ["1"]),
        ("?before=2", ["1"]),
        ("?patient=&state=&finding=", ["2", "1"]),
    ],
)
def test_the_form_says_which(database: Database, viewer: Browser, query: str, shown: list[str]) -> None:
    """Days are the site's: 23:30 of the first by UTC is the second in Berlin."""
    one = arrived(database, 1)
    other = {"patient_name": "SMITH^ADA", "patient_id": "P2", "accession_number": "A2", "calling_ae": "DX2"}
    arrived(database, 2, received_at=NOON.replace(hour=23, minute=30), **other)
    with database.write() as connection:
        positives.replace(connection, one, {"Mass": 0.9})

    page = viewer.get(f"/studies{query}")

    assert (page.status, re.findall(r'href="/studies/2\.25\.(\d)[?"]', page.text)) == (200, shown)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?state=nosuch", "There is no such state; there are arriving"),
        ("?finding=nosuch", "There is no such finding; there are Atelectasis"),
        ("?from=yesterday", "From is a day like 2026-03-14."),
        ("?to=9999-12-31", "To is a day like 2026-03-14."),
        ("?patient=%00", "Patient takes 64 printable characters at the most."),
        (f"?accession={'x' * 65}", "Accession takes 64 printable characters at the most."),
        ("?before=x", "There is no such page of the list."),
        ("?before=99999999999999999999", "There is no such page of the list."),
    ],
)
def test_what_cannot_be_asked_for_is_said(viewer: Browser, query: str, sentence: str) -> None:
    """In a sentence, and nothing breaks."""
    page = viewer.get(f"/studies{query}")

    assert (page.status, sentence in page.text) == (400, True)


def test_empty_lists_say_what_to_do(viewer: Browser, database: Database) -> None:
    """Before the first study, and where a filter finds none."""
    first = viewer.get("/studies").text
    arrived(database)
    none = viewer.get("/studies?patient=nobody").text

    assert "<code>cxr demo</code>" in first
    assert "A name is found by how it begins" in none


def test_pages_lead_on_with_the_filter(viewer: Browser, database: Database) -> None:
    """Fifty a page; an older page neither listens nor renews itself, and leads back."""
    for number in range(1, 53):
        arrived(database, number)
    first = viewer.get("/studies?state=arriving").text
    (older,) = re.findall(r'href="(/studies\?[^"]*)">Older', first)
    second = viewer.get(older.replace("&amp;", "&")).text

    assert (len(re.findall("<tr>", first)), len(re.findall("<tr>", second))) == (51, 3)
    assert ("data-live" in first, "data-live" in second) == (True, False)
    assert 'href="/studies?state=arriving">Newest' in second


def test_a_view_is_in_the_audit_log_and_a_renewal_is_not(viewer: Browser, database: Database) -> None:
    """Who, and by which filter; whom somebody looked for stays out of it."""
    viewer.get("/studies")
    viewer.get("/studies?state=failed&patient=DOE&accession=ACC-4711&before=7")
    viewer.get("/worklist/rows?state=failed")

    given = {"state": "failed", "patient": "(given)", "accession": "(given)", "before": "7"}
    assert views(database) == [
        ("viewer", "worklist.view", "studies", {}),
        ("viewer", "worklist.view", "studies", given),
    ]


@pytest.fixture
def masked(database: Database, tmp_path: Path) -> Iterator[Browser]:
    """A browser of the administrator where patients are masked."""
    with serving(console(database, tmp_path, pseudonyms=Pseudonyms(bytes(32)))) as client:
        client.log_in("administrator", PASSWORD)
        yield client


def test_where_patients_are_masked_nobody_sees_them_in_the_list(masked: Browser, database: Database) -> None:
    """Pseudonyms, the same for the same patient; states and findings as ever."""
    arrived(database, 1)
    arrived(database, 2, accession_number="ACC-4712")
    shown = masked.get("/studies").text + masked.get("/worklist/rows").text

    assert not [word for word in ("DOE", "JANE", *JANE.values(), "ACC-4712") if word in shown]
    names = re.findall(r'href="/studies/2\.25\.\d">(#[0-9a-f]{8})<', shown)
    assert (len(names), len(set(names))) == (4, 1)
    assert "arriving" in shown


def test_a_patient_is_unmasked_on_request_and_on_record(masked: Browser, database: Database) -> None:
    """Once in the audit log, however often it is asked for; a study that is not there is said."""
    arrived(database)
    token = {"form_token": masked.get("/account").form_token}
    answers = [masked.post("/studies/2.25.1/unmask", token) for _ in range(2)]
    unknown = masked.post("/studies/2.25.4711/unmask", token)

    assert [(answer.status, answer.headers["location"]) for answer in answers] == [(303, "/studies/2.25.1")] * 2
    assert (unknown.status, "The node has no such study." in unknown.text) == (404, True)
    assert views(database) == [("administrator", "study.unmask", "2.25.1", {})]


def test_changes_are_told_once(viewer: Browser, database: Database) -> None:
    """Who knows the last mark hears nothing; after a change the next stream begins with it."""
    page = viewer.get("/studies").text
    (address,) = re.findall(r'data-live="([^"]*)"', page)
    before = viewer.get(address)
    arrived(database)
    after = viewer.get(address)
    (mark,) = re.findall("id: (.*)", after.text)
    again = viewer.get("/worklist/changes", headers={"Last-Event-ID": mark})

    assert before.headers["content-type"].startswith("text/event-stream")
    assert ["event: change" in answer.text for answer in (before, after, again)] == [False, True, False]


def test_listening_keeps_nobody_logged_in(viewer: Browser, clock) -> None:
    """A browser that comes again for the stream is no click; then it is led to the login."""
    clock.forward(minutes=29)
    first = viewer.get("/worklist/changes").status
    clock.forward(minutes=2)

    assert (first, viewer.get("/worklist/changes").status) == (200, 303)


def test_a_server_that_stops_does_not_wait_for_who_listens(database: Database, tmp_path: Path) -> None:
    """A stream of an hour ends with the server, in order."""
    live = Live(database, every_s=0.02, lasting_s=3600)
    server = Server(host=HOST, port=0, app=console(database, tmp_path, live=live), closing=live.close)
    server.start()
    client = Browser(server.port)
    client.log_in("viewer", PASSWORD)
    with client.streaming("/worklist/changes") as response:
        first = response.readline()
        server.stop()
        rest = response.read()

    assert first == b"retry: 1000\n"
    assert b"event: change" in rest  # and then the end of the answer, as it has to be


def test_who_looks_at_the_list_may_soon_want_a_picture(database: Database, tmp_path: Path) -> None:
    """What decodes begins then; rows that a page asks for by itself begin nothing."""
    pictures = Awaiting()
    with serving(console(database, tmp_path, pictures=pictures)) as client:
        client.log_in("viewer", PASSWORD)
        client.get("/studies")
        client.get("/worklist/rows")

    assert pictures.asked == 1
