"""What people do at the pages, in a real browser, by keyboard; how each page looks is `test_looks.py`'s."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from db import jobs, minings, people, positives, studies
from db.engine import Database
from db.people_records import Role
from db.records import JobState, StudyState
from db.result_records import DeliveryState
from nlp import parser
from nlp.miner import Miner
from node.console.live import Live
from node.labels import mining
from tests.db.label_rows import add_report
from tests.db.rows import add_job, claimed
from tests.db.test_worklist import read
from tests.node.console import busy
from tests.node.console.browser import serving
from tests.node.console.conftest import NOON, PASSWORD, console, known_to, with_people
from tests.node.console.looking import SIZES, browsing, fits, opened
from tests.node.console.test_app import arrival
from tests.node.identity.provider import issuing
from tests.peers.axe import faults
from tests.peers.processes import HOST

WAYS = pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with browsing() as browser:
        yield browser


@pytest.fixture
def address(sqlite_database: Database, password_hash: str, tmp_path: Path) -> Iterator[str]:
    """Where a console is whose administrator is anna."""
    with sqlite_database.write() as connection:
        people.add(connection, name="anna", password_hash=password_hash, role=Role.ADMINISTRATOR, now=NOON)
    with serving(console(sqlite_database, tmp_path)) as client:
        yield f"http://{HOST}:{client.port}"


@pytest.fixture
def live_address(sqlite_database: Database, password_hash: str, tmp_path: Path) -> Iterator[str]:
    """The same, and it looks for changes all the time."""
    live = Live(sqlite_database, every_s=0.05)
    with sqlite_database.write() as connection:
        people.add(connection, name="anna", password_hash=password_hash, role=Role.VIEWER, now=NOON)
    with serving(console(sqlite_database, tmp_path, live=live)) as client:
        yield f"http://{HOST}:{client.port}"
        live.close()


@pytest.fixture
def busy_address(sqlite_database: Database, password_hash: str, tmp_path: Path) -> Iterator[str]:
    """Where a console is whose node has had a busy morning."""
    with sqlite_database.write() as connection:
        people.add(connection, name="anna", password_hash=password_hash, role=Role.ADMINISTRATOR, now=NOON)
        busy.fill(connection, NOON)
    with serving(console(sqlite_database, tmp_path, destinations=busy.DESTINATIONS)) as client:
        yield f"http://{HOST}:{client.port}"


@WAYS
def test_a_person_comes_looks_and_goes_by_keyboard(chromium, address: str, size: str, scheme: str) -> None:
    """Nothing is cut off, and nothing is complained of."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = opened(context)

    page.goto(address)
    seen, found = {"login": fits(page, f"login-{size}-{scheme}")}, faults(page)
    page.locator("#name:focus").wait_for()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")
    page.get_by_role("link", name="System").click()
    page.wait_for_url("**/system")
    seen["empty"] = fits(page, f"empty-{size}-{scheme}")
    with page.expect_response("**/system/counts") as renewed:
        page.evaluate("htmx.ajax('GET', '/system/counts', '#counts')")
    page.keyboard.press("Tab")
    found += faults(page)
    skip = page.evaluate("document.activeElement.textContent")
    page.get_by_role("link", name="Account").click()
    page.wait_for_url("**/account")
    seen["account"] = fits(page, f"account-{size}-{scheme}")
    found += faults(page)
    page.get_by_role("button", name="Log out").press("Enter")
    page.wait_for_url("**/login")
    page.go_back()
    page.wait_for_url("**/login")  # nothing was cached
    context.close()

    assert seen == {"login": True, "empty": True, "account": True}
    assert renewed.value.ok
    assert skip == "Skip to the content"
    assert complaints == []
    assert found == []


@WAYS
def test_a_study_is_seen_without_reload(chromium, sqlite_database, live_address: str, size: str, scheme: str) -> None:
    """It arrives while the list stands open, is filtered away and found again."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = opened(context)
    page.goto(live_address)
    page.locator("#name:focus").wait_for()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")
    page.get_by_text("No study has arrived yet.").wait_for()
    page.get_by_text("Live", exact=True).wait_for()
    a_morning(sqlite_database)
    page.get_by_role("link", name="LINDQVIST, ASTRID").wait_for()
    page.get_by_role("link", name="LINDQVIST, ASTRID").focus()
    with sqlite_database.write() as connection:
        positives.replace(connection, 6, {"Pneumothorax": 0.91})
    arrive(sqlite_database, 7, "OKAFOR^CHIDI")
    page.get_by_role("link", name="OKAFOR, CHIDI").wait_for()
    focused = page.evaluate("document.activeElement.id")
    wide_enough = fits(page, f"live-{size}-{scheme}")
    found = faults(page)
    if size == "narrow":
        page.locator("#fold summary").click()
    page.get_by_label("Finding").select_option("Pneumothorax")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/studies?*finding=Pneumothorax*")
    shown = page.locator("tbody a").all_text_contents()
    context.close()

    assert focused == "study-6"
    assert wide_enough
    assert shown == ["LINDQVIST, ASTRID"]
    assert found == []
    assert complaints == []


def test_a_press_is_a_click_though_the_list_changes_meanwhile(
    chromium: Browser, sqlite_database: Database, live_address: str
) -> None:
    """What it began on is still there when it ends; the list is renewed after it."""
    arrive(sqlite_database, 1, "NOWAK^JAN")
    page, _complaints = opened(chromium.new_context())
    page.goto(live_address)
    page.fill("#name", "anna")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")
    page.get_by_text("Live", exact=True).wait_for()

    page.get_by_role("heading", name="Studies").hover()
    with pressed(page):
        arrive(sqlite_database, 2, "SILVA^MARIA")
    page.get_by_text("SILVA, MARIA").wait_for()
    page.get_by_role("link", name="NOWAK, JAN").hover()
    with pressed(page):
        arrive(sqlite_database, 3, "HAKIM^LEILA")
    page.wait_for_url("**/studies/2.25.1")

    assert page.get_by_role("heading", name="NOWAK, JAN").count() == 1
    page.context.close()


@contextmanager
def pressed(page: Page) -> Iterator[None]:
    """Hold the button of the mouse down until the list that changes in this block has been fetched anew."""
    page.mouse.down()
    with page.expect_event("requestfinished", lambda request: "/worklist/rows" in request.url):
        yield
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()


def test_an_administrator_has_the_audit_log_worked_out_again(chromium: Browser, busy_address: str) -> None:
    """Every digest, by a button; what comes of it takes the button's place."""
    page, complaints = opened(chromium.new_context())
    page.goto(busy_address)
    page.fill("#name", "anna")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")
    page.goto(f"{busy_address}/system/audit")
    page.get_by_role("button", name="Work out every digest again").click()
    page.get_by_text("entries, as they were written").wait_for()
    found = faults(page)
    page.context.close()

    assert complaints == []
    assert found == []


def a_morning(database: Database) -> None:
    """Six studies, each in another state."""
    for number, name in enumerate(
        ("YAMADA^TARO=山田^太郎", "NOWAK^JAN", "SILVA^MARIA", "", "HAKIM^LEILA", "LINDQVIST^ASTRID"), 1
    ):
        arrive(database, number, name)
    with database.write() as connection:
        add_job(connection, 4)
        why = "The view is not frontal (PA or AP)."
        jobs.end(connection, claimed(connection), state=JobState.DONE, now=NOON, error=why)
        studies.begin_revision(connection, studies.get(connection, 4))
        studies.end_revision(connection, 4, 1, StudyState.NOT_READ)
        for number, delivered in ((1, "committed"), (2, "sent"), (3, "refused"), (6, "committed")):
            read(connection, number, DeliveryState(delivered))
        positives.replace(connection, 1, {"Effusion": 0.83, "Cardiomegaly": 0.77})
        positives.replace(connection, 6, {"Nodule": 0.64})
        studies.begin_revision(connection, studies.get(connection, 5))


def arrive(database: Database, number: int, name: str) -> None:
    """A study comes, some minutes after the one before it."""
    uid, at = f"2.25.{number}", NOON + timedelta(minutes=7 * number)
    new = replace(
        arrival(),
        study_instance_uid=uid,
        sop_instance_uid=f"{uid}.1",
        sha256=f"{number:064x}",
        patient_name=name,
        patient_id=f"P{4710 + number}",
        accession_number=f"A{2600 + number}",
        calling_ae="DXROOM1",
        received_at=at,
    )
    with database.write() as connection:
        studies.record_arrival(connection, new, at)


def test_a_picture_without_words_is_found(chromium) -> None:
    """What finds faults here does find one."""
    page = chromium.new_page()
    page.set_content("<html lang=en><title>t</title><main><img src='/none.png'></main></html>")
    found = faults(page)
    page.close()

    assert [fault.partition(" ")[0] for fault in found] == ["image-alt"]


def test_a_person_comes_and_goes_by_the_provider_of_another_site(
    chromium, sqlite_database: Database, password_hash: str, tmp_path: Path
) -> None:
    """Through the redirect from there, though the session's cookie is strict, and is told if they may not; and out
    through it, though the policy lets a form lead nowhere else.
    """
    with (
        issuing("localhost") as issuer,
        serving(known_to(issuer.url, with_people(sqlite_database, password_hash), tmp_path)) as at,
    ):
        looks = []
        for name, (width, height) in SIZES.items():
            for scheme in ("light", "dark"):
                context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page, complaints = opened(context)
                page.goto(f"http://{HOST}:{at.port}/login")
                looks += [*faults(page), *([] if fits(page, f"login-provider-{name}-{scheme}") else ["does not fit"])]
        page.get_by_role("link", name="Log in with your hospital account").click()
        page.wait_for_url("**/studies")
        cookies = {each["name"]: each["sameSite"] for each in context.cookies()}
        issuer.person |= {"groups": ["staff"]}
        page.goto(f"http://{HOST}:{at.port}/login/oidc")
        said = page.get_by_role("alert").inner_text()

        header = at_header(page, at.port)
        page.get_by_role("button", name="Log out").click()
        page.get_by_text("You are logged out, here and at the identity provider.").wait_for()
        looks += [*faults(page), *([] if fits(page, "logout-provider-narrow-dark") else ["does not fit"])]

    assert "anna, radiologist" in header
    assert issuer.ended == ["7f3c"]
    assert looks == []
    assert said == "Your account has no role here. Ask for one of the groups that have."
    assert (cookies, context.cookies()) == ({"cxr": "Strict"}, [])
    assert [each for each in complaints if "403" not in each] == []


def at_header(page: Page, port: int) -> str:
    """Who is logged in, as every page has it above; a narrow one shows no role."""
    page.goto(f"http://{HOST}:{port}/account")
    return page.locator("header").text_content() or ""


def test_a_radiologist_finds_a_report_and_corrects_it(
    chromium: Browser, address: str, sqlite_database: Database, loaded_miner: Miner
) -> None:
    """From the counts to the reports of a finding, to one with its mentions, where a label is set right; on a phone."""
    mined_reports(sqlite_database, loaded_miner)
    width, height = SIZES["narrow"]
    page, complaints = opened(chromium.new_context(viewport={"width": width, "height": height}))
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")

    page.get_by_role("link", name="Labels").click()
    page.wait_for_url("**/labels")
    page.get_by_role("row", name="Effusion").get_by_role("link").click()
    page.wait_for_url("**/reports?**")
    page.get_by_role("region", name="Reports").get_by_role("link").first.click()
    page.wait_for_url("**/reports/*")
    page.get_by_role("region", name="Labels in force").get_by_role("row", name="Effusion").get_by_text(
        "Correct"
    ).click()
    page.get_by_label("Effusion is", exact=True).select_option("uncertain")
    page.get_by_label("Why Effusion").fill("An artefact.")
    page.get_by_label("Why Effusion").press("Enter")
    page.get_by_role("button", name="Take back Effusion uncertain").wait_for()
    whole, found = fits(page, "corrected-narrow-light"), faults(page)
    page.context.close()

    assert whole
    assert found == []
    assert complaints == []


def mined_reports(database: Database, made: Miner) -> None:
    """Some reports, as mining leaves them."""
    with database.write() as connection:
        for number, text in enumerate(TEXTS):
            at = NOON - timedelta(hours=7 * number)
            report_id = add_report(
                connection, str(number), text=text, version_at=at, procedure="XR CHEST PA", patient_id=f"P{number}"
            )
            minings.record(connection, [mining.reading(report_id, made.mine(made.sections(text)), parser.MODEL, at)])


TEXTS = (
    "FINDINGS: The heart is mildly enlarged. Small left pleural effusion with adjacent atelectasis. No pneumothorax.\n"
    "A 7 mm nodule in the right upper lobe may represent a granuloma.\n\nIMPRESSION: Small effusion. Cardiomegaly.",
    "FINDINGS: The lungs are clear. No effusion or pneumothorax. Heart size is normal.\nIMPRESSION: Normal chest.",
    "FINDINGS: Patchy infiltrate in the left base, possibly pneumonia. Small effusion. No pneumothorax.",
    "FINDINGS: Apical pneumothorax of 2 cm. Bibasilar atelectasis. Bilateral effusions. Emphysema.",
    "FINDINGS: Stable cardiomegaly. Pulmonary edema. Large right effusion. There is a mass in the left hilum.",
)
