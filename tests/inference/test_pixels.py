"""Decoding, and everything that must be refused before it."""

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from db.vocabulary import Reason
from inference.codestream import size_of
from inference.errors import NotReadable
from inference.header import UNREADABLE
from inference.pixels import check, decode

VALUES = (np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) * 7) % 4096
EIGHT_BIT = (np.indices((64, 48)).sum(axis=0) * 2).astype(np.uint8)


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def compressed(ds: pydicom.Dataset, syntax: str, codestream: bytes) -> pydicom.Dataset:
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([codestream])
    ds["PixelData"].is_undefined_length = True
    return ds


def refusal(ds: pydicom.Dataset, **budget: int) -> NotReadable:
    with pytest.raises(NotReadable) as caught:
        decode(ds, **budget)
    return caught.value


def test_native(radiograph) -> None:
    """Uncompressed values come out as they went in."""
    assert np.array_equal(decode(radiograph(VALUES)), VALUES)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_syntaxes(radiograph, syntax) -> None:
    """Lossless compression gives the same values back."""
    ds = radiograph(VALUES)
    ds.compress(syntax, generate_instance_uid=False)

    assert np.array_equal(decode(ds), VALUES)


def test_jpeg_baseline(radiograph) -> None:
    """JPEG baseline gives nearly the same values back."""
    ds = compressed(radiograph(EIGHT_BIT), JPEGBaseline8Bit, jpeg(EIGHT_BIT))

    assert np.abs(decode(ds).astype(int) - EIGHT_BIT).max() <= 4


def test_signed(radiograph) -> None:
    """Signed values stay signed."""
    values = VALUES.astype(np.int16) - 2048
    ds = radiograph(values, PixelRepresentation=1)

    assert np.array_equal(decode(ds), values)


def test_colour_becomes_grey(radiograph) -> None:
    """Pure red, green and blue have the luminances of ITU-R BT.601."""
    values = np.zeros((2, 2, 3), dtype=np.uint8)
    values[0, 0, 0] = values[0, 1, 1] = values[1, 0, 2] = 255
    ds = radiograph(values, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)

    assert decode(ds).tolist() == [[76, 150], [29, 0]]


def test_overlay_bits_are_dropped(radiograph) -> None:
    """Bits above Bits Stored are not grey values."""
    assert np.array_equal(decode(radiograph(VALUES | 0x8000)), VALUES)


@pytest.mark.parametrize(
    ("attributes", "reason", "tag"),
    [
        ({"PixelData": None}, Reason.NOT_IMAGE, "(7FE0,0010)"),
        ({"NumberOfFrames": 3}, Reason.MULTI_FRAME, "(0028,0008)"),
        ({"Rows": 0}, Reason.UNSUPPORTED_PIXELS, "(0028,0010)"),
        ({"Columns": None}, Reason.UNSUPPORTED_PIXELS, "(0028,0011)"),
        ({"Rows": 65535, "Columns": 65535}, Reason.TOO_LARGE, "(0028,0010)"),
        ({"SamplesPerPixel": 4}, Reason.UNSUPPORTED_PIXELS, "(0028,0002)"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Reason.UNSUPPORTED_PIXELS, "(0028,0004)"),
        ({"PhotometricInterpretation": ""}, Reason.UNSUPPORTED_PIXELS, "(0028,0004)"),
        ({"BitsAllocated": 32}, Reason.UNSUPPORTED_PIXELS, "(0028,0100)"),
        ({"BitsAllocated": 12}, Reason.UNSUPPORTED_PIXELS, "(0028,0100)"),
        ({"BitsStored": 17}, Reason.UNSUPPORTED_PIXELS, "(0028,0101)"),
        ({"BitsStored": 0}, Reason.UNSUPPORTED_PIXELS, "(0028,0101)"),
        ({"PixelRepresentation": 7}, Reason.UNSUPPORTED_PIXELS, "(0028,0103)"),
        ({"Rows": 4000}, Reason.UNDECODABLE, "(7FE0,0010)"),
        ({"PixelData": b""}, Reason.UNDECODABLE, "(7FE0,0010)"),
    ],
)
def test_refused_by_header(radiograph, attributes, reason, tag) -> None:
    """Each fault of the header has its reason and its attribute."""
    error = refusal(radiograph(VALUES, **attributes))

    assert (error.reason, error.tag) == (reason, tag)


def test_budget_is_checked_before_memory_is_taken(radiograph) -> None:
    """65535 x 65535 costs less than a megabyte to refuse."""
    ds = radiograph(VALUES, Rows=65535, Columns=65535)
    tracemalloc.start()

    refusal(ds)

    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_bomb_in_a_jpeg(radiograph) -> None:
    """A codestream of 65500 x 65500 under a header of 64 x 48 is refused by its own size."""
    stream = bytearray(jpeg(EIGHT_BIT))
    frame = stream.index(b"\xff\xc0")
    struct.pack_into(">HH", stream, frame + 5, 65500, 65500)

    error = refusal(compressed(radiograph(EIGHT_BIT), JPEGBaseline8Bit, bytes(stream)))

    assert error.reason == Reason.TOO_LARGE


def test_bomb_in_a_jpeg_2000(radiograph) -> None:
    """The same with SIZ."""
    ds = radiograph(VALUES)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    stream = bytearray(ds.PixelData)
    place = stream.index(b"\xff\x4f\xff\x51")
    struct.pack_into(">II", stream, place + 8, 2**31, 2**31)
    ds.PixelData = bytes(stream)

    assert refusal(ds).reason == Reason.TOO_LARGE


def test_codestream_of_another_size(radiograph) -> None:
    """A codestream that is not the header's image is not shown as if it were."""
    ds = compressed(radiograph(EIGHT_BIT[:32]), JPEGBaseline8Bit, jpeg(EIGHT_BIT))

    assert refusal(ds).reason == Reason.UNDECODABLE


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000, JPEGBaseline8Bit])
@pytest.mark.parametrize("codestream", [b"\0\0", b"nonsense", b"\xff\xd8\xff\xd9", b"\xff\x4f\xff\x51\x00"])
def test_rubbish_codestreams(radiograph, syntax, codestream) -> None:
    """Rubbish is undecodable, whatever the transfer syntax says."""
    assert refusal(compressed(radiograph(EIGHT_BIT), syntax, codestream)).reason == Reason.UNDECODABLE


@pytest.mark.parametrize("syntax", ["1.2.3.4", ExplicitVRBigEndian + ".9", ""])
def test_unknown_transfer_syntax(radiograph, syntax) -> None:
    """A transfer syntax nobody knows is a reason, not a crash."""
    ds = radiograph(VALUES)
    ds.file_meta.TransferSyntaxUID = syntax

    assert refusal(ds).reason == Reason.UNDECODABLE


def test_check_reads_the_header_only(radiograph) -> None:
    """The header check answers with rows, columns and samples."""
    assert check(radiograph(VALUES)) == (64, 48, 1)


@given(st.binary(max_size=200))
def test_codestream_size_never_raises(data) -> None:
    """Any bytes have a size or none."""
    for start in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51"):
        size_of(start + data)


def outcome(path: Path) -> str:
    try:
        ds = pydicom.dcmread(path, force=True)
    except (*UNREADABLE, InvalidDicomError):
        return "unreadable"
    try:
        return f"decoded to {decode(ds).ndim} axes"
    except NotReadable as error:
        return f"{error.reason}: {error.detail}"


def test_every_real_file_decodes_or_has_a_reason(shared_data) -> None:
    """Nothing in the real and the malformed collection escapes as another error."""
    paths = [path for path in sorted((shared_data / "dicom").rglob("*")) if path.is_file()]

    outcomes = [outcome(path) for path in paths if path.stat().st_size < 3_000_000]

    assert outcomes.count("decoded to 2 axes") > 50
    assert all(one == "decoded to 2 axes" or one == "unreadable" or one.endswith(".") for one in outcomes)
