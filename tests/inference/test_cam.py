"""Heat maps of class activation maps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference.cam import heat_map, region


def test_bilinear_by_hand() -> None:
    """Two cells enlarged to four: pixel centres at -0.25, 0.25, 0.75, 1.25 of the cells, the ends held."""
    cam = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32)

    assert heat_map(cam, 2, 4).tolist() == [[0, 64, 191, 255]] * 2


def test_a_constant_map_is_empty() -> None:
    """Where the model looked nowhere in particular, there is no region."""
    assert not heat_map(np.full((10, 10), 3.0, dtype=np.float32), 20, 30).any()


def test_a_single_cell() -> None:
    """One cell is a constant map."""
    assert heat_map(np.ones((1, 1), dtype=np.float32), 5, 7).shape == (5, 7)


@given(arrays(np.float32, (5, 5), elements=st.floats(-50, 50, width=16)), st.integers(1, 40), st.integers(1, 40))
def test_stretched_to_the_whole_range(cam, rows, columns) -> None:
    """Every map that is not constant has a 0 and a 255, for any size."""
    heat = heat_map(cam, rows, columns)

    assert heat.shape == (rows, columns)
    assert (heat.min(), heat.max()) in {(0, 0), (0, 255)}


def test_region_is_at_or_above_the_threshold() -> None:
    """The threshold itself belongs to the region."""
    cam = np.array([[0.0, 180.0, 255.0]] * 3, dtype=np.float32)

    assert region(cam, 3, 3, 180).tolist() == [[False, True, True]] * 3
