"""Reading files for scoring."""

import numpy as np
import PIL.Image
import pytest

from db.vocabulary import Reason
from inference.errors import NotReadable
from inference.grayscale import levels
from inference.image import Image
from inference.image_file import read
from inference.policy import Policy

GREY = (np.indices((20, 30)).sum(axis=0) * 5).astype(np.uint8)


def refusal(path, **budget: int) -> Reason:
    with pytest.raises(NotReadable) as caught:
        read(path, Policy(), **budget)
    return caught.value.reason


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_png_modes(tmp_path, mode) -> None:
    """Grey stays grey in every mode a PNG may have."""
    PIL.Image.fromarray(GREY).convert(mode).save(tmp_path / "image.png")

    image = read(tmp_path / "image.png", Policy())

    assert image.header is None
    assert np.array_equal(image.display(), GREY)


def test_sixteen_bit_png(tmp_path) -> None:
    """The upper eight of sixteen bits are shown."""
    PIL.Image.fromarray(GREY.astype(np.uint16) * 256 + 17).save(tmp_path / "image.png")

    assert np.array_equal(read(tmp_path / "image.png", Policy()).display(), GREY)


def test_jpeg(tmp_path) -> None:
    """A JPEG is read, whatever its name."""
    PIL.Image.fromarray(GREY).save(tmp_path / "image", "JPEG", quality=100)

    assert np.abs(read(tmp_path / "image", Policy()).display().astype(int) - GREY).max() <= 3


def test_dicom(tmp_path, radiograph) -> None:
    """A DICOM file is displayed by its header, which comes along."""
    ds = radiograph()
    ds.save_as(tmp_path / "image.dcm", enforce_file_format=True)

    image = read(tmp_path / "image.dcm", Policy())

    assert image.header is not None
    assert np.array_equal(image.display(), Image(stored=ds.pixel_array, grey=levels(ds, ds.pixel_array)).display())


def test_dicom_without_file_meta(tmp_path, radiograph) -> None:
    """A bare dataset, as old archives have them, is read too."""
    ds = radiograph()
    del ds.file_meta
    ds.save_as(tmp_path / "image", implicit_vr=True, little_endian=True)

    assert read(tmp_path / "image", Policy()).display().shape == (6, 8)


def test_a_lateral_is_refused(tmp_path, radiograph) -> None:
    """What is not eligible is not read."""
    radiograph(ViewPosition="LL").save_as(tmp_path / "image.dcm", enforce_file_format=True)

    assert refusal(tmp_path / "image.dcm") == Reason.NOT_FRONTAL


@pytest.mark.parametrize("content", [b"", b"hello", b"DICM", bytes(200), b"\x08\x00\x16\x00"])
def test_files_that_are_no_image(tmp_path, content) -> None:
    """Rubbish is no image."""
    (tmp_path / "file").write_bytes(content)

    assert refusal(tmp_path / "file") == Reason.NOT_IMAGE


def test_missing_file_and_folder(tmp_path) -> None:
    """A path that cannot be opened is a reason, not a crash."""
    assert refusal(tmp_path / "nowhere.dcm") == Reason.NOT_IMAGE
    assert refusal(tmp_path) == Reason.NOT_IMAGE


@pytest.mark.parametrize("keep", [20, 50])
def test_truncated_png(tmp_path, keep) -> None:
    """Half a PNG is undecodable."""
    PIL.Image.fromarray(GREY).save(tmp_path / "image.png")
    (tmp_path / "image.png").write_bytes((tmp_path / "image.png").read_bytes()[:keep])

    assert refusal(tmp_path / "image.png") == Reason.UNDECODABLE


def test_the_budget_holds_for_png(tmp_path) -> None:
    """A PNG with more pixels than the budget is refused before it is decoded."""
    PIL.Image.new("L", (300, 300)).save(tmp_path / "image.png")

    assert refusal(tmp_path / "image.png", max_pixels=89_999) == Reason.TOO_LARGE
