"""One image and its grey levels."""

import numpy as np

from inference.image import Image


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
