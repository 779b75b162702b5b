"""A file that is compared with its row while it is read: however it is read, every byte counts."""

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.records import Absence, Holding, StoredFile
from node.upkeep.integrity import AT_ONCE, ComparedFile

DATA = bytes(range(256)) * 2500
"""More than two buffers."""
FILE = StoredFile(
    kind=Holding.RESULT,
    id=1,
    sop_class_uid="",
    sop_instance_uid="",
    transfer_syntax_uid="",
    path="x",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    absence=None,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is whole."""
    made = tmp_path_factory.mktemp("store") / "x"
    made.write_bytes(DATA)
    return made


def compared(path: Path) -> ComparedFile:
    """The file, opened."""
    return ComparedFile(path.open("rb", buffering=0), FILE)


Looks = st.lists(st.tuples(st.integers(0, len(DATA)), st.integers(0, len(DATA))), max_size=6)


@given(looks=Looks)
def test_whole_file_is_whole_however_it_is_read(looks: list[tuple[int, int]], path: Path):
    """Places and lengths in any order: the reader gets the file's bytes, and the digest is of all of them, once."""
    with io.BufferedReader(file := compared(path), AT_ONCE) as stream:
        for place, length in looks:
            stream.seek(place)
            assert stream.read(length) == DATA[place : place + length]

        assert file.fault() is None


@pytest.mark.parametrize("looks", [[], [(0, len(DATA))], [(0, 10), (400_000, 10)], [(300_000, 10), (0, 10)]], ids=str)
@pytest.mark.parametrize("spoilt", [0, 299_999, len(DATA) - 1])
def test_changed_byte_is_found_however_it_is_read(spoilt: int, looks: list[tuple[int, int]], tmp_path: Path):
    """Also where nobody looked."""
    data = bytearray(DATA)
    data[spoilt] ^= 1
    path = tmp_path / "x"
    path.write_bytes(data)

    with io.BufferedReader(file := compared(path), AT_ONCE) as stream:
        for place, length in looks:
            stream.seek(place)
            stream.read(length)

        assert file.fault() is Absence.DAMAGED


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", b""], ids=["shorter", "longer", "empty"])
def test_file_of_another_length_is_damaged(data: bytes, tmp_path: Path):
    """One byte is enough."""
    path = tmp_path / "x"
    path.write_bytes(data)

    with compared(path) as file:
        assert file.fault() is Absence.DAMAGED
