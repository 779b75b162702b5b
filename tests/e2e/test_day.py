"""A day at the console of a live node, in a browser: a study arrives, is read, reported, judged and corrected; the node
learns from what it has received, the model is promoted and reads the next study, whose results are taken back.

CXR_PICTURES names a folder for pictures.
"""

import shlex
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Page
from pydicom.dataset import FileDataset

from db import people
from db.people_records import Role
from db.records import JobKind, JobState
from db.vocabulary import EIGHT
from node.identity import passwords
from node.learning.methods import METHODS
from node.parts import Node
from node.process.clock import utc_now
from node.rehearsal import department
from node.rehearsal.peers import Modalities, Ris
from tests.node.console.conftest import PASSWORD
from tests.node.console.looking import browsing, looked_at, opened
from tests.node.hl7.mllp import Client, code, oru
from tests.nodes import StartNode, all_jobs, push
from tests.peers.processes import HOST, wait_until
from training.pseudonym import KEY_FILE

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("spacy", reason="the extra `reports` is not installed")

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

RADIOGRAPH = "golang-samples__healthcare_testdata_dicom_00000001_000.dcm"
REPORT = "Heart size is normal. No pneumothorax.~No pleural effusion."
"""The model that the node comes with takes the heart of this radiograph for enlarged."""
LEARNT = ("Cardiomegaly", "Effusion")
STUDIES = 30
"""Of the department; so many have both findings, and neither, in training, validation and test."""
SMALL = (
    "--tune upper --backbone alexnet --weights none --width 8 --size 64 --head-epochs 1 --epochs 4 --patience 0 "
    "--effective-batch 8 --copies 0 --decoders 1 --threads 1"
)
PATIENCE_MS = 120_000
"""For anything to appear, on a machine that may be busy."""


class Reader:
    """Somebody at the console: goes from page to page, and notes what is wrong with any of them."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.wrong: list[str] = []

    def log_in(self, name: str) -> None:
        """Through the login's form."""
        self.go("/login")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/studies")

    def go(self, path: str) -> None:
        """To a page."""
        self.page.goto(self.address + path)

    def look(self, name: str) -> None:
        """At the page as it stands."""
        self.wrong += looked_at(self.page, f"day-{name}")

    def press(self, name: str) -> None:
        """A button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, text: str, *, within: str = "main") -> None:
        """Something appears, without a reload."""
        self.page.locator(within).get_by_text(text).first.wait_for()


@pytest.fixture
def page() -> Iterator[Page]:
    """A page in Debian's Chromium; nothing may have complained in the end."""
    with browsing() as browser:
        page, complaints = opened(browser.new_context())
        page.set_default_timeout(PATIENCE_MS)
        yield page
        assert complaints == []


@pytest.fixture
def node(start_node: StartNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node with the model that it comes with; a training that takes half an hour elsewhere takes seconds here."""
    monkeypatch.setitem(METHODS, "upper", replace(METHODS["upper"], arguments=tuple(shlex.split(SMALL))))
    monkeypatch.setattr(department, "SICK", 0.6)
    monkeypatch.setattr(department, "WEIGHTS", {each.name: 1.0 if each.name in LEARNT else 0.01 for each in EIGHT})
    unnamed = {"reading.accept_unknown_view": True, "reading.accept_unknown_body_part": True}
    node = start_node(**{"reading.model": None, **unnamed})
    (tmp_path / "data" / KEY_FILE).write_text("11" * 32)  # so that patients are dealt alike each time
    with node.database.write() as connection:
        hashed = passwords.hashed(PASSWORD)
        people.add(connection, name="rita", password_hash=hashed, role=Role.ADMINISTRATOR, now=utc_now())
    return node


@pytest.fixture
def radiograph(shared_data: Path) -> FileDataset:
    """A real chest radiograph, with the identity that the report of the day has."""
    ds = pydicom.dcmread(shared_data / "dicom" / "real_cxr" / RADIOGRAPH)
    ds.PatientID, ds.PatientName, ds.AccessionNumber = "P1", "LINDQVIST^ASTRID", "A1"
    return ds


def test_a_day_at_the_console(node: Node, page: Page, radiograph: FileDataset, tmp_path: Path) -> None:
    """From the push of a modality to the results that are taken back, each step seen where somebody would see it."""
    rita = Reader(page, f"http://{HOST}:{node.console.port}")
    rita.log_in("rita")
    rita.sees("No study has arrived yet.")

    is_read(rita, node, radiograph, "LINDQVIST, ASTRID", by="starter-")
    is_reported(rita, node)
    is_judged(rita)
    is_corrected(rita)
    others_arrive(rita, node, tmp_path)
    is_learnt(rita)
    is_promoted(rita)
    is_read(rita, node, of_another(radiograph), "SILVA, MARIA", by="spring")
    is_taken_back(rita)

    assert rita.wrong == []


def is_read(rita: Reader, node: Node, ds: FileDataset, patient: str, *, by: str) -> None:
    """A study arrives while the worklist stands open; its page has the radiograph and the model's evidence."""
    rita.go("/studies")
    rita.page.get_by_text("Live", exact=True).wait_for()
    push(node, ds)
    rita.page.get_by_role("row", name=patient).get_by_text("read", exact=True).wait_for()
    rita.page.get_by_role("link", name=patient).click()
    rita.sees(f"By {by}")
    rita.page.wait_for_function("() => document.querySelector('.radiograph')?.naturalWidth > 0")
    with rita.page.expect_response("**/heat?*") as heat:
        rita.page.get_by_label("Heat map of Effusion").check()
    assert heat.value.ok


def is_reported(rita: Reader, node: Node) -> None:
    """The report comes, and stands beside the radiograph with what it says."""
    rita.sees("No report is linked to this study.")
    with Client(node.listener.port) as ris:
        assert code(ris.ask(oru(accession="A1", text=REPORT))) == "AA"
    wait_until(lambda: is_mined(node), timeout_s=60, what="the report is not mined")
    rita.page.reload()
    rita.page.locator("mark.negative").first.wait_for()
    rita.look("study")


def is_judged(rita: Reader) -> None:
    """Where model and report differ, somebody says who is right."""
    rita.go("/discrepancies?finding=Cardiomegaly")
    rita.page.get_by_role("row", name="Cardiomegaly").get_by_role("button", name="The report is right").click()
    rita.sees("No difference is left here.")


def is_corrected(rita: Reader) -> None:
    """A label is found, corrected, and the correction can be taken back."""
    rita.go("/reports?finding=Effusion&state=negative")
    rita.page.get_by_role("region", name="Reports").get_by_role("link").first.click()
    rita.page.wait_for_url("**/reports/*")
    rita.page.get_by_role("row", name="Effusion").get_by_text("Correct", exact=True).click()
    rita.page.get_by_label("Effusion is", exact=True).select_option("uncertain")
    rita.page.get_by_label("Why Effusion").fill("A portable image.")
    rita.page.get_by_label("Why Effusion").press("Enter")
    rita.page.get_by_role("button", name="Take back Effusion uncertain").wait_for()


def others_arrive(rita: Reader, node: Node, folder: Path) -> None:
    """The rest of the department sends its studies, and the RIS their reports; the worklist follows."""
    rita.go("/studies")
    rita.page.get_by_text("Live", exact=True).wait_for()
    rooms = Modalities(ae_title="CXRNODE", port=node.scp.port, pixels=64, folder=folder)
    with closing(Ris(node.listener.port)) as ris:
        for _ in rooms.work(islice(department.studies(STUDIES), STUDIES), ris):
            pass
    rita.page.get_by_role("row", name="SYNTHETIC, NOBODY").nth(STUDIES - 1).wait_for()
    wait_until(lambda: is_mined(node) and is_idle(node), timeout_s=60, what="the studies are not read and mined")


def is_learnt(rita: Reader) -> None:
    """A training of what is here now is started, watched while it runs, and makes a model."""
    rita.go("/trainings")
    rita.page.get_by_text("Findings of a new snapshot").click()
    for each in EIGHT:
        rita.page.get_by_label(each.name, exact=True).set_checked(each.name in LEARNT)
    rita.page.get_by_label(METHODS["upper"].title).check()
    rita.page.get_by_label("Version of the model").fill("spring")
    rita.press("Start")
    rita.page.wait_for_url("**/trainings/spring")
    rita.page.locator(".badge", has_text="training").wait_for()
    rita.page.get_by_role("progressbar").wait_for()
    rita.page.get_by_role("img", name="AUC on the validation patients").wait_for()
    rita.sees("Its model is here")
    rita.look("training")


def is_promoted(rita: Reader) -> None:
    """It is set beside the model that reads, on patients that neither has learnt from, and is let read all the same."""
    rita.page.get_by_role("link", name="spring", exact=True).click()
    rita.page.wait_for_url("**/models/spring")
    rita.press("Compare")
    rita.page.get_by_role("region", name="Comparison").get_by_role("row", name="Mean").wait_for()
    rita.sees("It does not know")
    rita.look("model")
    rita.page.get_by_label("Promote it all the same").check()
    rita.page.get_by_label("Why (for the audit log; nothing of a patient)").fill("It is the day's model.")
    rita.page.get_by_label("Let spring read from the next study on").check()
    rita.press("Promote")
    rita.page.locator("h1 .badge", has_text="reads").wait_for()


def is_taken_back(rita: Reader) -> None:
    """The results of the study that stands open are taken back; the worklist says so."""
    rita.page.get_by_label("because of").select_option("quality")
    rita.press("Take back")
    rita.sees("The results of this study were taken back.")
    rita.sees("Results taken back", within=".story")
    rita.go("/studies")
    rita.page.get_by_role("row", name="SILVA, MARIA").get_by_text("retracted").wait_for()


def of_another(ds: FileDataset) -> FileDataset:
    """The same image of another patient's study."""
    other = deepcopy(ds)
    other.PatientID, other.PatientName, other.AccessionNumber = "P2", "SILVA^MARIA", "A2"
    other.StudyInstanceUID, other.SeriesInstanceUID, other.SOPInstanceUID = "2.25.21", "2.25.22", "2.25.23"
    other.file_meta.MediaStorageSOPInstanceUID = other.SOPInstanceUID
    return other


def is_mined(node: Node) -> bool:
    """Whether every report that came was mined."""
    return {job.state for job in all_jobs(node) if job.kind is JobKind.MINE} == {JobState.DONE}


def is_idle(node: Node) -> bool:
    """Whether every study was read."""
    return {job.state for job in all_jobs(node) if job.kind is JobKind.READ} == {JobState.DONE}
