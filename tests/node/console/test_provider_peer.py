"""In and out by an identity provider that others made: its pages, its tokens, its way to tell who is in which group."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from db.engine import Database
from tests.node.console.browser import HOST, serving
from tests.node.console.conftest import known_to
from tests.node.console.looking import browsing, opened
from tests.node.identity.provider import CLIENT_ID, SECRET
from tests.peers import oidc_provider

pytestmark = pytest.mark.peer


def test_people_come_and_go_by_a_certified_provider(sqlite_database: Database, tmp_path: Path) -> None:
    """Its token names no group: they are asked for. Out there means out at both; who has no group stays out."""
    issuer, port = oidc_provider.address()
    with browsing() as chromium, serving(known_to(issuer, sqlite_database, tmp_path)) as at:
        page, complaints = opened(chromium.new_context())
        here = f"http://{HOST}:{at.port}"
        back, left = f"{here}/login/oidc/callback", f"{here}/logout/oidc"
        with oidc_provider.running(
            port, client_id=CLIENT_ID, secret=SECRET, back=back, left=left, log=tmp_path / "provider.log"
        ):
            log_in(page, here, "anna")
            page.wait_for_url(f"{here}/studies")
            header = page.locator("header").text_content() or ""
            page.get_by_role("button", name="Log out").click()
            page.get_by_role("button", name="Yes").click()  # of the provider
            page.get_by_text("You are logged out, here and at the identity provider.").wait_for()
            log_in(page, here, "otto")
            page.wait_for_url(f"{back}?**")
            refused = page.get_by_role("alert").inner_text()

    assert "anna, radiologist" in header
    assert refused == "Your account has no role here. Ask for one of the groups that have."
    assert [each for each in complaints if here in each] == []


def log_in(page: Page, here: str, name: str) -> None:
    """By the provider's form, which takes any password, and its question whether the node may know."""
    page.goto(f"{here}/login")
    page.get_by_role("link", name="Log in with your hospital account").click()
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
