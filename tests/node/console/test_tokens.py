"""Tokens as a page."""

import re

from db import tokens
from db.engine import Database
from tests.node.console.browser import Answer, Browser
from tests.node.console.conftest import PASSWORD


def make(client: Browser, **form: str) -> Answer:
    """Send the form."""
    token = client.get("/account/tokens").form_token
    return client.post("/account/tokens", {"name": "dashboard", "form_token": token} | form)


def test_a_token_is_shown_once(client: Browser, database: Database) -> None:
    """Right after it was made; the page has its name from then on."""
    client.log_in("viewer", PASSWORD)
    made, again = make(client, scope_read="on", days="30"), client.get("/account/tokens")

    assert re.search(r"<code>cxr_[\w-]{43}</code>", made.text)
    assert "cxr_" not in again.text
    assert "dashboard" in again.text
    with database.read() as connection:
        assert [(each.owner, each.scopes) for each in tokens.every(connection)] == [("viewer", ("read",))]


def test_a_person_makes_no_token_above_their_role(client: Browser) -> None:
    """A viewer is not offered more, and gets no more by asking."""
    client.log_in("viewer", PASSWORD)
    answer = make(client, scope_administer="on")

    assert 'name="scope_administer"' not in client.get("/account/tokens").text
    assert answer.status == 400
    assert "Viewer is viewer; the scope administer takes the role administrator." in answer.text


def test_a_person_ends_their_own_tokens_and_an_administrator_anybodys(client: Browser) -> None:
    """Another's is as if it were not there; the second time there is none."""
    answers = []
    for person in ("radiologist", "viewer", "administrator", "administrator"):
        client.cookies.clear()
        client.log_in(person, PASSWORD)
        if person == "radiologist":
            make(client, scope_label="on")
            continue
        token = client.get("/account/tokens").form_token
        answers.append(client.post("/account/tokens/revoke", {"token": "1", "form_token": token}).status)

    assert answers == [404, 200, 404]


def test_what_is_no_token_or_number_of_days_is_said(client: Browser) -> None:
    """In words."""
    client.log_in("viewer", PASSWORD)
    token = client.get("/account/tokens").form_token

    assert client.post("/account/tokens/revoke", {"token": "x", "form_token": token}).status == 404
    assert "give the days as a number" in make(client, scope_read="on", days="ten").text.lower()
