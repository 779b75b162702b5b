"""From an image to what the network sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.card import Preprocessing
from inference.image import Image
from inference.preprocess import input_of, model_input, normalise, resize, small


def test_model_input() -> None:
    """Size, channels and scale are the card's: white is (1 - mean) / std."""
    image = np.full((90, 50), 255, dtype=np.uint8)

    result = model_input(Image.windowed(image), Preprocessing(size=32, mean=0.5, std=0.25))

    assert result.shape == (1, 3, 32, 32)
    assert result.dtype == np.float32
    assert np.allclose(result, 2.0)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 255))
def test_resize_keeps_a_constant_image(rows, columns, level) -> None:
    """Any size, narrow ones too, gives the size asked for; a flat image stays flat."""
    resized = resize(np.full((rows, columns), level, dtype=np.uint8), 32)

    assert resized.shape == (32, 32)
    assert (resized == level).all()


def test_large_images_are_resized_as_small_ones() -> None:
    """A radiograph of 2500 x 2048 pixels ends as a small copy of it does, but for a few grey levels."""
    y, x = np.mgrid[0:1:2500j, 0:1:2048j]
    large = (127 + 120 * np.sin(9 * x) * np.cos(7 * y)).astype(np.uint8)

    difference = resize(large, 320).astype(int) - resize(large[::4, ::4], 320)

    assert np.abs(difference).max() <= 4
    assert np.abs(difference).mean() <= 2


def test_averaging_stored_values_and_windowing_them_change_places() -> None:
    """Windowing first or averaging first gives the network the same, to one grey level, inside the window."""
    y, x = np.mgrid[0:1:700j, 0:1:600j]
    stored = (2000 + 1500 * np.sin(9 * x) * np.cos(7 * y)).astype(np.uint16)
    grey = np.clip(np.arange(65536) / 16, 0, 255).astype(np.uint8)
    image, card = Image(stored=stored, grey=grey), Preprocessing(size=64, mean=0.0, std=1.0)

    difference = model_input(image, card) - model_input(Image.windowed(image.display()), card)

    assert np.abs(difference).max() <= 1.01 / 255


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16])
def test_every_type_of_stored_values_is_resized(kind) -> None:
    """Means of four, in the image's own type; negative values stay negative."""
    stored = np.array([[1, 3], [5, 7]]).astype(kind).repeat(64, axis=0).repeat(64, axis=1)
    if kind is np.int16:
        stored = -stored

    resized = resize(stored, 64)

    assert resized.dtype == kind
    assert sorted({abs(int(value)) for value in resized[::63, ::63].ravel()}) == [1, 3, 5, 7]


def test_an_image_of_the_widest_rows_is_resized() -> None:
    """65,535 columns is what DICOM allows."""
    assert resize(np.full((40, 65535), 9, dtype=np.uint16), 32).tolist() == [[9] * 32] * 32


def test_what_another_process_averaged_gives_the_same_input() -> None:
    """An archive's files and a study's image reach the network alike, to the bit: grey, then scaled by the card."""
    stored = np.random.default_rng(0).integers(0, 4096, (300, 200)).astype(np.uint16)
    grey = (np.arange(4096) // 16).astype(np.uint8)
    image, card = Image(stored=stored, grey=grey), Preprocessing(size=64, mean=0.485, std=0.229)

    ready = model_input(image, card)

    assert np.array_equal(ready[0], np.stack([normalise(grey[resize(stored, 64)], card)] * 3))
    assert np.array_equal(ready, input_of(small(image, 64), card))
