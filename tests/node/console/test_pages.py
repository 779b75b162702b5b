"""The pages in a real browser. CXR_PICTURES names a folder for a picture of each."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from db import people
from db.engine import Database
from db.records import Role
from tests.node.console.browser import serving
from tests.node.console.conftest import NOON, PASSWORD, console
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
    """A picture, if somebody wants pictures."""
    if folder := os.environ.get("CXR_PICTURES"):
        page.screenshot(path=Path(folder) / f"console-{name}.png", full_page=True)
