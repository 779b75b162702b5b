"""Objects as files, and from one transfer syntax into another."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from db.result_records import READ_KINDS, ResultKind
from node.objects.bundle import build
from node.objects.encoding import encode, transcoded
from node.objects.errors import TransferSyntaxError


@pytest.fixture(scope="module")
def objects(make_reading, identity, model, created):
    """One object of each kind, of an odd number of pixels."""
    results = build([make_reading(size=(97, 83))], identity=identity, model=model, created=created, kinds=READ_KINDS)
    return {result.kind: result.dataset for result in results}


def _read(file: bytes):
    return dcmread(DicomBytesIO(file))


@pytest.mark.parametrize("kind", sorted(READ_KINDS))
def test_masks_are_stored_deflated_and_the_rest_as_it_is(objects, kind):
    """Segmentations are small in the store; every reader of DICOM files reads what is in it."""
    deflated = kind in (ResultKind.SEG, ResultKind.HEATMAP)

    back = _read(encode(objects[kind]))

    assert back.file_meta.TransferSyntaxUID == (DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian)
    assert back.SOPInstanceUID == objects[kind].SOPInstanceUID


@pytest.mark.parametrize("kind", sorted(READ_KINDS))
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_stored_bytes_become_any_native_syntax(objects, kind, syntax):
    """What is made of the stored file is what would have been written at first."""
    assert transcoded(encode(objects[kind]), syntax) == encode(objects[kind], syntax)


@pytest.mark.parametrize("kind", [ResultKind.OVERLAY, ResultKind.HEATMAP])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_pixels_come_back(objects, kind, syntax, tmp_path):
    """Lossless is lossless, and the instance keeps its name; a path does as well as bytes."""
    path = tmp_path / "object.dcm"
    path.write_bytes(encode(objects[kind], syntax))

    back = _read(transcoded(path, ExplicitVRLittleEndian))

    assert dcmread(path).file_meta.TransferSyntaxUID == syntax
    assert back.SOPInstanceUID == dcmread(path).SOPInstanceUID == objects[kind].SOPInstanceUID
    np.testing.assert_array_equal(back.pixel_array, objects[kind].pixel_array)


@pytest.mark.parametrize("kind", [ResultKind.SR, ResultKind.SEG])
def test_what_cannot_be_compressed_is_refused(objects, kind):
    """A report has no pixels, and a mask none of eight bits."""
    with pytest.raises(TransferSyntaxError):
        encode(objects[kind], RLELossless)


def test_unknown_syntax_is_refused(objects):
    """Nothing is compressed with loss."""
    with pytest.raises(TransferSyntaxError):
        encode(objects[ResultKind.OVERLAY], JPEGBaseline8Bit)


def test_encoding_leaves_the_object_alone(objects):
    """An object that was written compressed can be written again as it was."""
    before = encode(objects[ResultKind.OVERLAY])

    encode(objects[ResultKind.OVERLAY], RLELossless)

    assert encode(objects[ResultKind.OVERLAY]) == before


def test_large_mask_takes_a_twentieth(make_reading, identity, model, created):
    """The masks of a radiograph of real size are stored in less than 5 % of their bytes."""
    reading = make_reading(present=("Cardiomegaly", "Effusion", "Mass"), size=(1250, 1000))
    [result] = build([reading], identity=identity, model=model, created=created, kinds={ResultKind.SEG})

    stored, raw = encode(result.dataset), encode(result.dataset, ExplicitVRLittleEndian)

    assert len(stored) < 0.05 * len(raw)
