"""Images that lie otherwise: turned, mirrored, with oblong pixels, or without a word of it."""

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ExplicitVRLittleEndian

from db.result_records import READ_KINDS, ResultKind
from inference.cam import region
from node.objects import geometry
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.header import read_source

SIZE = ROWS, COLUMNS = 97, 79
UNSAID = ("Laterality", "PatientOrientation", "PixelSpacing", "ImagerPixelSpacing", "StudyDate", "StudyTime")
LIES = {
    "upright": {},
    "turned": {"ImageOrientationPatient": [0, 1, 0, -1, 0, 0], "PatientOrientation": ["F", "R"]},
    "mirrored": {"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0], "PatientOrientation": ["R", "F"]},
    "oblong by spacing": {"ImagerPixelSpacing": [0.2, 0.1]},
    "oblong by ratio": {"PixelAspectRatio": [4, 3]},
    "unsaid": dict.fromkeys(UNSAID),
}


@pytest.fixture(scope="module", params=LIES.values(), ids=LIES.keys())
def lying(request, make_header, make_reading, identity, model, created):
    """A reading of an image that lies in some way, and one object of each kind."""
    header = make_header(**request.param)
    reading = make_reading(header, present=("Cardiomegaly", "Mass"), size=SIZE)
    made = build([reading], identity=identity, model=model, created=created, kinds=READ_KINDS)
    return header, reading, {each.kind: each.dataset for each in made}


def test_boxes_and_masks_are_where_they_were_seen(lying):
    """However an image lies, every kind counts rows and columns of pixels as they are stored."""
    _, reading, objects = lying
    scores = [score for score in reading.prediction.scores if score.present]
    boxes = [(box.x, box.y, box.x + box.width, box.y + box.height) for score in scores for box in score.boxes[1:]]

    for kind in (ResultKind.SR, ResultKind.CAD, ResultKind.GSPS):
        assert sorted(set(_outlines(objects[kind]))) == sorted(boxes), kind
    seg = hd.seg.Segmentation.from_dataset(dcmread(DicomBytesIO(encode(objects[ResultKind.SEG]))))
    masks = [region(reading.prediction.cam[index], ROWS, COLUMNS, 180) for index in (1, 4)]
    np.testing.assert_array_equal(seg.pixel_array[:2], masks)
    for kind in (ResultKind.SEG, ResultKind.HEATMAP, ResultKind.OVERLAY):
        assert (objects[kind].Rows, objects[kind].Columns) == SIZE, kind


def test_results_lie_as_the_image_does(lying):
    """A viewer turns and stretches what was drawn as it does the image; nothing is said that the image does not say."""
    header, _, objects = lying
    orientation = header.get("ImageOrientationPatient", [1, 0, 0, 0, 1, 0])
    ratio = {"ImagerPixelSpacing": 2, "PixelAspectRatio": 4 / 3}
    oblong = next((value for keyword, value in ratio.items() if header.get(keyword)), 1)

    for kind in (ResultKind.SEG, ResultKind.HEATMAP):
        [shared] = objects[kind].SharedFunctionalGroupsSequence
        assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == orientation
        height, width = shared.PixelMeasuresSequence[0].PixelSpacing
        assert height / width == pytest.approx(oblong)
    height, width = objects[ResultKind.OVERLAY].get("PixelAspectRatio", (1, 1))
    assert height / width == pytest.approx(oblong)
    for kind in (ResultKind.SEG, ResultKind.OVERLAY):
        assert (objects[kind].PatientOrientation or None) == header.get("PatientOrientation")


@pytest.mark.peer
def test_validator_finds_no_error(lying, dciodvfy):
    """All of it is valid."""
    _, _, objects = lying

    errors = {kind: dciodvfy(encode(each, ExplicitVRLittleEndian)) for kind, each in objects.items()}

    assert errors == {kind: [] for kind in READ_KINDS}


@pytest.mark.parametrize(
    "directions",
    [[1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 2, 0], [0] * 6, [1, 0, 0, 0, 1], [0.7, 0, 0, 0, 1, 0]],
)
def test_directions_that_are_none_are_not_taken_over(make_header, directions):
    """Two directions at right angles, or nothing."""
    source = read_source(make_header(ImageOrientationPatient=directions))

    assert geometry.orientation(source) == [1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("spacing", "ratio"),
    [([0.2, 0.2], None), ([0.2, 0.1], [2, 1]), ([0.143, 0.144], [143, 144]), ([0.3, 0.7], [3, 7])],
)
def test_ratio_of_a_pixel_in_whole_numbers(make_header, spacing, ratio):
    """Height to width; a square is not mentioned."""
    assert geometry.aspect_ratio(read_source(make_header(PixelSpacing=spacing))) == ratio


def _outlines(ds: Dataset) -> list[tuple[float, ...]]:
    """Left, top, right and bottom of every closed line in an object."""
    lines = [item for item in ds.iterall() if item.keyword == "GraphicData" and len(item.value) == 10]
    found = []
    for line in lines:
        points = np.array(line.value, float).reshape(-1, 2)
        assert points[0].tolist() == points[-1].tolist()
        found.append((*points.min(axis=0).tolist(), *points.max(axis=0).tolist()))
    return found
