"""Logging in to the console, and everything that somebody could try instead."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import audit, logins, people
from db.engine import Database, connect
from db.people_records import Role
from node.console.server import Server
from node.transport.tls import Files, ServerTls
from tests.node.console.browser import HOST, Browser, serving
from tests.node.console.conftest import PASSWORD, Clock, console
from tests.peers.certificates import Certificates


@pytest.fixture
def viewer(client: Browser) -> Browser:
    """A browser in which the viewer is logged in."""
    assert client.log_in("viewer", PASSWORD).status == 303
    return client


def actions(database: Database) -> list[tuple[str, str, str]]:
    """The audit log, in order."""
    with database.read() as connection:
        return [(e.actor, e.action, e.subject) for e in reversed(audit.newest(connection, 100))]


def test_who_is_not_logged_in_is_led_to_the_login(client: Browser) -> None:
    """A part of a page takes the whole page there."""
    page, part = client.get("/system"), client.get("/system/counts", headers={"HX-Request": "true"})

    assert (page.status, page.headers["location"]) == (303, "/login")
    assert (part.status, part.headers["hx-redirect"], part.text) == (401, "/login", "")


def test_a_person_logs_in_and_out(client: Browser, database: Database) -> None:
    """Each is audited; after the logout the cookie opens nothing, even if somebody kept it."""
    answer = client.log_in(" Viewer ", PASSWORD)
    kept = dict(client.cookies)
    page = client.get("/system")
    left = client.post("/logout", {"form_token": page.form_token})
    client.cookies = kept

    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert page.status == 200
    assert (left.status, left.headers["location"]) == (303, "/login")
    assert client.get("/system").status == 303
    assert actions(database) == [("viewer", "login", HOST), ("viewer", "logout", HOST)]


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(client: Browser, database: Database) -> None:
    """To the byte but for the form's token; the audit log has the known name alone."""
    wrong, unknown = client.log_in("viewer", "wrong"), client.log_in("my password", "wrong")

    assert wrong.status == unknown.status == 401
    assert wrong.text == unknown.text
    assert "Name and password do not belong together." in wrong.text
    assert actions(database) == [("viewer", "login.refuse", HOST), ("unknown", "login.refuse", HOST)]


def test_a_disabled_person_stays_outside(viewer: Browser, database: Database) -> None:
    """Their open session ends, and the right password opens no new one."""
    with database.write() as connection:
        people.disable(connection, "viewer", Clock().at)

    assert viewer.get("/system").status == 303
    assert viewer.log_in("viewer", PASSWORD).status == 401


def test_logins_are_throttled(client: Browser, clock: Clock) -> None:
    """After ten wrong passwords the right one is not looked at for a quarter of an hour; others log in as ever."""
    wrong = [client.log_in("viewer", "wrong").status for _ in range(11)]
    right = client.log_in("viewer", PASSWORD)
    other = client.log_in("radiologist", PASSWORD)
    client.cookies.clear()
    clock.forward(minutes=15)
    afterwards = client.log_in("viewer", PASSWORD)

    assert wrong == [401] * 10 + [429]
    assert (right.status, other.status, afterwards.status) == (429, 303, 303)


def test_throttling_is_the_same_in_every_process(client: Browser, database: Database, clock: Clock) -> None:
    """What another process counted this one knows."""
    with database.write() as connection:
        for _ in range(logins.MOST_BY_NAME):
            logins.attempt(connection, "viewer", "10.0.0.1", clock())

    answer = client.log_in("viewer", PASSWORD)

    assert answer.status == 429
    assert "Wait a quarter of an hour" in answer.text


def test_a_session_is_never_the_one_that_was_there_before(client: Browser) -> None:
    """Session fixation: a cookie that somebody planted is as worthless after the login as before."""
    client.cookies["cxr"] = "planted"
    client.log_in("viewer", PASSWORD)
    fresh = client.cookies["cxr"]
    client.cookies["cxr"] = "planted"

    assert fresh != "planted"
    assert len(fresh) >= 43
    assert client.get("/system").status == 303


def test_a_session_ends_without_a_click_and_at_the_end_of_the_day(viewer: Browser, clock: Clock) -> None:
    """A page that renews itself is no click."""
    clock.forward(minutes=29)
    used = viewer.get("/system").status
    clock.forward(minutes=20)
    by_itself = viewer.get("/system/counts").status
    clock.forward(minutes=10)
    idle = viewer.get("/system").status

    assert (used, by_itself, idle) == (200, 200, 303)


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({}, {}),
        ({"form_token": ""}, {}),
        ({"form_token": "0" * 64}, {}),
        ({"form_token": "ü"}, {}),
        (None, {"Origin": "https://evil.example"}),
        (None, {"Origin": "null"}),
    ],
)
def test_another_sites_form_is_refused(viewer: Browser, form: dict[str, str] | None, headers: dict[str, str]) -> None:
    """CSRF: without the form's own token, or from another origin even with it; the person stays logged in."""
    own = {"form_token": viewer.get("/system").form_token}

    answer = viewer.post("/logout", own if form is None else form, headers)

    assert answer.status == 403
    assert "This form is too old, or not ours." in answer.text
    assert viewer.get("/system").status == 200


def test_another_sites_login_is_refused(client: Browser) -> None:
    """Nobody is logged in as somebody else without knowing it."""
    answer = client.post("/login", {"name": "viewer", "password": PASSWORD}, {"Origin": "https://evil.example"})

    assert answer.status == 403
    assert client.cookies == {}


def test_one_sessions_token_is_not_anothers(client: Browser) -> None:
    """A form's token belongs to its session."""
    client.log_in("viewer", PASSWORD)
    stolen = client.get("/system").form_token
    client.cookies.clear()
    client.log_in("administrator", PASSWORD)

    assert client.post("/logout", {"form_token": stolen}).status == 403


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ({"name": "x" * 70_000}, "application/x-www-form-urlencoded", 413),
        ({str(each): "" for each in range(60)}, "application/x-www-form-urlencoded", 400),
        ({"name": "viewer"}, "application/json", 415),
        ({"name": "viewer"}, "", 415),
    ],
)
def test_what_is_no_form_is_refused(client: Browser, body: dict[str, str], content_type: str, status: int) -> None:
    """Before anything is done with it."""
    assert client.post("/login", body, {"Content-Type": content_type}).status == status


def test_a_person_changes_their_own_password(viewer: Browser, database: Database) -> None:
    """This browser goes on with a new session; another one is logged out."""
    other = Browser(viewer.port)
    other.log_in("viewer", PASSWORD)
    before = viewer.cookies["cxr"]
    new = "seven granite otter lamp"
    form = {"form_token": viewer.get("/account").form_token, "old": PASSWORD, "new": new, "again": new}
    answer = viewer.post("/account", form)

    assert answer.status == 303
    assert viewer.cookies["cxr"] != before
    assert viewer.get("/system").status == 200
    assert other.get("/system").status == 303
    assert other.log_in("viewer", PASSWORD).status == 401
    assert ("viewer", "user.password", "viewer") in actions(database)


@pytest.mark.parametrize(
    ("old", "new", "again", "status", "sentence"),
    [
        (PASSWORD, "seven granite otter", "seven granite", 400, "not the same both times"),
        ("wrong", "seven granite otter", "seven granite otter", 401, "The present password is another one."),
        (PASSWORD, "short", "short", 400, "The password is too short"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(
    viewer: Browser, old: str, new: str, again: str, status: int, sentence: str
) -> None:
    """And the old one stays."""
    form = {"form_token": viewer.get("/account").form_token, "old": old, "new": new, "again": again}

    answer = viewer.post("/account", form)

    assert (answer.status, sentence in answer.text) == (status, True)
    assert Browser(viewer.port).log_in("viewer", PASSWORD).status == 303


def test_the_cookie_is_for_this_console_alone(client: Browser) -> None:
    """Not for scripts, not for other sites' requests; without TLS it cannot be Secure."""
    cookie = client.log_in("viewer", PASSWORD).headers["set-cookie"]

    assert re.fullmatch(r"cxr=[\w-]{43}; HttpOnly; Path=/; SameSite=strict", cookie)


@pytest.fixture
def encrypted(
    sqlite_database: Database, password_hash: str, tmp_path: Path, certificates: Certificates
) -> Iterator[int]:
    """The port of a console that speaks TLS."""
    with sqlite_database.write() as connection:
        people.add(connection, name="viewer", password_hash=password_hash, role=Role.VIEWER, now=Clock().at)
    server = Server(
        host=HOST,
        port=0,
        app=console(sqlite_database, tmp_path, encrypted=True),
        tls=ServerTls(Files(certificate=certificates.server, key=certificates.server_key), "console").context,
    )
    server.start()
    yield server.port
    server.stop()


def test_over_tls_the_cookie_is_secure(encrypted: int, certificates: Certificates) -> None:
    """With a name that no other host and no plain connection can set."""
    client = Browser(encrypted, ssl.create_default_context(cafile=certificates.authority))
    cookie = client.log_in("viewer", PASSWORD).headers["set-cookie"]

    assert re.fullmatch(r"__Host-cxr=[\w-]{43}; HttpOnly; Path=/; SameSite=strict; Secure", cookie)
    assert client.get("/system").status == 200


def test_without_anybody_the_login_says_how_to_make_the_first(sqlite_database: Database, tmp_path: Path) -> None:
    """No form, no default password."""
    with serving(console(sqlite_database, tmp_path)) as client:
        page = client.get("/login")

    assert page.status == 200
    assert "cxr users add NAME --role administrator" in page.text
    assert "<form" not in page.text


def test_a_database_that_does_not_answer_lets_nobody_in(tmp_path: Path) -> None:
    """503 and a sentence, whatever is asked for."""
    gone = connect(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    with serving(console(gone, tmp_path)) as client:
        client.cookies["cxr"] = "some token"
        answers = [client.get(path) for path in ("/system", "/login", "/account")]
        style = client.get("/static/console.css")

    assert [answer.status for answer in answers] == [503, 503, 503]
    assert style.status == 200
    assert all("The database does not answer." in answer.text for answer in answers)
