"""From stored values to the grey levels a person sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.sequence import Sequence

from inference.grayscale import levels
from inference.image import Image, Stored

VALUES = np.array([[0, 1000], [2000, 4000]], dtype=np.uint16)


def display(ds: Dataset, stored: Stored) -> np.ndarray:
    """What is seen of the image."""
    return Image(stored=stored, grey=levels(ds, stored)).display()


def lut(first: int, entries: list[int], bits: int = 8) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.add_new("LUTData", "US", entries)
    return item


def test_linear_window(radiograph) -> None:
    """PS3.3 C.11.2.1.2 by hand: c = 2048, w = 4096 maps 0, 1000, 2000, 4000 to 0, 62.3, 124.5, 249.1."""
    ds = radiograph(VALUES, WindowCenter=2048, WindowWidth=4096)

    assert display(ds, VALUES).tolist() == [[0, 62], [125, 249]]


def test_linear_exact_window(radiograph) -> None:
    """LINEAR_EXACT by hand: (x - c) / w + 0.5, times 255."""
    ds = radiograph(VALUES, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="LINEAR_EXACT")

    assert display(ds, VALUES).tolist() == [[0, 64], [128, 255]]


def test_sigmoid_window(radiograph) -> None:
    """SIGMOID by hand: 255 / (1 + exp(-4 (x - c) / w)); the centre is middle grey."""
    ds = radiograph(VALUES, WindowCenter=2000, WindowWidth=4000, VOILUTFunction="SIGMOID")

    assert display(ds, VALUES).tolist() == [[30, 69], [128, 225]]


def test_first_of_several_windows(radiograph) -> None:
    """The default window is the first."""
    ds = radiograph(VALUES, WindowCenter=[2048, 100], WindowWidth=[4096, 10])

    assert display(ds, VALUES).tolist() == [[0, 62], [125, 249]]


def test_window_acts_on_rescaled_values(radiograph) -> None:
    """The modality step comes before the window."""
    stored = VALUES // 2
    ds = radiograph(stored, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=1948, WindowWidth=4096)

    assert display(ds, stored).tolist() == [[0, 62], [125, 249]]


def test_voi_lut(radiograph) -> None:
    """A VOI LUT is used where there is no window; values before and after it take its ends."""
    values = np.array([[0, 10], [11, 4000]], dtype=np.uint16)
    ds = radiograph(values, VOILUTSequence=Sequence([lut(10, [5, 100, 255])]))

    assert display(ds, values).tolist() == [[5, 5], [100, 255]]


def test_window_goes_before_voi_lut(radiograph) -> None:
    """Where an image has both, the paper's default window is used."""
    sequence = Sequence([lut(0, [255, 0])])
    ds = radiograph(VALUES, WindowCenter=2048, WindowWidth=4096, VOILUTSequence=sequence)

    assert display(ds, VALUES).tolist() == [[0, 62], [125, 249]]


def test_modality_lut(radiograph) -> None:
    """A modality LUT replaces slope and intercept."""
    values = np.array([[0, 1], [2, 2]], dtype=np.uint16)
    item = lut(0, [0, 1000, 4000], bits=16)
    item.ModalityLUTType = "US"
    ds = radiograph(values, ModalityLUTSequence=Sequence([item]), WindowCenter=2048, WindowWidth=4096)

    assert display(ds, values).tolist() == [[0, 62], [249, 249]]


def test_range_where_nothing_is_said(radiograph) -> None:
    """Without window and LUT, the lowest value is black and the highest white."""
    assert display(radiograph(VALUES), VALUES).tolist() == [[0, 64], [128, 255]]


def test_eight_bits_stay_as_they_are(radiograph) -> None:
    """An 8-bit image without a window has been windowed already, as a PNG has."""
    values = np.array([[10, 20], [30, 99]], dtype=np.uint8)

    assert np.array_equal(display(radiograph(values), values), values)


@pytest.mark.parametrize("shape", [None, "IDENTITY", "INVERSE"])
def test_monochrome1_is_inverted_once_after_the_window(radiograph, shape) -> None:
    """Low is white; Presentation LUT Shape INVERSE says the same and does not turn it back."""
    ds = radiograph(VALUES, PhotometricInterpretation="MONOCHROME1", WindowCenter=2048, WindowWidth=4096)
    if shape:
        ds.PresentationLUTShape = shape

    assert display(ds, VALUES).tolist() == [[255, 193], [130, 6]]


def test_inverse_shape_inverts_monochrome2(radiograph) -> None:
    """A header that asks for inversion gets it."""
    ds = radiograph(VALUES, PresentationLUTShape="INVERSE", WindowCenter=2048, WindowWidth=4096)

    assert display(ds, VALUES).tolist() == [[255, 193], [130, 6]]


def test_signed_values(radiograph) -> None:
    """Negative stored values keep their order."""
    values = np.array([[-1000, 0], [500, 1000]], dtype=np.int16)
    ds = radiograph(values, PixelRepresentation=1)

    assert display(ds, values).tolist() == [[0, 128], [191, 255]]


@pytest.mark.parametrize(
    "attributes",
    [{"WindowCenter": 5}, {"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5, "WindowWidth": -3}],
)
def test_a_useless_window_is_none(radiograph, attributes) -> None:
    """Half a window, or one without width, leaves the range."""
    assert display(radiograph(VALUES, **attributes), VALUES).tolist() == [[0, 64], [128, 255]]


@given(st.floats(0.5, 5000), st.floats(-1000, 5000), st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]))
def test_display_keeps_the_order_of_values(width, centre, function) -> None:
    """A denser place never becomes darker, whatever the window."""
    values = np.arange(0, 4096, 7, dtype=np.uint16)[None]
    ds = Dataset()
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = f"{centre:.6g}", f"{width:.6g}", function

    shown = display(ds, values)[0].astype(int)

    assert (np.diff(shown) >= 0).all()
