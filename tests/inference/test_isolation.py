"""Poison images: whatever a codec does, the image has its reason and the next one is read."""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless

from db.vocabulary import Reason
from inference.errors import NotReadable
from inference.isolation import Isolated
from inference.policy import Policy
from inference.processes import Limits
from tests.inference.tasks import (
    GROWING_COLUMNS,
    LOOPING_COLUMNS,
    PID_FILE,
    POISONED_COLUMNS,
    is_alive,
    poisoned,
)

WELL = 48
"""Columns of an image that is no poison."""
LENIENT = Policy(accept_unknown_view=True, accept_unknown_body_part=True)


@pytest.fixture(scope="module")
def pid_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the process that decodes leaves its number."""
    path = tmp_path_factory.mktemp("process") / "pid"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PID_FILE, str(path))
        yield path


@pytest.fixture(scope="module")
def images(pid_file: Path) -> Iterator[Isolated]:
    """A reader with the poisoned codec; an image may take 256 MiB, and longer than it does on a busy machine."""
    assert not pid_file.exists()
    made = Isolated(1, Limits(item_s=60, memory_bytes=256 << 20), poisoned)
    yield made
    made.close()


def values(columns: int) -> np.ndarray:
    """Stored values of an image."""
    return (np.arange(64 * columns, dtype=np.uint16).reshape(64, columns) * 7) % 4096


@pytest.fixture
def file(radiograph, tmp_path: Path):
    """Write a compressed (or plain) image of so many columns."""

    def write(columns: int = WELL, *, compressed: bool = True) -> Path:
        ds = radiograph(values(columns), Modality="DX", BodyPartExamined="CHEST", ViewPosition="PA")
        if compressed:
            ds.compress(JPEG2000Lossless, generate_instance_uid=False)
        path = tmp_path / f"{columns}.dcm"
        ds.save_as(path, enforce_file_format=True)
        return path

    return write


def test_compressed_image_is_what_it_was(images: Isolated, file) -> None:
    """The stored values come back from the process as they went in."""
    image = images.read(file(), LENIENT, 10**6)

    assert np.array_equal(image.stored, values(WELL))
    assert image.header is not None


@pytest.mark.parametrize("columns", [POISONED_COLUMNS, GROWING_COLUMNS], ids=["dies", "grows"])
def test_poison_costs_itself(columns: int, images: Isolated, file) -> None:
    """A codec that dies or takes all memory: the image is undecodable, and the next one is read."""
    with pytest.raises(NotReadable, match="died") as caught:
        images.read(file(columns), LENIENT, 10**6)

    assert caught.value.reason is Reason.UNDECODABLE
    assert np.array_equal(images.read(file(), LENIENT, 10**6).stored, values(WELL))


@pytest.mark.usefixtures("pid_file")
def test_codec_that_never_ends_costs_its_image(file) -> None:
    """After its time the image is undecodable, and the next one is read."""
    with closing(Isolated(1, Limits(item_s=3, memory_bytes=256 << 20), poisoned)) as images:
        with pytest.raises(NotReadable, match="took longer than 3 seconds") as caught:
            images.read(file(LOOPING_COLUMNS), LENIENT, 10**6)

        assert caught.value.reason is Reason.UNDECODABLE
        assert np.array_equal(images.read(file(), LENIENT, 10**6).stored, values(WELL))


def test_uncompressed_image_needs_no_process(images: Isolated, file) -> None:
    """No codec runs over it, so even under a poisoned one it is read."""
    image = images.read(file(POISONED_COLUMNS, compressed=False), LENIENT, 10**6)

    assert np.array_equal(image.stored, values(POISONED_COLUMNS))


def test_too_large_an_image_meets_no_codec(images: Isolated, file) -> None:
    """The pixel budget is looked at before a process is asked."""
    with pytest.raises(NotReadable) as caught:
        images.read(file(POISONED_COLUMNS), LENIENT, 100)

    assert caught.value.reason is Reason.TOO_LARGE


def test_what_is_decoded_is_what_was_read(images: Isolated, file) -> None:
    """The bytes go to the codec from where they were read, not from the file again: that may be another by then."""
    path = file()

    @contextmanager
    def gone(path: Path) -> Iterator[BinaryIO]:
        with path.open("rb") as stream:
            yield stream
        path.unlink()

    assert np.array_equal(images.read(path, LENIENT, 10**6, opened=gone).stored, values(WELL))


def test_process_lives_from_image_to_image(images: Isolated, pid_file: Path, file) -> None:
    """A second image pays for no start."""
    numbers = set()
    for _ in range(2):
        images.read(file(), LENIENT, 10**6)
        numbers.add(pid_file.read_text())

    assert len(numbers) == 1


def test_closing_ends_the_process(pid_file: Path, file) -> None:
    """A node that stops leaves no process behind."""
    made = Isolated(1, decode=poisoned)
    made.read(file(), LENIENT, 10**6)
    number = int(pid_file.read_text())
    os.kill(number, 0)

    made.close()

    deadline = time.monotonic() + 10
    while is_alive(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(number)
