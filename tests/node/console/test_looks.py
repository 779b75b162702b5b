"""Every page of a department at work, as people see it: at two widths, light and dark, by axe, and by keyboard.

CXR_PICTURES names a folder for a picture of each; CONTRIBUTING.md says how the documents' are made.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.node.console.day import UID_OF_SHOWN
from tests.node.console.department import Department
from tests.node.console.learning import CANDIDATE, RUNNING
from tests.node.console.looking import browsing, looked_at, opened

PAGES = {
    "worklist": "/studies",
    "study": f"/studies/{UID_OF_SHOWN}",
    "discrepancies": "/discrepancies",
    "agreement": "/agreement",
    "reports": "/reports?finding=Effusion&state=positive",
    "report": "/reports/2",
    "labels": "/labels",
    "lexicon": "/lexicon",
    "models": "/models",
    "model": f"/models/{CANDIDATE}",
    "trainings": "/trainings",
    "training": f"/trainings/{RUNNING}",
    "overview": "/system",
    "jobs": "/system/jobs",
    "destinations": "/system/destinations",
    "callers": "/system/callers",
    "audit": "/system/audit",
    "settings": "/system/settings",
    "account": "/account",
    "tokens": "/account/tokens",
    "api": "/api",
}
TALL = {"study": 1610, "model": 1500, "worklist": 1100}
"""How much of a picture is kept, in pixels from the top."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(chromium: Browser, department: Department) -> Iterator[Page]:
    """A page in which an administrator is logged in; nothing that it was shown may have complained."""
    context = chromium.new_context()
    context.add_cookies([department.cookie])
    page, complaints = opened(context)
    yield page
    context.close()
    assert complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_readable(page: Page, department: Department, name: str) -> None:
    """Nothing is cut off, and axe finds nobody who is kept out."""
    page.goto(department.address + PAGES[name])
    if name == "study":
        page.wait_for_function("() => document.querySelector('.radiograph').naturalWidth > 0")
        with page.expect_response("**/heat?*"):
            page.get_by_label("Heat map of Effusion").check()
        page.wait_for_function("() => document.querySelector('img.heat').naturalWidth > 0")

    assert looked_at(page, name, tall=TALL.get(name)) == []


def test_the_worklist_is_gone_through_by_keyboard(page: Page, department: Department) -> None:
    """Arrows from anywhere, letters from a study; a field is typed in, and who comes back finds the study again."""

    def after(*keys: str) -> str:
        for key in keys:
            page.keyboard.press(key)
        return str(page.evaluate("() => document.activeElement.id"))

    page.goto(department.address + PAGES["worklist"])
    rows = page.locator("tbody th a").evaluate_all("all => all.map(each => each.id)")

    assert after("j", "/") == ""
    assert after("ArrowDown") == rows[0]
    assert after("j", "j", "k") == rows[1]
    assert after("End") == rows[-1]
    assert after("Home", "ArrowUp") == rows[0]
    assert after("/", "j", "ArrowDown") == "patient"
    assert page.locator("#patient").input_value() == "j"

    shown = page.locator(f'a[href$="{UID_OF_SHOWN}"]')
    opened_as = shown.get_attribute("id")
    page.locator("tr", has=shown).click(position={"x": 5, "y": 5})
    page.wait_for_url(f"**/{UID_OF_SHOWN}")
    page.go_back()
    page.wait_for_function("id => document.activeElement.id === id", arg=opened_as)
