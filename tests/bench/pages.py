"""Every page of a large site's console, for `tests.bench.million`.

The server's time of each page as a browser gets it, over a connection to a console of its own, and how long Chromium
takes from the click until the page with all that it names is there. Milliseconds; the aims are 150 of server time on
PostgreSQL, 300 on SQLite, and 1000 for the browser, each as the 95th percentile.
"""

import os
import re
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from db.engine import Database
from tests.bench import large
from tests.bench.commands import p95_of, times_ms
from tests.node.console.browser import HOST, Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console
from tests.node.console.test_access import MATRIX

AIMS_MS = {"sqlite": 300, "postgresql": 150}
BROWSER_AIM_MS = 1000
LOADS = 8
CHROMIUM = Path("/usr/bin/chromium")
QUESTIONS = {
    "studies, the newest": "/studies",
    "studies, of a state": "/studies?state=failed",
    "studies, not delivered": "/studies?state=undelivered",
    "studies, a state that is looked for": "/studies?state=sent",
    "studies, with a finding": "/studies?finding=Pneumothorax",
    "studies, finding, sender and day": "/studies?finding=Effusion&ae=MOBILE&from=2025-06-01",
    "studies, of a sender": "/studies?ae=MOBILE",
    "studies, an accession number": "/studies?accession=A500",
    "studies, a name": "/studies?patient=name12",
    "studies, half of them back": "/studies?before={half}",
    "studies, the part that renews itself": "/worklist/rows",
    "one study": "/studies/2.25.{half}",
    "reports": "/reports",
    "reports, a finding": "/reports?finding=Effusion&state=positive",
    "one report": "/reports/{half}",
    "labels": "/labels",
    "labels as CSV": "/labels/table.csv",
    "lexicon": "/lexicon",
    "discrepancies": "/discrepancies",
    "discrepancies of a finding": "/discrepancies?finding=Effusion",
    "agreement": "/agreement",
    "agreement of a view": "/agreement?finding=Effusion&view=AP",
    "models": "/models",
    "training": "/trainings",
    "system": "/system",
    "system, the part that renews itself": "/system/counts",
    "jobs": "/system/jobs",
    "destinations": "/system/destinations",
    "callers": "/system/callers",
    "audit log": "/system/audit",
    "settings": "/system/settings",
    "account": "/account",
    "tokens": "/account/tokens",
    "reference of the API": "/api",
}
NOT_ASKED = {
    "/": "leads to the studies",
    "/labels/all.csv": "every label of the site, sent as it is read",
    "/system/audit/verification": "reads the whole log, because that is what was asked for",
    "/worklist/changes": "a stream",
    "/login": "asked for once",
    "/healthz": "for machines",
    "/readyz": "for machines",
    "/metrics": "for machines",
}


def not_asked() -> set[str]:
    """Pages without a parameter in their path that no question is about."""
    asked = {re.split(r"\?", path)[0] for path in QUESTIONS.values()}
    pages = {path for method, path in MATRIX if method == "GET" and "{" not in path}
    return pages - asked - set(NOT_ASKED)


def measured(database: Database, folder: Path, rows: int, asked: int) -> None:
    """Ask every question and print a row of each."""
    missed = not_asked()
    assert not missed, f"pages that nobody measures: {missed}"
    kind = database.engine.dialect.name
    large.add_administrator(database, PASSWORD, NOON)
    print(f"\n{kind:<38}{'server':>16}{'browser':>16}{'load':>7}")
    with serving(console(database, folder)) as browser, chromium(browser) as load:
        for name, path in QUESTIONS.items():
            address = path.format(half=rows // 2)
            server = times_ms(lambda: get(browser, address), asked)  # noqa: B023
            whole = times_ms(lambda: load(address), LOADS) if "renews" not in name and "CSV" not in name else []  # noqa: B023
            show(name, server, whole, AIMS_MS[kind])


def show(name: str, server: list[float], whole: list[float], aim_ms: float) -> None:
    """Print a row."""
    cells = "".join(
        f"{statistics.median(times):8.0f}{p95_of(times):8.0f}" if times else " " * 16 for times in (server, whole)
    )
    reached = p95_of(server) < aim_ms and (not whole or p95_of(whole) < BROWSER_AIM_MS)
    print(f"{name:<38}{cells}{os.getloadavg()[0]:7.1f}  {'yes' if reached else 'NO'}", flush=True)


def get(browser: Browser, path: str) -> None:
    """A page as it must be."""
    answer = browser.get(path)
    assert answer.status == 200, (path, answer.status, answer.text[:2000])


@contextmanager
def chromium(browser: Browser) -> Iterator[Callable[[str], object]]:
    """Logs both in; loads a page in Chromium, until everything that it names is there."""
    browser.log_in("anna", PASSWORD)
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = program.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(f"http://{HOST}:{browser.port}/login")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button").click()
        page.wait_for_url("**/studies")
        yield lambda path: page.goto(f"http://{HOST}:{browser.port}{path}", wait_until="load")
        program.close()
