"""Poison images: whatever a codec does, the image has its reason and the next one is read."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless

from db.vocabulary import Reason
from inference.errors import NotReadable
from inference.isolation import Isolated
from inference.policy import Policy
from inference.processes import Limits
from tests.inference.tasks import is_alive, poisoned

VALUES = (np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) * 7) % 4096
LENIENT = Policy(accept_unknown_view=True, accept_unknown_body_part=True)


@pytest.fixture(scope="module")
def images() -> Iterator[Isolated]:
    """A reader with the poisoned codec; an image may take two seconds and 256 MiB."""
    made = Isolated(1, Limits(item_s=2, memory_bytes=256 << 20), poisoned)
    yield made
    made.close()


@pytest.fixture
def file(radiograph, tmp_path: Path):
    """Write a compressed (or plain) image under a name."""

    def write(name: str, *, compressed: bool = True) -> Path:
        ds = radiograph(VALUES, Modality="DX", BodyPartExamined="CHEST", ViewPosition="PA")
        if compressed:
            ds.compress(JPEG2000Lossless, generate_instance_uid=False)
        path = tmp_path / f"{name}.dcm"
        ds.save_as(path, enforce_file_format=True)
        return path

    return write


def test_compressed_image_is_what_it_was(images: Isolated, file) -> None:
    """The stored values come back from the process as they went in."""
    image = images.read(file("well"), LENIENT, 10**6)

    assert np.array_equal(image.stored, VALUES)
    assert image.header is not None


@pytest.mark.parametrize(
    ("poison", "words"), [("dies", "died"), ("loops", "took longer than 2 seconds"), ("grows", "died")]
)
def test_poison_costs_itself(poison: str, words: str, images: Isolated, file) -> None:
    """A codec that dies, never ends or takes all memory: the image is undecodable, and the next one is read."""
    with pytest.raises(NotReadable, match=words) as caught:
        images.read(file(poison), LENIENT, 10**6)

    assert caught.value.reason is Reason.UNDECODABLE
    assert np.array_equal(images.read(file("well"), LENIENT, 10**6).stored, VALUES)


def test_uncompressed_image_needs_no_process(images: Isolated, file) -> None:
    """No codec runs over it, so even under a poisoned one it is read."""
    image = images.read(file("dies", compressed=False), LENIENT, 10**6)

    assert np.array_equal(image.stored, VALUES)


def test_too_large_an_image_meets_no_codec(images: Isolated, file) -> None:
    """The pixel budget is looked at before a process is asked."""
    with pytest.raises(NotReadable) as caught:
        images.read(file("dies"), LENIENT, 100)

    assert caught.value.reason is Reason.TOO_LARGE


def test_process_lives_from_image_to_image(images: Isolated, file) -> None:
    """A second image pays for no start."""
    path = file("leaves")

    numbers = set()
    for _ in range(2):
        images.read(path, LENIENT, 10**6)
        numbers.add(path.with_suffix(".pid").read_text())

    assert len(numbers) == 1


def test_closing_ends_the_process(file) -> None:
    """A node that stops leaves no process behind."""
    made = Isolated(1, decode=poisoned)
    path = file("leaves")
    made.read(path, LENIENT, 10**6)
    number = int(path.with_suffix(".pid").read_text())
    os.kill(number, 0)

    made.close()

    deadline = time.monotonic() + 10
    while is_alive(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(number)
