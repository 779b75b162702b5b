"""Every page of a department at work, as people see it: at two widths, light and dark, by axe, and by keyboard.

CXR_PICTURES names a folder for a picture of each; CONTRIBUTING.md says how the documents' are made.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.node.console.cases import VERSION
from tests.node.console.day import UID_OF_SHOWN
from tests.node.console.department import Department
from tests.node.console.learning import CANDIDATE, RUNNING
from tests.node.console.looking import browsing, looked_at, opened, shown

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
    "card": f"/models/{VERSION}",
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
OUTSIDE = {"login": "/login", "notice": "/no-such-page"}
TALL = {"study": 1610, "worklist": 1100, "card": 2300}
MOST = 1500
"""How much of a picture is kept, in pixels from the top."""
GALLERY = Path(__file__).parents[3] / "docs" / "pages.md"


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
        page.wait_for_function("() => document.querySelector('.radiograph')?.naturalWidth > 0")
        with page.expect_response("**/heat?*"):
            page.get_by_label("Heat map of Effusion").check()
        page.wait_for_function("() => document.querySelector('img.heat')?.naturalWidth > 0")
    if name == "settings":  # no picture is to have the test's own folder
        page.locator("tr", has=page.get_by_role("rowheader", name="data", exact=True)).locator("td").first.evaluate(
            "cell => { cell.textContent = '/var/lib/cxr'; }"
        )

    assert looked_at(page, name, tall=TALL.get(name, MOST)) == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_stands_outside_of_the_pages_is_readable_too(chromium: Browser, department: Department, name: str) -> None:
    """What nobody has to log in for, and what is said in place of a page."""
    context = chromium.new_context()
    context.add_cookies([] if name == "login" else [department.cookie])
    page, _complaints = opened(context)
    page.goto(department.address + OUTSIDE[name])

    assert looked_at(page, name) == []
    context.close()


def test_the_document_shows_every_page_at_both_widths() -> None:
    """A page that is added is to be shown, too; `git add` is left to who makes the pictures."""
    shown = set(re.findall(r"console-\w+-(?:wide|narrow)-\w+\.png", GALLERY.read_text()))
    kept = {each.name for each in (GALLERY.parent / "pictures").glob("console-*.png")}

    assert shown == {
        f"console-{name}-{way}.png" for name in (*PAGES, *OUTSIDE) for way in ("wide-light", "narrow-dark")
    }
    assert shown <= kept


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
    page.locator(f"#{opened_as}:focus").wait_for()


def test_the_list_is_gone_through_from_study_to_study(chromium: Browser, department: Department) -> None:
    """By Alt and arrows from anywhere, by letters from the radiograph or the links, where the focus then stays."""
    context = chromium.new_context()
    context.add_cookies([department.cookie])
    page, _complaints = opened(context)  # not every study has its file

    def goes(key: str, uid: str, focus: str) -> None:
        page.keyboard.press(key)
        page.wait_for_url(re.compile(rf"/studies/{re.escape(uid)}\?ae=DXROOM1"))
        page.locator(f"#{focus}:focus").wait_for()

    page.goto(f"{department.address}/studies?ae=DXROOM1")
    studies = page.locator("tbody th a").evaluate_all("all => all.map(each => each.pathname.split('/').pop())")
    shown = studies.index(UID_OF_SHOWN)
    page.goto(f"{department.address}/studies/{UID_OF_SHOWN}?ae=DXROOM1")
    page.locator("#stage").focus()
    page.keyboard.press("ArrowDown")  # moves the radiograph

    goes("j", studies[shown + 1], "stage")
    goes("Alt+ArrowUp", studies[shown], "stage")
    assert page.evaluate("() => scrollY") == 0
    page.locator("#older").focus()
    goes("J", studies[shown + 1], "older")
    goes("k", studies[shown], "older")
    page.goto(f"{department.address}/studies/{studies[0]}?ae=DXROOM1")
    page.keyboard.press("Alt+ArrowUp")
    assert page.locator("#newer:focus").inner_text() == "This is the first of the list"
    page.locator(".beside .list").click()
    page.locator("tbody tr:first-child a:focus").wait_for()
    context.close()


@pytest.mark.parametrize("name", ["worklist", "reports"])
def test_a_filter_is_folded_on_a_phone_alone(page: Page, department: Department, name: str) -> None:
    """A line says what is asked for, and opens; at a desk the form stands there as ever."""
    shown(page, "narrow", "light")
    page.goto(department.address + PAGES[name])
    form, line = page.get_by_role("search"), page.locator("summary", has_text="Filter: ")
    seen = [(line.is_visible(), form.is_visible())]
    line.press("Enter")
    seen.append((line.is_visible(), form.is_visible()))
    line.press("Enter")
    shown(page, "wide", "light")
    seen.append((line.is_visible(), form.is_visible()))

    assert seen == [(True, False), (True, True), (False, True)]
