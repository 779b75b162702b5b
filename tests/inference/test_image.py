"""One image and its grey levels."""

import numpy as np
import pytest

from inference.image import Image, look_up


def test_signed_values_are_looked_up_where_their_bits_put_them() -> None:
    """-1 is the last of the table."""
    grey = np.zeros(65536, dtype=np.uint8)
    grey[[0, 5, 65535]] = 10, 20, 30
    image = Image(stored=np.array([[0, 5], [-1, 1]], dtype=np.int16), grey=grey)

    assert image.display().tolist() == [[10, 20], [30, 0]]
    assert (image.rows, image.columns) == (2, 2)


def test_a_windowed_image_is_displayed_as_it_is() -> None:
    """Every grey level stays."""
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)

    assert np.array_equal(Image.windowed(pixels).display(), pixels)


@pytest.mark.parametrize(("kind", "value", "place"), [("u1", 200, 200), ("u2", 40000, 40000), ("i2", -2, 65534)])
def test_a_table_is_looked_up_by_the_values_bits(kind, value, place) -> None:
    """Negative values stand at the end of a whole table; an image that is part of another is looked up too."""
    table = np.zeros(256 if kind == "u1" else 65536, dtype=np.float32)
    table[place] = 0.25

    assert look_up(table, np.full((6, 9), value, dtype=kind)[::2, ::3]).tolist() == [[0.25] * 3] * 3


def test_beyond_the_table_is_its_end() -> None:
    """A table ends with the largest value that the header allows."""
    assert look_up(np.array([7, 8, 9], dtype=np.uint8), np.array([[1, 2, 3000]], dtype=np.uint16)).tolist() == [
        [8, 9, 9]
    ]
