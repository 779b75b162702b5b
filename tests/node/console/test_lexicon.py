"""Another lexicon, tried from the console."""

from pathlib import Path

import pytest

from db import lexicon_trials, minings
from db.engine import Database
from nlp import candidate
from tests.db.label_rows import add_report
from tests.db.test_minings import EFFUSION, reading
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import PASSWORD, console
from tests.node.labels.test_trials import FILE, InOneProcess, trials_with


def test_a_changed_file_is_tried_and_its_changes_are_shown(database: Database, tmp_path: Path):
    """From the form by way of the progress to the reports that would change."""
    with database.write() as connection:
        add_report(connection, "1", text="No effusion.")
        minings.record(connection, [reading(1, EFFUSION)])
    miners: list[InOneProcess] = []
    trials = trials_with(database, miners)
    with serving(console(database, tmp_path, trials=trials)) as client:
        client.log_in("radiologist", PASSWORD)
        page = client.get(f"/lexicon?file={FILE}")
        form = {"form_token": page.form_token, "file": FILE, "content": candidate.shipped(FILE) + "# mine\n"}
        begun = client.post("/lexicon", form)
        trials.join()
        part = client.get(begun.headers["location"] + "/progress", headers={"HX-Request": "true"})
        whole = client.get(begun.headers["location"])
        listed = client.get("/lexicon")

    assert "[[surface]]" in page.text
    assert page.text.count('id="content"') == 1  # the page's own: a label and a chosen file need one of theirs
    assert (begun.status, begun.headers["location"]) == (303, "/lexicon/1")
    assert "1 of 1 reports would change" in part.text
    assert '<a href="/reports/1">' in whole.text
    assert "hx-get" not in whole.text
    assert "1 of 1 reports would change" in listed.text


def test_a_file_that_cannot_be_read_is_shown_again_with_the_reason(client: Browser):
    """What was typed is not lost."""
    client.log_in("radiologist", PASSWORD)
    token = client.get("/lexicon").form_token

    answer = client.post("/lexicon", {"form_token": token, "file": FILE, "content": "<b>not TOML"})

    assert answer.status == 400
    assert "negation.toml" in answer.text
    assert "&lt;b&gt;not TOML" in answer.text


def test_a_trial_under_way_shows_how_far_it_is_and_is_stopped(client: Browser, database: Database, clock):
    """The page asks again by itself until then."""
    with database.write() as connection:
        begun = lexicon_trials.begin(connection, file=FILE, content="", total=2000, actor="anna", now=clock())
        assert begun is not None
        lexicon_trials.go_on(connection, begun.id, 64, clock())
    client.log_in("radiologist", PASSWORD)
    running = client.get("/lexicon/1")
    stopped = client.post("/lexicon/1/stop", {"form_token": running.form_token})

    assert "64 of 2,000 reports are mined." in running.text
    assert 'hx-get="/lexicon/1/progress"' in running.text
    assert stopped.status == 303
    assert "radiologist stopped it." in client.get("/lexicon/1").text


@pytest.mark.parametrize("number", ["2", "x", "99999999999"])
def test_a_trial_that_was_not(client: Browser, number: str):
    """A page that says so."""
    client.log_in("radiologist", PASSWORD)

    assert client.get(f"/lexicon/{number}").status == 404
