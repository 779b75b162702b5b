"""Who reaches what: every page, every role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from db.engine import Database
from db.people_records import Role
from node.console.access import Cookie, Door, Page
from node.console.api.app import PREFIX
from node.console.sessions import Sessions
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import LIFETIME, PASSWORD, Clock, console

EVERYBODY = None
MATRIX = {
    ("GET", "/"): Role.VIEWER,
    ("GET", "/studies"): Role.VIEWER,
    ("GET", "/worklist/rows"): Role.VIEWER,
    ("GET", "/worklist/changes"): Role.VIEWER,
    ("GET", "/system"): Role.VIEWER,
    ("GET", "/system/counts"): Role.VIEWER,
    ("POST", "/studies/{study_uid}/unmask"): Role.VIEWER,
    ("GET", "/reports"): Role.VIEWER,
    ("GET", "/reports/{report_id}"): Role.VIEWER,
    ("POST", "/reports/{report_id}/labels"): Role.RADIOLOGIST,
    ("POST", "/reports/{report_id}/undo"): Role.RADIOLOGIST,
    ("GET", "/labels"): Role.VIEWER,
    ("GET", "/labels/table.csv"): Role.VIEWER,
    ("GET", "/labels/all.csv"): Role.RADIOLOGIST,
    ("GET", "/lexicon"): Role.RADIOLOGIST,
    ("POST", "/lexicon"): Role.RADIOLOGIST,
    ("GET", "/lexicon/{trial_id}"): Role.RADIOLOGIST,
    ("GET", "/lexicon/{trial_id}/progress"): Role.RADIOLOGIST,
    ("POST", "/lexicon/{trial_id}/stop"): Role.RADIOLOGIST,
    ("GET", "/discrepancies"): Role.VIEWER,
    ("POST", "/discrepancies"): Role.RADIOLOGIST,
    ("GET", "/agreement"): Role.VIEWER,
    ("GET", "/models"): Role.VIEWER,
    ("POST", "/models/rollback"): Role.ADMINISTRATOR,
    ("POST", "/models/shadow/off"): Role.ADMINISTRATOR,
    ("GET", "/models/{version}"): Role.VIEWER,
    ("GET", "/models/{version}/comparison"): Role.VIEWER,
    ("POST", "/models/{version}/compare"): Role.ADMINISTRATOR,
    ("POST", "/models/{version}/promote"): Role.ADMINISTRATOR,
    ("POST", "/models/{version}/shadow"): Role.ADMINISTRATOR,
    ("GET", "/trainings"): Role.VIEWER,
    ("POST", "/trainings"): Role.ADMINISTRATOR,
    ("GET", "/trainings/{version}"): Role.VIEWER,
    ("GET", "/trainings/{version}/progress"): Role.VIEWER,
    ("POST", "/trainings/{version}/stop"): Role.ADMINISTRATOR,
    ("POST", "/trainings/{version}/go-on"): Role.ADMINISTRATOR,
    ("GET", "/studies/{study_uid}"): Role.VIEWER,
    ("GET", "/studies/{study_uid}/images/{number:int}/heat"): Role.VIEWER,
    ("GET", "/studies/{study_uid}/images/{number:int}/{size}"): Role.VIEWER,
    ("GET", "/studies/{study_uid}/instances/{number:int}"): Role.RADIOLOGIST,
    ("GET", "/studies/{study_uid}/results/{number:int}"): Role.RADIOLOGIST,
    ("POST", "/studies/{study_uid}/read"): Role.ADMINISTRATOR,
    ("POST", "/studies/{study_uid}/send"): Role.ADMINISTRATOR,
    ("POST", "/studies/{study_uid}/retract"): Role.RADIOLOGIST,
    ("GET", "/system/jobs"): Role.VIEWER,
    ("POST", "/system/jobs/retry"): Role.ADMINISTRATOR,
    ("GET", "/system/destinations"): Role.VIEWER,
    ("POST", "/system/destinations/test"): Role.ADMINISTRATOR,
    ("GET", "/system/callers"): Role.VIEWER,
    ("GET", "/system/audit"): Role.ADMINISTRATOR,
    ("GET", "/system/audit/verification"): Role.ADMINISTRATOR,
    ("GET", "/system/settings"): Role.ADMINISTRATOR,
    ("GET", "/api"): Role.VIEWER,
    ("GET", "/account"): Role.VIEWER,
    ("POST", "/account"): Role.VIEWER,
    ("GET", "/account/tokens"): Role.VIEWER,
    ("POST", "/account/tokens"): Role.VIEWER,
    ("POST", "/account/tokens/revoke"): Role.VIEWER,
    ("POST", "/logout"): Role.VIEWER,
    ("GET", "/login"): EVERYBODY,
    ("POST", "/login"): EVERYBODY,
    ("GET", "/static/{name}"): EVERYBODY,
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/metrics"): EVERYBODY,
}
"""What this console has, written a second time: a page that is added, or opened to others, fails until it is here."""


def routes(application: object) -> Iterator[tuple[str, str]]:
    """Method and path of everything that can be asked for."""
    for route in application.routes:  # type: ignore[attr-defined]
        if isinstance(route, Mount):
            assert route.path == PREFIX  # tests/node/console/api has its scopes
            continue
        assert isinstance(route, Route)
        yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")


def test_every_page_is_in_the_matrix(sqlite_database: Database, tmp_path: Path) -> None:
    """No route without a role."""
    assert sorted(routes(console(sqlite_database, tmp_path))) == sorted(MATRIX)


@pytest.mark.parametrize("role", [EVERYBODY, *Role], ids=str)
def test_each_role_reaches_its_pages_and_no_other(database: Database, tmp_path: Path, role: Role | None) -> None:
    """Over every page: who may not is led to the login or refused, whatever the form says."""
    with serving(console(database, tmp_path)) as client:
        if role is not None:
            client.log_in(role, PASSWORD)
        reached = {page for page in MATRIX if _let_in(client, *page)}

    expected = {
        page for page, needed in MATRIX.items() if needed is None or (role is not None and role.includes(needed))
    }
    assert reached == expected


def test_no_page_takes_another_sites_form(database: Database, tmp_path: Path) -> None:
    """CSRF: not even with the right token, which another site could not have."""
    with serving(console(database, tmp_path)) as client:
        client.log_in(Role.ADMINISTRATOR, PASSWORD)
        form = {"form_token": client.get("/account").form_token}
        posts = [path for method, path in MATRIX if method == "POST"]
        answers = {path: client.post(path, form, {"Origin": "https://evil.example"}) for path in posts}

    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(posts, 403)
    assert all("This form is too old, or not ours." in answer.text for answer in answers.values())


def _let_in(client: Browser, method: str, path: str) -> bool:
    """Whether a page is behind the door for this browser: a POST without a token is refused for that, inside, and a
    thing that is not there is missed there.
    """
    if method == "POST":
        answer = client.post(path, {})
        return answer.status == 403 and "This form is too old" in answer.text
    answer = client.get(path.replace("{name}", "console.css").replace("{number:int}", "1"))
    return answer.status in {200, 404} or answer.headers.get("location", "/login") != "/login"


@pytest.mark.parametrize(
    ("role", "includes"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.RADIOLOGIST, {Role.VIEWER, Role.RADIOLOGIST}),
        (Role.ADMINISTRATOR, set(Role)),
    ],
)
def test_a_role_includes_those_before_it(role: Role, includes: set[Role]) -> None:
    """And none after it."""
    assert {each for each in Role if role.includes(each)} == includes


def test_a_page_above_ones_role_is_refused_in_words(database: Database) -> None:
    """A radiologist reaches a radiologist's page; a viewer reads why not, and nothing of the page."""
    sessions = Sessions(database=database, lifetime=LIFETIME, now=Clock())
    door = Door(sessions=sessions, cookie=Cookie(encrypted=False))
    page = Page(path="/readings", role=Role.RADIOLOGIST, show=lambda _visit: PlainTextResponse("the readings"))
    answers = {}
    for role in Role:
        with serving(Starlette(routes=[Route(page.path, door.guard(page))])) as client:
            client.cookies["cxr"] = sessions.log_in(role, PASSWORD, "127.0.0.1")
            answers[role] = client.get("/readings")

    assert [answers[role].status for role in Role] == [403, 200, 200]
    assert answers[Role.VIEWER].text == "This takes the role radiologist; yours is viewer."
