"""The synthetic chest radiograph is a valid DICOM image and looks like a chest to a program."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.uid import DigitalXRayImageStorageForPresentation

from node.demonstration import phantom
from tests.peers.dcmtk import Tool

Pixels = npt.NDArray[np.uint16]


def mean(pixels: Pixels, *, x: float, y: float, half: float = 0.05) -> float:
    """The mean grey value of a square around (x, y), both in [-1, 1]."""
    rows, columns = pixels.shape
    row, column = round((y + 1) / 2 * rows), round((x + 1) / 2 * columns)
    reach = round(half / 2 * rows)
    return float(pixels[row - reach : row + reach, column - reach : column + reach].mean())


@pytest.fixture(scope="module")
def chest() -> Pixels:
    """A chest without a finding."""
    return phantom.draw(rows=512, columns=512)


def test_pixels_are_twelve_bits(chest: Pixels) -> None:
    """The picture has the size asked for and uses most of 12 bits."""
    assert chest.shape == (512, 512)
    assert chest.dtype == np.uint16
    assert chest.max() <= 4095
    assert np.percentile(chest, 99) > 3500


def test_rows_and_columns_may_differ() -> None:
    """A picture that is higher than wide has just the size asked for."""
    assert phantom.draw(rows=301, columns=200).shape == (301, 200)


def test_same_seed_draws_the_same() -> None:
    """A seed gives one picture, another seed another one."""
    first, again, other = (phantom.draw(rows=128, columns=128, seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(5))
def test_lungs_are_darker_than_the_mediastinum_and_the_abdomen(seed: int) -> None:
    """In MONOCHROME2 air is dark: both lungs against mediastinum, heart and liver; outside it is darkest."""
    pixels = phantom.draw(rows=256, columns=256, seed=seed)

    lungs = [mean(pixels, x=x, y=0.1) for x in (-0.5, 0.52)]
    dense = [mean(pixels, x=0.0, y=0.1), mean(pixels, x=0.25, y=0.25), mean(pixels, x=-0.4, y=0.75)]
    outside = mean(pixels, x=-0.7, y=-0.93, half=0.02)
    assert max(lungs) < 0.6 * min(dense)
    assert outside < min(lungs)


def test_heart_lies_to_the_right_of_the_picture(chest: Pixels) -> None:
    """A PA radiograph shows the patient's left, with the heart's apex, on the viewer's right."""
    assert mean(chest, x=0.3, y=0.3) > 1.4 * mean(chest, x=-0.3, y=0.3)


@pytest.mark.parametrize(
    ("finding", "x", "y"),
    [
        ("Effusion", 0.65, 0.4),
        ("Nodule", -0.42, -0.26),
        ("Pneumonia", -0.42, 0.16),
        ("Cardiomegaly", 0.42, 0.3),
    ],
)
def test_finding_is_a_shadow_where_it_belongs(chest: Pixels, finding: str, x: float, y: float) -> None:
    """A finding makes its own place denser and leaves the other lung's apex alone."""
    sick = phantom.draw(rows=512, columns=512, findings=[finding])

    assert mean(sick, x=x, y=y, half=0.03) > 1.2 * mean(chest, x=x, y=y, half=0.03)
    assert mean(sick, x=0.3, y=-0.5) == pytest.approx(mean(chest, x=0.3, y=-0.5), rel=0.05)


def test_every_finding_can_be_asked_for() -> None:
    """Each name that is offered can be drawn."""
    assert phantom.draw(rows=64, columns=64, findings=phantom.FINDINGS).shape == (64, 64)


def test_unknown_finding_is_refused() -> None:
    """A finding that the phantom cannot show is an error that names those it can."""
    with pytest.raises(ValueError, match="cannot show Hernia; only Cardiomegaly"):
        phantom.draw(rows=64, columns=64, findings=["Hernia"])


@pytest.mark.parametrize("size", [(63, 64), (64, 0), (-1, 64)])
def test_tiny_pictures_are_refused(size: tuple[int, int]) -> None:
    """Below 64 x 64 pixels there is no chest to draw."""
    with pytest.raises(ValueError, match="64 x 64"):
        phantom.draw(rows=size[0], columns=size[1])


def test_dataset_is_a_frontal_chest_of_nobody(tmp_path: Path) -> None:
    """Written and read back, it is a PA chest for presentation, of nobody, with the drawn pixels."""
    path = tmp_path / "phantom.dcm"
    phantom.dataset(rows=128, columns=128, seed=4).save_as(path, enforce_file_format=True)

    ds = pydicom.dcmread(path)

    assert ds.SOPClassUID == DigitalXRayImageStorageForPresentation
    assert (ds.ViewPosition, ds.BodyPartExamined, ds.PresentationIntentType) == (
        "PA",
        "CHEST",
        "FOR PRESENTATION",
    )
    assert (str(ds.PatientName), ds.PatientID) == ("PHANTOM^CHEST", "CXR-PHANTOM")
    assert np.array_equal(ds.pixel_array, phantom.draw(rows=128, columns=128, seed=4))


def test_each_dataset_is_a_new_study() -> None:
    """Two datasets never share a UID, whatever the seed."""
    first, second = (phantom.dataset(rows=64, columns=64) for _ in range(2))

    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert first[keyword].value != second[keyword].value


def test_dciodvfy_finds_no_error(dciodvfy: Tool, tmp_path: Path) -> None:
    """dciodvfy has neither error nor warning for the file."""
    path = tmp_path / "phantom.dcm"
    phantom.dataset(rows=128, columns=128).save_as(path, enforce_file_format=True)

    output = dciodvfy(path).stdout

    assert "DXImageForPresentation" in output
    assert [line for line in output.splitlines() if line.startswith(("Error", "Warning"))] == []


def test_defaults_are_those_of_a_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a size, the image is 2048 x 2048 at about 0.17 mm."""
    drawn: list[tuple[int, int]] = []

    def draw(*, rows: int, columns: int, **_: object) -> Pixels:
        drawn.append((rows, columns))
        return np.zeros((rows, columns), np.uint16)

    monkeypatch.setattr(phantom, "draw", draw)

    ds = phantom.dataset()

    assert drawn == [(2048, 2048)]
    assert [float(mm) for mm in ds.ImagerPixelSpacing] == [pytest.approx(0.1709, abs=1e-4)] * 2
