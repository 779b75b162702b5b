"""Files from archives: with and without preamble and file meta, and what is none."""

import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from node.collection import part10
from node.collection.part10 import NotTakenError
from tests.nodes import chest


def encoded(*, file_format: bool = True, implicit: bool = False) -> tuple[bytes, str]:
    """A small chest radiograph as a file; its SOP Instance UID."""
    ds = chest()
    if implicit:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = io.BytesIO()
    if file_format:
        dcmwrite(buffer, ds, enforce_file_format=True)
    else:
        del ds.file_meta
        ds.preamble = None
        dcmwrite(buffer, ds, implicit_vr=implicit, little_endian=True)
    return buffer.getvalue(), ds.SOPInstanceUID


@pytest.mark.parametrize("file_format", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
def test_files_of_either_kind(tmp_path: Path, file_format: bool, implicit: bool) -> None:
    """With file meta or without, a file says what it holds, and its data set is taken as it stands."""
    content, uid = encoded(file_format=file_format, implicit=implicit)
    path = tmp_path / "a"
    path.write_bytes(content)

    origin, offset = part10.origin(path)

    assert origin.sop_instance_uid == uid
    assert origin.calling_ae == "IMPORT"
    assert (origin.transfer_syntax_uid == ImplicitVRLittleEndian) is implicit
    assert b"".join(part10.data_set(path, offset)) == content[offset:]
    assert (offset == 0) is not file_format


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not DICOM"),
        (b"a text, and no image at all", "not DICOM"),
        (bytes(128) + b"DICM", "not DICOM"),
        (bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff1.2", "not DICOM"),
        (b"\x08\x00\x16\x00UI\x04\x001.2\x00", "names no SOP instance"),
    ],
)
def test_what_is_none(tmp_path: Path, content: bytes, reason: str) -> None:
    """Anything else is refused with its reason."""
    path = tmp_path / "a"
    path.write_bytes(content)

    with pytest.raises(NotTakenError, match=reason):
        part10.origin(path)


def test_a_transfer_syntax_that_is_not_taken(tmp_path: Path) -> None:
    """What the node does not take by C-STORE it does not take from a file."""
    path = tmp_path / "a"
    ds = chest()
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dcmwrite(path, ds, enforce_file_format=True)

    with pytest.raises(NotTakenError, match="transfer syntax is not taken"):
        part10.origin(path)


def test_a_class_that_is_not_taken(tmp_path: Path) -> None:
    """A CT says so."""
    dcmwrite(tmp_path / "a", chest(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), enforce_file_format=True)

    with pytest.raises(NotTakenError, match="CT Image Storage"):
        part10.origin(tmp_path / "a")


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """A file that cannot be opened is one reason more, and no end of an import."""
    with pytest.raises(NotTakenError, match="cannot be read: No such file"):
        part10.origin(tmp_path / "a")
    with pytest.raises(NotTakenError, match="cannot be read"):
        part10.size(tmp_path / "a")


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, content: bytes, with_prefix: bool) -> None:
    """Whatever a file holds, it is taken or refused."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes((bytes(128) + b"DICM" if with_prefix else b"") + content)

    with suppress(NotTakenError):
        part10.origin(path)
