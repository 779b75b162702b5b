"""The presentation state: boxes over the image, which looks as it did."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from db.result_records import ResultKind
from inference.grayscale import levels
from inference.image import Image
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.gsps import layer_name
from node.objects.reading import Reading
from tests.peers.dcmtk import tool

ROWS, COLUMNS = 120, 90
FINE = 4
"""Points of a drawing to a pixel; a corner of a pixel is a point."""


def _lut() -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 12])
    item.add_new("LUTData", "OW", (np.linspace(0, 1, 4096) ** 0.5 * 4095).astype("<u2").tobytes())
    return [item]


LOOKS: dict[str, dict[str, object]] = {
    "window": {"WindowCenter": 2048, "WindowWidth": 3000},
    "two windows": {"WindowCenter": [1800, 500], "WindowWidth": [2500, 100]},
    "no window": {},
    "window after rescale": {
        "RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 4000, "WindowWidth": 7000
    },
    "monochrome 1": {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 3000},
    "lut": {"VOILUTSequence": _lut()},
}  # fmt: skip


@pytest.fixture(scope="module")
def radiograph(make_header, make_reading) -> Callable[..., Reading]:
    """A reading whose header has pixels, windowed as asked."""
    stored = np.linspace(100, 4000, ROWS * COLUMNS).reshape(ROWS, COLUMNS).astype(np.uint16)

    def make(**look: object) -> Reading:
        values = {"PhotometricInterpretation": "MONOCHROME2", "Rows": ROWS, "Columns": COLUMNS, **look}
        header = make_header(
            SamplesPerPixel=1, BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=0, **values
        )
        header.PixelData = stored.tobytes()
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        read = make_reading(header, present=("Cardiomegaly", "Mass"), size=(ROWS, COLUMNS))
        return Reading(
            header=header,
            display=Image(stored=stored, grey=levels(header, stored)).display(),
            prediction=read.prediction,
            stored_range=(int(stored.min()), int(stored.max())),
        )

    return make


@pytest.fixture
def state(identity, model, created) -> Callable[[Reading], Dataset]:
    def make(reading: Reading) -> Dataset:
        kinds = {ResultKind.GSPS}
        return build([reading], identity=identity, model=model, created=created, kinds=kinds)[0].dataset

    return make


@pytest.mark.peer
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_dcmtk_renders_the_image_as_the_node_does(radiograph, state, dciodvfy, tmp_path, look):
    """The state is valid, keeps the image's look to a grey level, and has a name for each box."""
    reading = radiograph(**look)
    presentation = encode(state(reading))

    grey, listing = _rendered(reading, presentation, tmp_path)

    check = subprocess.run([tool("dcmpschk"), tmp_path / "state.dcm"], capture_output=True, text=True, check=False)
    assert "Test passed" in check.stderr
    assert np.abs(grey - reading.display).max() <= 1
    assert dciodvfy(presentation) == []
    assert 'text 1: "Cardiomegaly 85%"' in listing


@pytest.mark.peer
def test_lines_enclose_the_pixels_of_the_boxes(radiograph, state, tmp_path):
    """The lines as DCMTK reads them, drawn four times as fine as the image: each runs along its box's outer edge.

    DCMTK lists what is laid over an image and draws none of it, so they are drawn here.
    """
    reading = radiograph()
    boxes = [score.boxes[1] for score in reading.prediction.scores if score.present]

    _, listing = _rendered(reading, encode(state(reading)), tmp_path)

    lines = [
        [(FINE * float(x), FINE * float(y)) for x, y in re.findall(r"([\d.]+)\\([\d.]+)", points)]
        for points in re.findall(r"type=polyline filled=no units=pixel\n.*coordinates: (.*)", listing)
    ]
    for line, box in zip(lines, boxes, strict=True):
        left, top, right, bottom = (FINE * edge for edge in (box.x, box.y, box.x + box.width, box.y + box.height))
        edge = np.zeros((FINE * ROWS + 1, FINE * COLUMNS + 1), bool)
        edge[top : bottom + 1, [left, right]] = edge[[top, bottom], left : right + 1] = True
        np.testing.assert_array_equal(_drawn(ImageDraw.ImageDraw.line, line), edge)
        inside = np.zeros((ROWS, COLUMNS), bool)
        inside[box.y : box.y + box.height, box.x : box.x + box.width] = True
        middles = slice(FINE // 2, None, FINE)
        np.testing.assert_array_equal(_drawn(ImageDraw.ImageDraw.polygon, line)[middles, middles], inside)


def _rendered(reading: Reading, presentation: bytes, folder: Path) -> tuple[np.ndarray, str]:
    """The image in grey as DCMTK shows it under a presentation state, and what it reads of the state."""
    image, state, picture = (folder / name for name in ("image.dcm", "state.dcm", "picture.pgm"))
    dcmwrite(image, reading.header, enforce_file_format=True)
    state.write_bytes(presentation)
    command = [tool("dcmp2pgm"), "-v", "-p", state, image, picture]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    with Picture.open(picture) as shown:
        return np.asarray(shown).astype(int), listing


def _drawn(draw: Callable[..., None], line: list[tuple[float, float]]) -> np.ndarray:
    """Where there is ink."""
    canvas = Picture.new("1", (FINE * COLUMNS + 1, FINE * ROWS + 1))
    draw(ImageDraw.Draw(canvas), line, fill=1)
    return np.asarray(canvas)


def test_each_finding_has_its_layer(radiograph, state):
    """A radiologist can switch each finding off; a notice says what it is."""
    ds = state(radiograph())

    layers = [layer.GraphicLayer for layer in ds.GraphicLayerSequence]

    assert layers == ["AI_NOTICE", "AI_CARDIOMEGALY", "AI_MASS"]
    assert [annotation.GraphicLayer for annotation in ds.GraphicAnnotationSequence] == layers
    notice = ds.GraphicAnnotationSequence[0].TextObjectSequence[0]
    assert notice.UnformattedTextValue == "AI result - not for diagnosis"
    assert {item.GraphicType for a in ds.GraphicAnnotationSequence[1:] for item in a.GraphicObjectSequence} == {
        "POLYLINE"
    }


def test_nothing_above_threshold_is_said(make_reading, state):
    """An image without boxes says that it was read."""
    ds = state(make_reading(present=()))

    [notice] = ds.GraphicAnnotationSequence
    assert notice.TextObjectSequence[0].UnformattedTextValue.endswith("No finding above threshold.")
    assert "GraphicObjectSequence" not in notice


@pytest.mark.parametrize(
    ("header", "keyword", "value"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, "PresentationPixelSpacing", [0.2, 0.1]),
        ({"PixelAspectRatio": [4, 3]}, "PresentationPixelAspectRatio", [4, 3]),
        ({}, "PresentationPixelAspectRatio", [1, 1]),
    ],
)
def test_pixels_are_as_square_as_they_were(make_header, make_reading, state, header, keyword, value):
    """An image with oblong pixels is not squeezed."""
    [area] = state(make_reading(make_header(**header))).DisplayedAreaSelectionSequence

    assert area[keyword].value == value


def test_every_layer_name_is_valid():
    """A CS holds sixteen characters."""
    assert layer_name("Pleural_Thickening") == "AI_PLEURAL_THICK"
