"""The overlay picture and the Secondary Capture that carries it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.overlay import render


def _overlay(reading, identity, model, created):
    results = build([reading], identity=identity, model=model, created=created)
    return dcmread(DicomBytesIO(encode(results[2].dataset)))


@pytest.mark.parametrize("size", [(96, 80), (97, 83)])
def test_pixels_come_back(make_reading, identity, model, created, size):
    """The picture that was rendered is the one a PACS shows, odd numbers of pixels included."""
    reading = make_reading(size=size)

    ds = _overlay(reading, identity, model, created)

    assert (ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PlanarConfiguration) == ("RGB", 3, 0)
    np.testing.assert_array_equal(ds.pixel_array, render(reading))


def test_it_says_what_it_is(make_reading, identity, model, created):
    """A derived, secondary picture of the source, not for diagnosis."""
    reading = make_reading()

    ds = _overlay(reading, identity, model, created)

    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert ds.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert ds.SeriesDescription == "AI result - not for diagnosis (overlay)"
    assert "Not a medical device" in ds.ImageComments
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == reading.header.SOPInstanceUID
    assert ds.PatientOrientation == ["L", "F"]
    assert (ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture) == (ds.ContentDate, ds.ContentTime)
    assert "BurnedInAnnotation" not in ds


def test_burned_in_annotation_of_the_source_is_passed_on(make_header, make_reading, identity, model, created):
    """The overlay adds no patient text, and cannot take away what the source has."""
    reading = make_reading(make_header(BurnedInAnnotation="YES"))

    assert _overlay(reading, identity, model, created).BurnedInAnnotation == "YES"


def test_no_patient_text_in_the_pixels(make_header, make_reading):
    """Two patients with the same pixels get the same picture."""
    one, other = make_header(), make_header(PatientName="Else^Someone", PatientID="X", AccessionNumber="Y")

    np.testing.assert_array_equal(render(make_reading(one)), render(make_reading(other)))


def test_nothing_above_threshold_leaves_the_radiograph_grey(make_reading):
    """Without a finding there is no heat: above the caption the picture is the radiograph."""
    reading = make_reading(present=(), size=(512, 512))

    picture = render(reading)

    expected = np.repeat(reading.display[:350, :, None], 3, axis=2)
    np.testing.assert_array_equal(picture[:350], expected)
    assert picture[350:].max() > 220


def test_the_box_is_drawn_in_the_colour_of_its_finding(make_reading):
    """The outermost pixels of the box are the finding's colour."""
    reading = make_reading(present=("Cardiomegaly",), size=(512, 512))
    box = reading.prediction.scores[1].boxes[1]

    picture = render(reading)

    assert picture[box.y + box.height - 1, box.x + box.width // 2].tolist() == [255, 105, 140]
    assert picture[box.y + box.height // 2, box.x + box.width - 1].tolist() == [255, 105, 140]


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 200), columns=st.integers(1, 200))
def test_any_size_can_be_rendered(make_reading, rows, columns):
    """However small an image is, its picture has the same size."""
    picture = render(make_reading(size=(rows, columns)))

    assert picture.shape == (rows, columns, 3)
    assert picture.dtype == np.uint8
