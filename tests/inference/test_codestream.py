"""Sizes read from codestream headers."""

import struct

import pytest

from inference.codestream import CodestreamSize, size_of

FRAME = struct.pack(">HBHHB", 11, 8, 480, 640, 1)


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC3, 0xC9, 0xF7])
def test_jpeg_frames(marker) -> None:
    """Baseline, extended, lossless, arithmetic and JPEG-LS frames all carry lines, samples and components."""
    stream = b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + b"\xff\xff" + bytes([marker]) + FRAME + b"\x00" * 8

    assert size_of(stream) == CodestreamSize(rows=480, columns=640, components=1)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC])
def test_tables_are_no_frames(marker) -> None:
    """A Huffman table lies among the frame markers and is none."""
    assert size_of(b"\xff\xd8\xff" + bytes([marker]) + FRAME + b"\x00" * 8) is None


def test_jpeg_2000_with_an_offset() -> None:
    """The image area is the grid less its offset."""
    siz = struct.pack(">HHIIIIIIIIH", 41, 0, 740, 500, 100, 20, 740, 500, 0, 0, 3)

    assert size_of(b"\xff\x4f\xff\x51" + siz + b"\x00" * 8) == CodestreamSize(rows=480, columns=640, components=3)


def test_something_else() -> None:
    """RLE and rubbish have no size of their own."""
    assert size_of(b"\x01\x00\x00\x00") is None
    assert size_of(b"") is None
