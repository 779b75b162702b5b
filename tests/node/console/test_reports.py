"""Reports on the console: looked for, looked at, corrected."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from db import audit, labels, minings
from db.engine import Database, connect
from db.schema import gold
from db.vocabulary import Assertion
from node.console import report_search
from tests.db.label_rows import add_report, say
from tests.db.races import race
from tests.db.rows import add_study
from tests.db.test_minings import EFFUSION, reading
from tests.node.console.browser import Answer, Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console, with_people
from training.pseudonym import of_site

TEXT = "FINDINGS: <b>No</b> effusion. Dr. =HYPERLINK saw Jane."
NO_EFFUSION = replace(
    EFFUSION,
    assertion=Assertion.NEGATIVE,
    rule_id="denied",
    fired=("denied",),
    start=20,
    end=28,
    sentence="No effusion.",
)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Browser]:
    """A radiologist's browser; the node has reports 1, replaced by 2, and 3, which is not mined."""
    with database.write() as connection:
        study = add_study(connection, "2.25.77")
        add_report(connection, "7", studies=[study], text="Effusion.", status="preliminary")
        later = {"version_at": NOON + timedelta(days=90), "status": "final"}
        add_report(connection, "7", studies=[study], text=TEXT, accession_number="A7<i>", **later)
        minings.record(connection, [reading(1, EFFUSION), reading(2, NO_EFFUSION)])
        add_report(connection, "8", text="")
    with serving(console(database, tmp_path)) as client:
        client.log_in("radiologist", PASSWORD)
        yield client


def seen(page: Answer, finding: str) -> str:
    """What the form of a finding brings back of what was in force."""
    found = re.search(
        rf'name="finding" value="{finding}">\s*<input type="hidden" name="seen" value="([^"]*)"', page.text
    )
    assert found
    return found[1]


def correct(client: Browser, page: Answer, **values: str) -> Answer:
    """Send the form of Effusion, as this page has it."""
    form = {"finding": "Effusion", "assertion": "positive", "seen": seen(page, values.get("finding", "Effusion"))}
    return client.post("/reports/2/labels", form | {"form_token": page.form_token, "reason": "I see it"} | values)


def effusion(database: Database) -> Assertion:
    """What is in force of report 2."""
    with database.read() as connection:
        (found,) = labels.of_versions(connection, [2])
    return found.states.get("Effusion", Assertion.UNMENTIONED)


def test_the_text_shows_what_mining_read_and_why(client: Browser):
    """The mention is marked with its state and rule; what a report says is text on the page, never HTML."""
    page = client.get("/reports/2")

    assert page.status == 200
    assert "&lt;b&gt;No&lt;/b&gt; <a" in page.text
    assert '<mark class="negative">effusion</mark>' in page.text
    assert "Effusion: negative, by denied" in page.text
    assert "A7&lt;i&gt;" in page.text
    assert 'href="/studies/2.25.77"' in page.text


def test_a_report_of_a_megabyte_is_shown_in_part(client: Browser, database: Database):
    """In any script, with how much is left out; its labels are there all the same."""
    with database.write() as connection:
        id_ = add_report(connection, "9", text="肺に浸潤影なし。" * 125_000, procedure="胸部")

    page = client.get(f"/reports/{id_}")

    assert "The text goes on for 900,000 characters" in page.text
    assert len(page.text) < 150_000


def test_versions_lead_to_each_other(client: Browser):
    """A version that was replaced says so, and its labels are not shown as in force."""
    old = client.get("/reports/1")

    assert '<a href="/reports/2">The version that holds</a>' in old.text
    assert "Labels are those of the version that holds." in old.text


def test_a_report_without_text_or_reading_says_so(client: Browser):
    """And can be labelled by a person all the same."""
    page = client.get("/reports/3")

    assert "The report has no text." in page.text
    assert "It is not mined yet." in page.text
    assert seen(page, "Effusion") == "nothing"


@pytest.mark.parametrize("number", ["4", "0", "-1", "x", "99999999999", "%C2%B2"])
def test_a_report_that_is_not_there(client: Browser, number: str):
    """A page that says so."""
    answer = client.get(f"/reports/{number}")

    assert (answer.status, "The node has no such report." in answer.text) == (404, True)


def test_a_correction_outranks_what_was_mined(client: Browser, database: Database):
    """It is in force at once, with who said it, and in the audit log without the reason; the look is there too."""
    page = client.get("/reports/2")
    answer = correct(client, page)
    shown = client.get("/reports/2")

    assert (answer.status, answer.headers["location"]) == (303, "/reports/2#labels")
    assert effusion(database) is Assertion.POSITIVE
    assert "radiologist" in shown.text
    assert "<q>I see it</q>" in shown.text
    with database.read() as connection:
        entries = [(each.actor, each.action, each.subject) for each in audit.newest(connection, 3)]
        assert "I see it" not in str(audit.newest(connection, 10))
    assert entries == [
        ("radiologist", "report.view", "report 2"),
        ("radiologist", "label.correct", "report 2"),
        ("radiologist", "report.view", "report 2"),
    ]


def test_the_same_form_twice_is_one_correction(client: Browser, database: Database):
    """An impatient click writes nothing more."""
    page = client.get("/reports/2")
    answers = [correct(client, page).status for _ in range(2)]

    with database.read() as connection:
        assert len(connection.execute(gold.select()).all()) == 1
    assert answers == [303, 303]


def test_the_second_of_two_people_is_told(client: Browser, database: Database):
    """What another radiologist said meanwhile stays, and is shown."""
    page = client.get("/reports/2")
    with database.write() as connection:
        say(connection, "Effusion", Assertion.UNCERTAIN, report_id=2)

    answer = correct(client, page)

    assert answer.status == 409
    assert "Effusion was changed meanwhile: it is uncertain (said by dr.lee" in answer.text
    assert effusion(database) is Assertion.UNCERTAIN


def test_a_correction_is_taken_back_once(client: Browser, database: Database):
    """What was mined holds again; a second click changes nothing, and the list says who took it back."""
    correct(client, client.get("/reports/2"))
    form = {"form_token": client.get("/reports/2").form_token, "gold": "1"}
    answers = [client.post("/reports/2/undo", form).status for _ in range(2)]

    assert answers == [303, 303]
    assert effusion(database) is Assertion.NEGATIVE
    assert "taken back by radiologist" in client.get("/reports/2").text
    with database.read() as connection:
        assert [each.action for each in audit.newest(connection, 10)].count("label.take_back") == 1


def test_another_reports_label_is_not_taken_back(client: Browser, database: Database):
    """Whatever number a form names."""
    correct(client, client.get("/reports/2"))
    token = client.get("/reports/3").form_token
    for number in ("1", "x", ""):
        client.post("/reports/3/undo", {"form_token": token, "gold": number})

    assert effusion(database) is Assertion.POSITIVE


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"finding": "Gout", "seen": ""}, "There is no finding"),
        ({"assertion": "maybe"}, "Say positive"),
        ({"finding": "Normal", "assertion": "uncertain"}, "Normal is positive or negative"),
    ],
)
def test_a_correction_that_cannot_stand_says_why(client: Browser, values: dict[str, str], sentence: str):
    """On the page of the report; nothing is written."""
    page = client.get("/reports/2")
    form = {"finding": "Effusion", "assertion": "positive", "form_token": page.form_token, "seen": seen(page, "Normal")}

    answer = client.post("/reports/2/labels", form | values)

    assert (answer.status, sentence in answer.text) == (409, True)


def test_a_viewer_has_no_forms(client: Browser):
    """They look."""
    other = Browser(client.port)
    other.log_in("viewer", PASSWORD)

    assert "Correct" not in other.get("/reports/2").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [2, 3]),
        ("?finding=Effusion&state=negative", [2]),
        ("?finding=effusion&state=positive", []),
        ("?words=jane+EFFUSION", [2]),
        ("?accession=A8", [3]),
        ("?patient=P1&since=2026-05-30&until=2026-05-30", [2]),
        ("?until=2026-05-29", [3]),
    ],
)
def test_reports_are_looked_for(client: Browser, query: str, found: list[int]):
    """By what the form has; each leads to its page."""
    page = client.get(f"/reports{query}")

    assert page.status == 200
    assert [int(number) for number in re.findall(r'<th scope="row"><a href="/reports/(\d+)"', page.text)] == found


@pytest.mark.parametrize(
    "query",
    [
        "?finding=Gout",
        "?finding=Mass&state=maybe",
        "?since=yesterday",
        "?until=0001-01-01",
        "?until=9999-12-31",
        "?after=0001-01-01T00:00:00%2B23:59~1",
        "?accession=%00",
        "?after=1",
        "?after=x~y",
    ],
)
def test_a_search_that_cannot_be_read_says_why(client: Browser, query: str):
    """Beside the form, filled in as it was; never a fault."""
    page = client.get(f"/reports{query}")

    assert (page.status in (200, 400), "<form" in page.text) == (True, True)


def test_older_reports_are_on_the_next_page(client: Browser, monkeypatch: pytest.MonkeyPatch):
    """The link goes on with the same form."""
    monkeypatch.setattr(report_search, "PAGE", 1)
    first = client.get("/reports?patient=P1")
    (further,) = re.findall(r'href="(/reports\?[^"]*after[^"]*)"', first.text)
    second = client.get(further.replace("&amp;", "&"))

    assert "/reports/2" in first.text
    assert "/reports/3" in second.text
    assert "Older" not in second.text


def test_a_search_is_audited_without_the_patient(client: Browser, database: Database):
    """Who looked for what finding; that a patient was named, not which."""
    client.get("/reports?patient=P1&words=jane&finding=Mass")

    with database.read() as connection:
        (entry,) = audit.newest(connection, 1)
    assert (entry.action, entry.detail) == (
        "reports.view",
        {"finding": "Mass", "patient": "(given)", "words": "(given)"},
    )


def test_patients_are_masked_where_the_site_wants_that(database: Database, tmp_path: Path):
    """In the list, in the text, in what a person wrote and in the file: nothing that names the patient."""
    with database.write() as connection:
        study = add_study(connection, "2.25.77")
        text = "Jane DOE, P1: no effusion."
        add_report(connection, "7", studies=[study], text=text, accession_number="A1", patient_id="P1")
        minings.record(connection, [reading(1, replace(NO_EFFUSION, start=17, end=25))])
        say(connection, "Mass", Assertion.POSITIVE, report_id=1)
    with serving(console(database, tmp_path, pseudonyms=of_site(tmp_path))) as client:
        client.log_in("radiologist", PASSWORD)
        pages = [client.get(path).text for path in ("/reports", "/reports/1", "/labels/all.csv")]

    assert '<mark class="negative">effusion</mark>' in pages[1]
    assert "[patient]" in pages[1]
    for page in pages:
        assert not re.search(r"\bP1\b|\bA1\b|Jane|DOE", page.replace("2.25.77", ""))


def test_of_two_forms_at_the_same_moment_one_is_answered_so(migrated_url: str, password_hash: str, tmp_path: Path):
    """On both databases: whoever comes second has not seen what the first said, and is told."""
    database = with_people(connect(migrated_url), password_hash)
    with database.write() as connection:
        add_report(connection, "7", text=TEXT)
        minings.record(connection, [reading(1, NO_EFFUSION)])
    with serving(console(database, tmp_path)) as client:
        people = [Browser(client.port) for _ in range(2)]
        for person, name in zip(people, ("radiologist", "administrator"), strict=True):
            person.log_in(name, PASSWORD)
        pages = [person.get("/reports/1") for person in people]

        def send(number: int) -> int:
            page = pages[number]
            form = {"finding": "Effusion", "assertion": "positive", "seen": seen(page, "Effusion")}
            return people[number].post("/reports/1/labels", form | {"form_token": page.form_token}).status

        statuses = race(2, send)
    with database.read() as connection:
        rows = connection.execute(gold.select()).all()
    database.close()

    assert sorted(statuses) == [303, 409]
    assert len(rows) == 1
