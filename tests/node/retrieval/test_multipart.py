"""Parts of a response, however it is cut into packets."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.dicom.source import SourceError
from node.retrieval.multipart import MAX_PART_HEADER_BYTES, Parts, boundary_of

BOUNDARY = b"b0-x"


def body(contents: list[bytes], *, preamble: bytes = b"", end: bytes = b"--\r\n") -> bytes:
    """A multipart body."""
    head = b"\r\nContent-Type: application/dicom\r\nContent-Length: 1\r\n\r\n"
    parts = b"".join(b"\r\n--" + BOUNDARY + head + content for content in contents)
    return preamble + parts + b"\r\n--" + BOUNDARY + end


def parted(data: bytes, packet: int) -> list[bytes]:
    """The parts of it, read in packets."""
    file = BytesIO(data)
    return [b"".join(part) for part in Parts(lambda _number: file.read(packet), BOUNDARY)]


@given(contents=st.lists(st.binary(max_size=200)), packet=st.integers(1, 300), preamble=st.binary(max_size=20))
def test_parts_are_what_was_sent(contents: list[bytes], packet: int, preamble: bytes):
    """Each part is the bytes that were put in, whatever the packets are."""
    delimiter = b"\r\n--" + BOUNDARY
    contents = [content for content in contents if delimiter not in content]

    assert parted(body(contents, preamble=preamble), packet) == contents


@given(contents=st.lists(st.binary(max_size=50), min_size=1), cut=st.integers(0, 60), packet=st.integers(1, 100))
def test_response_that_ends_early_is_an_error(contents: list[bytes], cut: int, packet: int):
    """What lacks its last delimiter was cut off; nothing of it passes for whole."""
    whole = body(contents).removesuffix(b"\r\n")

    with pytest.raises(SourceError):
        parted(whole[: len(whole) - 1 - min(cut, len(whole) - 1)], packet)


def test_what_is_left_unread_of_a_part_is_passed_over():
    """Who refuses an object after its first bytes gets the next one."""
    file = BytesIO(body([b"a" * 1000, b"second"]))

    firsts = [next(part) for part in Parts(lambda _number: file.read(16), BOUNDARY)]

    assert b"second".startswith(firsts[1])


def test_header_without_an_end_is_an_error():
    """A part's header is bounded."""
    endless = b"--" + BOUNDARY + b"\r\n" + b"x" * (2 * MAX_PART_HEADER_BYTES)

    with pytest.raises(SourceError):
        parted(endless, 4096)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('Multipart/Related;boundary="a b";type=x', b"a b"),
    ],
)
def test_boundary_is_found(content_type: str, boundary: bytes):
    """Quoted or not, wherever it stands."""
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["", "application/dicom", "multipart/related", "multipart/related; boundary="])
def test_response_of_another_kind_is_an_error(content_type: str):
    """A page that says something else is no study."""
    with pytest.raises(SourceError):
        boundary_of(content_type)
