"""The pages in a real browser. CXR_PICTURES names a folder for a picture of each."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright

from db import jobs, minings, people, positives, studies
from db.engine import Database
from db.people_records import Role
from db.records import JobState, StudyState
from db.result_records import DeliveryState
from nlp import miner, parser
from node import mining
from node.console.live import Live
from tests.db.label_rows import add_report
from tests.db.rows import add_job, claimed
from tests.db.test_worklist import read
from tests.node.console import busy
from tests.node.console.browser import serving
from tests.node.console.conftest import NOON, PASSWORD, console
from tests.node.console.test_app import arrival
from tests.peers.axe import faults
from tests.peers.processes import HOST, require

SIZES = {"wide": (1280, 800), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Debian's; Playwright downloads none."""
    program = require("Chromium", Path("/usr/bin/chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


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


def opened(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and what it complains of: an error, or something the policy does not let it do."""
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_person_comes_looks_and_goes_by_keyboard(chromium, address: str, size: str, scheme: str) -> None:
    """At both widths, light and dark: nothing is cut off, nothing is complained of."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = opened(context)

    page.goto(address)
    found = faults(page)
    keep(page, f"login-{size}-{scheme}")
    page.keyboard.type("anna")  # the field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")
    page.get_by_role("link", name="System").click()
    page.wait_for_url("**/system")
    seen = {"system": fits(page, f"system-{size}-{scheme}")}
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

    assert seen == {"system": True, "account": True}
    assert renewed.value.ok
    assert skip == "Skip to the content"
    assert complaints == []
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_study_is_seen_without_reload(chromium, sqlite_database, live_address: str, size: str, scheme: str) -> None:
    """It arrives while the list stands open, is filtered away and found again."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = opened(context)
    page.goto(live_address)
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
    wide_enough = fits(page, f"worklist-{size}-{scheme}")
    found = faults(page)
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


@pytest.mark.parametrize("size", SIZES)
def test_an_administrator_looks_at_the_system(chromium, busy_address: str, size: str) -> None:
    """Its pages, the tokens and the API's page: nothing is cut off, nothing is complained of."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height})
    page, complaints = opened(context)
    page.goto(busy_address)
    page.fill("#name", "anna")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")
    page.goto(f"{busy_address}/system")
    seen, found = {"overview": fits(page, f"overview-{size}")}, faults(page)
    for name in ("jobs", "destinations", "callers", "audit", "settings", "tokens", "api"):
        page.goto(busy_address + {"tokens": "/account/tokens", "api": "/api"}.get(name, f"/system/{name}"))
        seen[name] = fits(page, f"{name}-{size}")
        found += faults(page)
    page.goto(f"{busy_address}/system/audit")
    page.get_by_role("button", name="Work out every digest again").click()
    page.get_by_text("entries, as they were written").wait_for()
    context.close()

    assert [name for name, whole in seen.items() if not whole] == []
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


def fits(page: Page, name: str) -> bool:
    """Whether a page needs no scrolling sideways."""
    keep(page, name)
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def keep(page: Page, name: str) -> None:
    """A picture, if somebody wants pictures; in as many colours as a page needs."""
    if folder := os.environ.get("CXR_PICTURES"):
        picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        picture.quantize(64).save(Path(folder) / f"console-{name}.png", optimize=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_radiologist_finds_a_report_and_corrects_it(
    chromium, address: str, sqlite_database: Database, size: str, scheme: str
) -> None:
    """From the counts to the reports of a finding, to one with its mentions, and back; and to another lexicon."""
    mined_reports(sqlite_database)
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = opened(context)
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")

    page.get_by_role("link", name="Labels").click()
    page.wait_for_url("**/labels")
    seen, found = {"labels": fits(page, f"labels-{size}-{scheme}")}, faults(page)
    page.get_by_role("row", name="Effusion").get_by_role("link").click()
    page.wait_for_url("**/reports?**")
    seen["reports"], found = fits(page, f"reports-{size}-{scheme}"), found + faults(page)
    page.get_by_role("region", name="Reports").get_by_role("link").first.click()
    page.wait_for_url("**/reports/*")
    page.get_by_role("region", name="Labels in force").get_by_role("row", name="Effusion").get_by_text(
        "Correct"
    ).click()
    page.get_by_label("Effusion is", exact=True).select_option("uncertain")
    page.get_by_label("Why Effusion").fill("An artefact.")
    page.get_by_label("Why Effusion").press("Enter")
    page.get_by_role("button", name="Take back Effusion uncertain").wait_for()
    seen["report"], found = fits(page, f"report-{size}-{scheme}"), found + faults(page)
    page.goto(f"{address}/lexicon")
    seen["lexicon"], found = fits(page, f"lexicon-{size}-{scheme}"), found + faults(page)
    context.close()

    assert seen == dict.fromkeys(("labels", "reports", "report", "lexicon"), True)
    assert found == []
    assert complaints == []


def mined_reports(database: Database) -> None:
    """Some reports, as mining leaves them."""
    made = miner.load()
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
