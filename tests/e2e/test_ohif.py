"""What a radiologist sees of the node's results in OHIF, beside Orthanc: on the page, and in pixels of a screenshot.

CXR_PICTURES keeps them: `CXR_PICTURES=docs/pictures python -m pytest tests/e2e/test_ohif.py` makes the README's.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset

from db.vocabulary import FINDINGS
from node import wiring
from node.demonstration import phantom
from node.objects.palette import finding_colour
from node.settings import load
from tests.bundles import Spot, write_tiny, write_told
from tests.nodes import push
from tests.peers.ohif import Ohif, Picture, Viewer, Workstation, is_a_picture, workstation
from tests.peers.orthanc import Orthanc, Stored
from tests.peers.pacs import SUCCESS

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

SPOTS = {
    "Effusion": Spot(x=0.82, y=0.69, radius=0.08, probability=0.86),
    "Nodule": Spot(x=0.285, y=0.37, radius=0.045, probability=0.64),
}
"""What the model of this test is told: the places of the signs in the phantom."""

REAL = "golang-samples__healthcare_testdata_dicom_00000001_000.dcm"
"""A public radiograph without Frame of Reference and pixel spacing; not compressed: Orthanc 1.10 decodes nothing."""

Colour = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study that the node has read, as it lies in Orthanc."""

    source: FileDataset
    results: Mapping[str, Stored]
    orthanc: Orthanc

    def shown(self, on: Workstation, modality: str) -> AbstractContextManager[Viewer]:
        """Open it in OHIF with the series of a modality in the viewport."""
        return on.open(self.source.StudyInstanceUID, self.results[modality].series_instance_uid)

    def dataset(self, modality: str) -> Dataset:
        """The result of a modality as Orthanc has it."""
        return self.orthanc.dataset(self.results[modality].sop_instance_uid)

    def place(self, finding: str) -> tuple[float, float]:
        """The middle of a finding, in pixels of the image."""
        return SPOTS[finding].x * self.source.Columns, SPOTS[finding].y * self.source.Rows


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One Orthanc for the module."""
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def viewers(archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workstation]:
    """One browser for the module; each test opens a page of its own."""
    ohif = Ohif(tmp_path_factory.mktemp("ohif"), orthanc_url=archive.url)
    try:
        with workstation(ohif) as station:
            yield station
    finally:
        ohif.close()


@pytest.fixture(scope="module")
def with_findings(archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A phantom with two findings, each with a box."""
    folder = tmp_path_factory.mktemp("phantom")
    image = phantom.dataset(rows=1024, columns=1024, findings=("Effusion", "Nodule"))
    return _read(image, archive, write_told(folder / "model", SPOTS).path, folder / "data")


@pytest.fixture(scope="module")
def odd(archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The same, lying on its side, with one pixel more than a multiple of 16.

    Frames of all its findings would fill an odd number of bytes.
    """
    folder = tmp_path_factory.mktemp("odd")
    image = phantom.dataset(rows=1023, columns=1023, findings=("Effusion", "Nodule"))
    image.PatientID = "CXR-PHANTOM-3"
    image.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]
    return _read(image, archive, write_told(folder / "model", SPOTS).path, folder / "data")


@pytest.fixture(scope="module")
def without_findings(archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A phantom, of odd size, whose findings are all below their operating points."""
    folder = tmp_path_factory.mktemp("nothing")
    image = phantom.dataset(rows=501, columns=403)
    image.PatientID = "CXR-PHANTOM-2"
    return _read(image, archive, write_tiny(folder / "model", operating_point=1.0).path, folder / "data")


@pytest.fixture(scope="module")
def real(archive: Orthanc, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A real radiograph of the public test data, with the findings that the model was told."""
    folder = tmp_path_factory.mktemp("real")
    image = pydicom.dcmread(shared_data / "dicom" / "real_cxr" / REAL)
    return _read(image, archive, write_told(folder / "model", SPOTS).path, folder / "data")


def _read(image: FileDataset, archive: Orthanc, model: Path, data: Path) -> Study:
    """The modality sends an image to the archive and to the node, which sends its results to the archive too."""
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    archive.post("/instances", file.getvalue())
    settings = {
        "data": data,
        "dicom.port": 0,
        "hl7.port": 0,
        "console.port": 0,
        "dicom.min_free_mb": 0,
        "study.quiet_s": 0,
        "reading.model": model,
        "reading.accept_unknown_view": True,
        "reading.accept_unknown_body_part": True,
        "destinations": [
            {"name": "pacs", "ae_title": archive.ae_title, "host": archive.host, "port": archive.port},
        ],
    }
    node = wiring.build(load(None, **settings))
    node.start()
    try:
        assert push(node, image) == [SUCCESS]
        stored = archive.wait_for_instances(4, study_instance_uid=image.StudyInstanceUID)
    finally:
        node.stop()
    return Study(source=image, results={each.modality: each for each in stored}, orthanc=archive)


@pytest.mark.parametrize("name", ["with_findings", "odd", "real"])
def test_segmentation_lies_over_the_image_in_the_colours_of_its_findings(
    name: str, viewers: Workstation, request: pytest.FixtureRequest
) -> None:
    """Opened, the segmentation tints each finding's place in its colour, and nothing else of the image."""
    study: Study = request.getfixturevalue(name)
    with study.shown(viewers, "SEG") as viewer:
        viewer.answer_yes()

        viewer.wait_for(lambda: all(_tinted(viewer, study, each) for each in SPOTS), "the segments are not there")

        assert np.linalg.norm(_tint(viewer.picture(), *viewer.place(*_middle(study)))) < 6
        assert is_a_picture(viewer.viewport())
        assert viewer.errors == []
        if name == "with_findings":
            _keep(viewer, "ohif-seg.png")


def test_report_draws_boxes_with_their_certainty(with_findings: Study, viewers: Workstation) -> None:
    """Opened, the report shows each box where it is and what the model's certainty is, beside it."""
    boxes = _boxes(with_findings.dataset("SR"))
    with with_findings.shown(viewers, "SR") as viewer:
        viewer.wait_for(
            lambda: viewer.shows("Certainty of Finding: 86.00 %", "Certainty of Finding: 64.00 %"),
            "the certainties are not there",
        )
        # Lines are dashed, so about half of a box's edge is drawn.
        viewer.wait_for(lambda: min(_drawn(viewer, box) for box in boxes.values()) > 0.3, "the boxes are not there")

        assert set(boxes) == {FINDINGS[each].code.meaning for each in SPOTS}
        assert max(_drawn(viewer, _shrunk(box)) for box in boxes.values()) < 0.15
        viewer.wait_for(lambda: is_a_picture(viewer.viewport()), "the image is not there")
        assert viewer.errors == []
        _keep(viewer, "ohif-sr.png")


def test_radiologist_takes_the_boxes_over_as_measurements(with_findings: Study, viewers: Workstation) -> None:
    """To continue tracking turns each box into a measurement of the radiologist's own, with the finding's name."""
    boxes = _boxes(with_findings.dataset("SR"))
    with with_findings.shown(viewers, "SR") as viewer:
        viewer.answer_yes()
        viewer.open_measurements()

        viewer.wait_for(lambda: viewer.shows("Measurements (2)", *boxes), "the measurements are not listed")
        viewer.wait_for(lambda: min(_drawn(viewer, box) for box in boxes.values()) > 0.8, "the boxes are not drawn")

        viewer.wait_for(lambda: is_a_picture(viewer.viewport()), "the image is not there")
        assert viewer.errors == []


def test_overlay_is_shown_as_it_was_drawn(with_findings: Study, viewers: Workstation) -> None:
    """The overlay appears with the colours that are in its pixels, and says what it is."""
    overlay = with_findings.dataset("OT")
    with with_findings.shown(viewers, "OT") as viewer:
        viewer.wait_for(lambda: _difference(viewer, overlay) < 8, "the overlay's pixels are not there")

        assert viewer.shows("AI result - not for diagnosis")
        assert is_a_picture(viewer.viewport())
        assert viewer.errors == []


def test_report_without_a_box_is_text(without_findings: Study, viewers: Workstation) -> None:
    """A report that has no box opens as words, with every probability, and not as an empty viewport."""
    with without_findings.shown(viewers, "SR") as viewer:
        viewer.page.get_by_text("Diagnostic Imaging Report").wait_for()

        assert viewer.shows("Probability (operating point) in %:", "Pleural effusion", "not for diagnosis")
        assert viewer.errors == []


def test_empty_segmentation_leaves_the_image_as_it_is(without_findings: Study, viewers: Workstation) -> None:
    """A segmentation in which nothing is above the operating points opens without an error and tints nothing."""
    with without_findings.shown(viewers, "SEG") as viewer:
        viewer.answer_yes()
        viewer.wait_for(lambda: is_a_picture(viewer.viewport()), "the image is not there")

        picture = viewer.picture()
        places = [viewer.place(*without_findings.place(each)) for each in SPOTS]
        assert max(np.linalg.norm(_tint(picture, *place)) for place in places) < 6
        assert viewer.errors == []


def _middle(study: Study) -> tuple[float, float]:
    return study.source.Columns / 2, study.source.Rows / 2


def _tint(picture: Picture, x: float, y: float) -> Colour:
    """How the place differs from grey: red, green and blue less their mean."""
    column, row = round(x), round(y)
    colour: Colour = picture[row - 4 : row + 5, column - 4 : column + 5].mean(axis=(0, 1))
    return colour - colour.mean()


def _tinted(viewer: Viewer, study: Study, finding: str) -> bool:
    """Whether the middle of a finding has that finding's colour."""
    tint = _tint(viewer.picture(), *viewer.place(*study.place(finding)))
    wanted = np.array(finding_colour(finding), float)
    wanted -= wanted.mean()
    strength = float(np.linalg.norm(tint))
    return strength > 15 and float(tint @ wanted) / strength / float(np.linalg.norm(wanted)) > 0.95


def _boxes(report: Dataset) -> dict[str, Colour]:
    """The corners (5, 2) of each finding's box, in pixels of the image, by the finding's name."""
    boxes = {}
    for item in report.iterall():
        if item.keyword == "ContentSequence":
            findings = [each for each in item.value if _concept(each) == "Finding"]
            regions = [each for each in item.value if each.ValueType == "SCOORD" and _concept(each) == "Image Region"]
            for finding, region in zip(findings, regions, strict=False):
                name = finding.ConceptCodeSequence[0].CodeMeaning
                boxes[name] = np.array(region.GraphicData, float).reshape(-1, 2)
    return boxes


def _concept(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning) if "ConceptNameCodeSequence" in item else ""


def _shrunk(box: Colour) -> Colour:
    """A box of three quarters of the size, in the same place."""
    middle = (box.min(axis=0) + box.max(axis=0)) / 2
    return middle + 0.75 * (box - middle)


def _drawn(viewer: Viewer, box: Colour) -> float:
    """The part of a box's edge that has the yellow or green of OHIF's annotations, in [0, 1]."""
    corners = np.array([viewer.place(x, y) for x, y in box.tolist()])
    edge = np.concatenate([np.linspace(start, end, 60) for start, end in pairwise(corners)]).round()
    picture = viewer.picture().astype(int)
    lines = (picture[..., 1] > 170) & (picture[..., 1] - picture[..., 2] > 90)
    return float(np.mean([lines[row - 2 : row + 3, column - 2 : column + 3].any() for column, row in edge.astype(int)]))


def _difference(viewer: Viewer, overlay: Dataset) -> float:
    """The median difference of grey level, in [0, 255], between the overlay's pixels and what is on the page."""
    pixels, picture = overlay.pixel_array.astype(int), viewer.picture().astype(int)
    corners = [viewer.place(0, 0), viewer.place(overlay.Columns, overlay.Rows)]
    (left, top), (right, bottom) = corners
    steps = np.linspace(0.1, 0.9, 50)
    seen = picture[np.ix_((top + steps * (bottom - top)).astype(int), (left + steps * (right - left)).astype(int))]
    drawn = pixels[np.ix_((steps * overlay.Rows).astype(int), (steps * overlay.Columns).astype(int))]
    coloured = np.ptp(drawn, axis=2) > 40
    assert coloured.any()
    return float(max(np.median(np.abs(seen - drawn)), np.median(np.abs(seen - drawn)[coloured])))


def _keep(viewer: Viewer, name: str) -> None:
    """Save the page for the README, if that was asked for: smaller, in 64 greys and 64 colours of its own."""
    folder = os.environ.get("CXR_PICTURES")
    if folder:
        page = Image.fromarray(viewer.picture()).resize((1024, 576), Image.Resampling.LANCZOS)
        pixels = np.asarray(page)
        coloured = pixels[np.ptp(pixels.astype(int), axis=2) > 24]
        colours = Image.fromarray(coloured[None]).quantize(64, dither=Image.Dither.NONE).getpalette() or []
        palette = Image.new("P", (1, 1))
        palette.putpalette([grey for grey in range(0, 256, 4) for _ in range(3)] + colours[: 3 * 64])
        page.quantize(palette=palette, dither=Image.Dither.NONE).save(Path(folder) / name, optimize=True)
