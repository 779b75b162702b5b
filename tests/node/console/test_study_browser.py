"""The page of a study in a real browser, with a real radiograph."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from db import people
from db.people_records import Role
from db.records import StudyState
from tests.node.console.conftest import NOON, PASSWORD
from tests.node.console.test_pages import SIZES, fits, opened
from tests.nodes import StartNode, push, wait_for_study
from tests.peers.processes import HOST, require

RADIOGRAPH = "golang-samples__healthcare_testdata_dicom_00000001_000.dcm"


@pytest.mark.parametrize("size", SIZES)
def test_a_radiologist_looks_closer(start_node: StartNode, shared_data: Path, password_hash: str, size: str) -> None:
    """Window, zoom and a heat map change what is seen, reset brings it back, and all of it by keyboard too."""
    program = require("Chromium", Path("/usr/bin/chromium"))
    node = start_node(**{"reading.accept_unknown_view": True, "reading.accept_unknown_body_part": True})
    with node.database.write() as connection:
        people.add(connection, name="rita", password_hash=password_hash, role=Role.RADIOLOGIST, now=NOON)
    ds = pydicom.dcmread(shared_data / "dicom" / "real_cxr" / RADIOGRAPH)
    push(node, ds)
    wait_for_study(node, ds, StudyState.READ)
    width, height = SIZES[size]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page, complaints = opened(browser.new_context(viewport={"width": width, "height": height}))
        _log_in(page, f"http://{HOST}:{node.console.port}")
        page.goto(f"http://{HOST}:{node.console.port}/studies/{ds.StudyInstanceUID}")
        page.wait_for_function("() => document.querySelector('.radiograph').naturalWidth > 0")
        page.get_by_role("application").focus()
        page.keyboard.press("b")  # boxes off
        plain = seen(page)
        for _ in range(4):
            page.keyboard.press("Shift+ArrowUp")
        brighter = seen(page)
        page.keyboard.press("0")
        back = seen(page)
        page.get_by_role("button", name="Zoom in").click()
        closer = seen(page)
        page.get_by_role("button", name="Reset").click()
        with page.expect_response("**/heat?*"):
            page.get_by_label("Heat map of").first.check()
        page.wait_for_function("() => document.querySelector('img.heat').complete")
        heated = seen(page)
        fitting = fits(page, f"study-test-{size}")
        browser.close()

    assert brighter.mean() > plain.mean() + 10
    assert np.array_equal(back, plain)
    assert np.abs(closer.astype(int) - plain).mean() > 3
    assert colour(plain) == 0
    assert colour(heated) > 10
    assert fitting
    assert complaints == []


def _log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#name", "rita")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies")


def seen(page: Page) -> npt.NDArray[np.uint8]:
    """The middle of the radiograph as it is on the screen, (rows, columns, 3)."""
    picture = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
    width, height = picture.size
    return np.asarray(picture.crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3)))


def colour(pixels: npt.NDArray[np.uint8]) -> int:
    """How far the most coloured pixel is from grey."""
    return int((pixels.max(axis=2).astype(int) - pixels.min(axis=2)).max())
