"""Logging in by an identity provider: over real HTTP, with signed tokens, and with those that are not to be trusted."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy import select

from db import audit, people
from db.engine import Database
from db.people_records import Role
from db.schema import login_attempt
from node.console.access import Visit
from node.sections import table
from node.settings import load
from tests.node.console.browser import HOST, Answer, Browser, serving
from tests.node.console.conftest import PASSWORD, Clock, known_to
from tests.node.identity.provider import ANNA, Issuer, issuing


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """The provider."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    """The provider's tokens have real times."""
    return Clock(at=datetime.now(UTC))


@pytest.fixture
def client(database: Database, tmp_path: Path, clock: Clock, issuer: Issuer) -> Iterator[Browser]:
    """A browser at a console that knows the provider."""
    with serving(known_to(issuer.url, database, tmp_path, clock)) as client:
        yield client


def arrive(client: Browser, issuer: Issuer, **changes: str) -> Answer:
    """Go to the provider and come back; `changes` take the place of what comes back."""
    sent = client.get("/login/oidc")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    back = parse_qs(urlsplit(issuer.authorize(asked)).query)
    return come_back(client, **{name: values[0] for name, values in back.items()} | changes)


def come_back(client: Browser, **said: str) -> Answer:
    """As the provider sends a browser back: from another site, so that the session's cookie does not come along."""
    kept = {name: value for name, value in client.cookies.items() if name.endswith("-login")}
    client.cookies = kept
    return client.get(f"/login/oidc/callback?{urlencode(said)}")


def logged(database: Database) -> list[tuple[str, str, dict[str, Any]]]:
    """Who did what, in order, with what is said of it."""
    with database.read() as connection:
        return [(e.actor, e.action, dict(e.detail)) for e in reversed(audit.newest(connection, 100))]


def test_a_person_comes_in_by_the_provider(client: Browser, issuer: Issuer, database: Database):
    """With a role by their groups, and a session like any other; a page of our own leads on, since the cookie is
    strict; each is audited.
    """
    begun = client.get("/login/oidc")
    answer = arrive(client, issuer)
    account = client.get("/account")

    assert "Log in with your hospital account" in Browser(client.port).get("/login").text
    assert re.match(r"cxr-login=[^;]+; HttpOnly; Max-Age=600; Path=/; SameSite=lax$", begun.headers["set-cookie"])
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text
    assert "anna, radiologist" in re.sub("<[^>]+>", "", account.text)
    assert 'name="old"' not in account.text
    assert logged(database) == [
        ("anna", "user.add", {"by": "provider", "role": "radiologist"}),
        ("anna", "login", {"by": "provider"}),
    ]


def test_nothing_but_our_own_pages_may_be_called_from_a_page(client: Browser, issuer: Issuer):
    """The way to the provider is a link: no form and no script goes elsewhere."""
    policy = arrive(client, issuer).headers["content-security-policy"]

    assert "form-action 'self'" in policy
    assert "connect-src 'self'" in policy
    assert str(issuer.port) not in policy


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"state": "made up"}, "This login was not begun in this browser, or took too long."),
        ({"state": ""}, "This login was not begun in this browser, or took too long."),
        ({"iss": "https://evil.example"}, "The identity provider did not let you in."),
        ({"code": "made up"}, "The identity provider did not confirm this login."),
    ],
)
def test_what_comes_back_otherwise_is_refused(
    client: Browser, issuer: Issuer, database: Database, changes: dict[str, str], sentence: str
):
    """With a sentence, and without a session."""
    answer = arrive(client, issuer, **changes)

    assert (answer.status, sentence in answer.text) == (403, True)
    assert client.get("/system").status == 303
    assert [(actor, action) for actor, action, _ in logged(database)] == [("unknown", "login.refuse")]


def test_a_login_that_another_browser_began_is_refused(client: Browser, issuer: Issuer):
    """Nobody is logged in as somebody else by a link."""
    other = Browser(client.port)
    sent = other.get("/login/oidc")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    back = {name: values[0] for name, values in parse_qs(urlsplit(issuer.authorize(asked)).query).items()}
    client.get("/login/oidc")

    answer = come_back(client, **back)

    assert (answer.status, "was not begun in this browser" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"nonce": "of another login"}, "is to another login, not to this one"),
        ({"groups": ["staff"]}, "Your account has no role here."),
        ({"preferred_username": "a b"}, "no name that this node can use"),
    ],
)
def test_a_token_that_says_otherwise_is_refused(
    client: Browser, issuer: Issuer, database: Database, claims: dict[str, Any], sentence: str
):
    """Each with its sentence, and audited; tests/node/identity has what else makes a token worth nothing."""
    issuer.claims = claims

    answer = arrive(client, issuer)

    assert (answer.status, sentence in answer.text) == (403, True)
    assert client.get("/system").status == 303
    assert [(actor, action) for actor, action, _ in logged(database)] == [("unknown", "login.refuse")]


def test_a_role_follows_the_groups(client: Browser, issuer: Issuer, database: Database):
    """At each login; the person stays the same when the provider renames them."""
    arrive(client, issuer)
    issuer.person |= {"preferred_username": "anna.new", "groups": ["cxr-admins"]}
    arrive(client, issuer)

    with database.read() as connection:
        person = people.find(connection, "anna")
        renamed = people.find(connection, "anna.new")

    assert person is not None
    assert (person.role, renamed) == (Role.ADMINISTRATOR, None)
    assert ("anna", "user.role", {"by": "provider", "role": "administrator"}) in logged(database)


def test_another_subject_of_the_same_name_is_another_person(client: Browser, issuer: Issuer):
    """Who can choose a name at the provider does not become a user of the node by it."""
    issuer.person |= {"preferred_username": "administrator", "groups": ["cxr-admins"]}

    answer = arrive(client, issuer)

    assert answer.status == 403
    assert "There is another administrator here." in answer.text
    assert client.log_in("administrator", PASSWORD).status == 303


def test_a_user_who_was_left_to_the_provider_is_who_comes_from_there(
    client: Browser, issuer: Issuer, database: Database
):
    """Once: then the name is taken, and no password lets anybody in."""
    issuer.person |= {"preferred_username": "radiologist"}
    with database.write() as connection:
        people.set_password(connection, "radiologist", people.NO_PASSWORD)

    first = arrive(client, issuer).status
    issuer.person |= {"sub": "another"}
    second = arrive(client, issuer).status

    assert (first, second) == (200, 403)
    assert Browser(client.port).log_in("radiologist", "").status == 401


def test_who_is_disabled_here_stays_outside(client: Browser, issuer: Issuer, database: Database):
    """Whatever the provider says; and the open session has ended."""
    arrive(client, issuer)
    with database.write() as connection:
        people.disable(connection, "anna", datetime.now(UTC))
    before = client.get("/system").status

    answer = arrive(client, issuer)

    assert (before, answer.status) == (303, 403)
    assert "You may not log in here any more." in answer.text


def test_who_comes_too_often_in_vain_waits(client: Browser, issuer: Issuer):
    """Fifty times from an address, and the provider is asked no more for a while; who is let in does not count."""
    for _ in range(3):
        assert arrive(client, issuer).status == 200
    answers = [client.get(f"/login/oidc/callback?state={each}&code=x").status for each in range(51)]

    assert answers == [403] * 50 + [429]


def test_who_comes_while_the_provider_is_down_is_not_counted(client: Browser, issuer: Issuer, database: Database):
    """Or a department behind one address could use no password in just that hour."""
    issuer.configuration = {"token_endpoint": f"http://{HOST}:1/token"}

    answer = arrive(client, issuer)

    assert (answer.status, "does not answer as it should" in answer.text) == (503, True)
    with database.read() as connection:
        assert connection.execute(select(login_attempt.c.id)).all() == []


def test_an_attempt_counts_for_ten_minutes(client: Browser, issuer: Issuer, clock: Clock):
    """Who looks for their second factor longer begins again."""
    sent = client.get("/login/oidc")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    back = {name: values[0] for name, values in parse_qs(urlsplit(issuer.authorize(asked)).query).items()}
    clock.at += timedelta(minutes=11)

    assert come_back(client, **back).status == 403


def test_a_provider_that_is_gone_leaves_the_password(database: Database, tmp_path: Path, clock: Clock):
    """For emergencies."""
    with issuing() as issuer:
        pass
    with serving(known_to(issuer.url, database, tmp_path, clock)) as client:
        gone = client.get("/login/oidc")

        assert (gone.status, 'href="/login"' in gone.text) == (503, True)
        assert client.log_in("viewer", PASSWORD).status == 303


def test_a_site_can_forbid_passwords(database: Database, tmp_path: Path, clock: Clock, issuer: Issuer):
    """Then there is no form, and what is sent in spite of that is not looked at."""
    with serving(known_to(issuer.url, database, tmp_path, clock, passwords=False)) as client:
        page = client.get("/login")
        token = arrive_form_token(client)
        answer = client.post("/login", {"name": "viewer", "password": PASSWORD, "form_token": token})

        assert 'name="password"' not in page.text
        assert (answer.status, "This node takes no passwords." in answer.text) == (403, True)
        assert arrive(client, issuer).status == 200


def arrive_form_token(client: Browser) -> str:
    """The token that a form of the login would have, though there is none."""
    visit = Visit(request=None, person=None, token=client.cookies["cxr"], form={})  # type: ignore[arg-type]
    return visit.form_token


def leave(client: Browser) -> Answer:
    """Log out by the form of the account's page."""
    return client.post("/logout", {"form_token": client.get("/account").form_token})


def test_who_logs_out_is_logged_out_at_the_provider(client: Browser, issuer: Issuer):
    """After the session here has ended: a page of ours goes on there with the login's token, and hears of its end."""
    arrive(client, issuer)

    leaving = leave(client)
    here = client.get("/system").status
    onward = html.unescape(leaving.text.partition('content="0; url=')[2].partition('"')[0])
    back = urlsplit(issuer.log_out(dict(parse_qsl(urlsplit(onward).query))))
    left = client.get(f"{back.path}?{back.query}")
    again = client.get(f"{back.path}?{back.query}")

    assert (leaving.status, here, "anna" in leaving.text) == (200, 303, False)
    assert issuer.ended == [ANNA["sub"]]
    assert (back.port, left.status, "You are logged out, here and at the identity provider." in left.text) == (
        client.port,
        200,
        True,
    )
    assert (again.status, again.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("endpoint", [None, "http://evil.example/logout"])
def test_where_the_provider_cannot_end_its_session_that_is_said(client: Browser, issuer: Issuer, endpoint: str | None):
    """It does not offer it, or does not answer as it should; the session here has ended."""
    issuer.configuration = {"end_session_endpoint": endpoint}
    arrive(client, issuer)

    left = leave(client)

    assert (left.status, "but not at the identity provider" in left.text) == (200, True)
    assert "http-equiv" not in left.text
    assert client.get("/system").status == 303


def test_who_came_by_a_password_is_not_sent_to_the_provider(client: Browser, issuer: Issuer):
    """They have no session there that the node knows of."""
    client.log_in("viewer", PASSWORD)

    left = leave(client)

    assert (left.status, left.headers["location"], issuer.asked) == (303, "/login", [])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"issuer": "http://login.example.org"}, "it is not like https://"),
        ({"roles": {}}, "roles"),
        ({"roles": {"cxr-admins": "boss"}}, "roles"),
        ({"client_secret": "file:/no/such/file"}, "there is no secret"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any], sentence: str):
    """A provider without TLS, or nobody who would have a role."""
    usual = {
        "issuer": "https://login.example.org",
        "client_id": "a",
        "client_secret": "b",
        "roles": {"cxr-admins": "administrator"},
    }

    with pytest.raises(Exception, match=sentence):
        load(None, **{"console.oidc": usual | change})


def test_the_settings_are_shown_without_the_secret():
    """And with who gets which role."""
    oidc = {"issuer": "https://login.example.org", "client_id": "a", "client_secret": "hush", "roles": {"g": "viewer"}}
    shown = {name: str(value) for name, value, _ in table.rows(load(None, **{"console.oidc": oidc}))}

    assert shown["console.oidc.client_secret"] == "**********"
    assert shown["console.oidc.roles"] == "g = viewer"
