"""A day at the console of a live node: what arrives, is read, reported, judged, corrected and taken back, in a browser.

CXR_PICTURES names a folder for a picture of each page, at both widths.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright
from pydicom.dataset import FileDataset

from db import people
from db.people_records import Role
from db.records import JobKind, JobState
from node import passwords
from node.clock import utc_now
from node.models import registration
from node.parts import Node
from tests.node.console.conftest import PASSWORD
from tests.node.console.test_pages import SIZES, keep, opened
from tests.node.hl7.mllp import Client, code, oru
from tests.nodes import StartNode, all_jobs, push
from tests.peers.axe import faults
from tests.peers.processes import HOST, require, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.timeout(240)]

RADIOGRAPH = "golang-samples__healthcare_testdata_dicom_00000001_000.dcm"
REPORT = "The heart is enlarged. No pneumothorax.~No pleural effusion."


class Reader:
    """Somebody at the console: goes from page to page, and notes what is wrong with any of them."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page, self.complaints = opened(context)
        self.address = address
        self.wrong: list[str] = []

    def log_in(self, name: str) -> None:
        """Through the login's form."""
        self.page.goto(f"{self.address}/login")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/studies")

    def look(self, name: str) -> None:
        """At the page as it stands: at both widths nothing is cut off, and axe finds nothing."""
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            keep(self.page, f"day-{name}-{size}")
            if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                self.wrong.append(f"{name} is cut off ({size})")
        self.wrong += [f"{name}: {fault}" for fault in faults(self.page)]
        self.page.set_viewport_size({"width": SIZES["wide"][0], "height": SIZES["wide"][1]})

    def go(self, path: str, name: str) -> None:
        """To a page, and look at it."""
        self.page.goto(self.address + path)
        self.look(name)


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    """Debian's Chromium."""
    program = require("Chromium", Path("/usr/bin/chromium"))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running.new_context(viewport={"width": SIZES["wide"][0], "height": SIZES["wide"][1]})
        running.close()


@pytest.fixture
def radiograph(shared_data: Path) -> FileDataset:
    """A real chest radiograph, with the identity that the report of the day has."""
    ds = pydicom.dcmread(shared_data / "dicom" / "real_cxr" / RADIOGRAPH)
    ds.PatientID, ds.PatientName, ds.AccessionNumber = "P1", "LINDQVIST^ASTRID", "A1"
    return ds


def report(node: Node, text: str) -> str:
    """Send a report as a RIS does; the answer's code."""
    with Client(node.listener.port) as ris:
        return code(ris.ask(oru(accession="A1", text=text)))


def test_a_day_at_the_console(
    start_node: StartNode, browser: BrowserContext, radiograph: FileDataset, tiny_model: Path, tmp_path: Path
) -> None:
    """From the push of a modality to the results that are taken back, each step seen where somebody would see it."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    unnamed = {"reading.accept_unknown_view": True, "reading.accept_unknown_body_part": True}
    node = start_node(**{"reading.model": None, **unnamed})
    registration.register(node.database, tiny_model, tmp_path / "data", by="anna", now=utc_now())
    with node.database.write() as connection:
        people.add(
            connection, name="rita", password_hash=passwords.hashed(PASSWORD), role=Role.ADMINISTRATOR, now=utc_now()
        )
    rita = Reader(browser, f"http://{HOST}:{node.console.port}")
    page: Page = rita.page

    rita.log_in("rita")
    page.get_by_text("No study has arrived yet.").wait_for()
    page.get_by_text("Live", exact=True).wait_for()
    push(node, of_another(radiograph))
    page.get_by_role("row", name="SILVA, MARIA").get_by_text("read", exact=True).wait_for()  # without a reload
    page.get_by_role("link", name="SILVA, MARIA").click()
    page.locator("p.soft", has_text="By starter-").wait_for()

    rita.go("/models/tiny-1", "model")
    page.get_by_label("Promote it all the same").check()
    page.get_by_label("Why (for the audit log; nothing of a patient)").fill("It is the day's model.")
    page.get_by_label("Let tiny-1 read from the next study on").check()
    page.get_by_role("button", name="Promote").click()
    page.get_by_text("reads", exact=True).first.wait_for()

    page.goto(f"{rita.address}/studies")
    page.get_by_text("Live", exact=True).wait_for()
    push(node, radiograph)
    page.get_by_role("row", name="LINDQVIST, ASTRID").get_by_text("Pneumothorax").wait_for()
    rita.look("worklist")

    page.get_by_role("link", name="LINDQVIST, ASTRID").click()
    page.locator("p.soft", has_text="By tiny-1").wait_for()
    page.wait_for_function("() => document.querySelector('.radiograph').naturalWidth > 0")
    with page.expect_response("**/heat?*") as heat:
        page.get_by_label("Heat map of Effusion").check()
    assert heat.value.ok
    page.get_by_text("No report is linked to this study.").wait_for()

    assert report(node, REPORT) == "AA"
    wait_until(lambda: is_mined(node), timeout_s=60, what="the report is not mined")
    page.reload()
    page.locator("mark.negative").first.wait_for()
    rita.look("study")

    rita.go("/discrepancies?finding=Pneumothorax", "discrepancies")
    page.get_by_role("row", name="Pneumothorax").get_by_role("button", name="The report is right").click()
    page.get_by_text("No difference is left here.").wait_for()

    rita.go("/reports?finding=Cardiomegaly&state=positive", "reports")
    page.get_by_role("region", name="Reports").get_by_role("link").first.click()
    page.wait_for_url("**/reports/*")
    page.get_by_role("row", name="Cardiomegaly").get_by_text("Correct", exact=True).click()
    page.get_by_label("Cardiomegaly is", exact=True).select_option("uncertain")
    page.get_by_label("Why Cardiomegaly").fill("A portable image.")
    page.get_by_label("Why Cardiomegaly").press("Enter")
    page.get_by_role("button", name="Take back Cardiomegaly uncertain").wait_for()
    rita.look("report")

    for path, name in (
        ("/labels", "labels"),
        ("/agreement", "agreement"),
        ("/models", "models"),
        ("/trainings", "trainings"),
        ("/system", "system"),
        ("/system/audit", "audit"),
    ):
        rita.go(path, name)

    page.goto(f"{rita.address}/studies/{radiograph.StudyInstanceUID}")
    page.get_by_label("because of").select_option("quality")
    page.get_by_role("button", name="Take back", exact=True).click()
    page.get_by_text("The results of this study were taken back.").wait_for()
    rita.look("retracted")
    page.goto(f"{rita.address}/studies")
    page.get_by_role("row", name="LINDQVIST, ASTRID").get_by_text("retracted").wait_for()

    assert rita.wrong == []
    assert rita.complaints == []


def of_another(ds: FileDataset) -> FileDataset:
    """The same image of another patient's study."""
    other = deepcopy(ds)
    other.PatientID, other.PatientName, other.AccessionNumber = "P2", "SILVA^MARIA", "A2"
    other.StudyInstanceUID, other.SeriesInstanceUID, other.SOPInstanceUID = "2.25.21", "2.25.22", "2.25.23"
    other.file_meta.MediaStorageSOPInstanceUID = other.SOPInstanceUID
    return other


def is_mined(node: Node) -> bool:
    """Whether the report that came was mined."""
    return [job.state for job in all_jobs(node) if job.kind is JobKind.MINE] == [JobState.DONE]
