"""Images decoded once."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

pytest.importorskip("torch")

from inference import image_file
from inference.card import Preprocessing
from inference.preprocess import model_input, normalise
from node.demonstration import phantom
from tests.inference import tasks
from tests.training.tiny import write_snapshot
from training import arrays, cache
from training.cache import Cache
from training.errors import TrainingError
from training.snapshot import Snapshot


class Planted:
    """An object whose unpickling would leave a trace."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("planted",)


def silent(_done: int, _total: int) -> None:
    """Nobody is told."""


def opened(snapshot: Snapshot, folder: Path) -> Cache:
    return cache.opened(snapshot, folder, 48, processes=1, tell=silent)


def test_the_product_sees_the_same(tmp_path) -> None:
    """Decoded images normalised are what the product gives the network, to the bit; they are read once."""
    snapshot = write_snapshot(tmp_path / "s", images=20)
    card = Preprocessing(size=48, mean=0.4, std=0.2)

    told: list[tuple[int, int]] = []
    found = cache.opened(snapshot, tmp_path / "c", 48, processes=1, tell=lambda *done: told.append(done))

    item = snapshot.items[7]
    expected = model_input(image_file.read(snapshot.images / item.image, cache.POLICY), card)
    np.testing.assert_array_equal(normalise(found.images[found.rows([item])[0]], card), expected[0, 0])
    assert told[-1] == (20, 20)
    for image in snapshot.images.iterdir():
        image.unlink()
    np.testing.assert_array_equal(opened(snapshot, tmp_path / "c").images, found.images)


def test_dicom_image_as_the_product_sees_it(tmp_path) -> None:
    """A DICOM file is decoded and windowed as the node does it."""
    phantom.dataset(seed=1).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    card = Preprocessing(size=48, mean=0.4, std=0.2)

    grey = cache.decode((tmp_path / "a.dcm", "of its data set", 48))

    assert not isinstance(grey, str)
    expected = model_input(image_file.read(tmp_path / "a.dcm", cache.POLICY), card)
    np.testing.assert_array_equal(normalise(grey, card), expected[0, 0])


def test_what_cannot_be_decoded_is_left_out_by_name(tmp_path) -> None:
    """One broken image of forty is named with its reason, and the others stay."""
    snapshot = write_snapshot(tmp_path / "s", images=40)
    Pillow.new("L", (8, 8), 7).save(snapshot.images / "005.png")  # another image than the snapshot's

    found = opened(snapshot, tmp_path / "c")

    assert list(found.left_out) == ["005.png"]
    assert "not the one" in found.left_out["005.png"]
    assert len(found.readable(snapshot.items)) == 39
    assert opened(snapshot, tmp_path / "c").left_out == found.left_out


def test_too_many_broken_images_are_an_error(tmp_path) -> None:
    """With three of forty gone the folder is probably wrong; nothing half-made is left."""
    snapshot = write_snapshot(tmp_path / "s", images=40)
    for number in (1, 2, 3):
        (snapshot.images / f"{number:03}.png").unlink()

    with pytest.raises(TrainingError, match=r"3 of 40 images cannot be decoded, the first 001.png"):
        opened(snapshot, tmp_path / "c")

    assert [path.name for path in (tmp_path / "c").iterdir()] == [".lock"]


def test_image_that_kills_its_process_is_left_out(tmp_path, monkeypatch) -> None:
    """A decoder may crash: it costs that image, not the training."""
    monkeypatch.setattr("training.cache.decode", tasks.black_or_die)
    jobs = [(tmp_path / f"{number}.png", "", 8) for number in range(5)]

    pictures = list(cache._decoded(jobs, 1))

    assert [isinstance(picture, str) for picture in pictures] == [False, False, False, True, False]


def test_cache_of_another_snapshot_is_refused(tmp_path) -> None:
    """The images of another snapshot, or of other sizes, are not taken for these."""
    snapshot = write_snapshot(tmp_path / "s", images=20)
    opened(snapshot, tmp_path / "c")

    with pytest.raises(TrainingError, match="another snapshot"):
        opened(replace(snapshot, sha256="0" * 64), tmp_path / "c")
    with pytest.raises(TrainingError, match="another training set"):
        opened(replace(snapshot, items=snapshot.items[1:]), tmp_path / "c")


def test_damaged_cache_is_refused(tmp_path) -> None:
    """A file cut short is not mapped."""
    snapshot = write_snapshot(tmp_path / "s", images=20)
    opened(snapshot, tmp_path / "c")
    (tmp_path / "c" / "images-48.npy").write_bytes((tmp_path / "c" / "images-48.npy").read_bytes()[:-5])

    with pytest.raises(TrainingError, match="not what was written"):
        opened(snapshot, tmp_path / "c")


def test_planted_pickle_is_not_run(tmp_path, monkeypatch) -> None:
    """An array of objects in the place of the images is a pickle; it is refused unopened."""
    snapshot = write_snapshot(tmp_path / "s", images=20)
    opened(snapshot, tmp_path / "c")
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "c" / "images-48.npy", np.array([Planted()], dtype=object), allow_pickle=True)

    with pytest.raises(TrainingError, match="not what was written"):
        opened(snapshot, tmp_path / "c")

    assert not (tmp_path / "planted").exists()


def test_array_without_room_is_refused_before_it_is_begun(tmp_path) -> None:
    """A petabyte is refused with the numbers, and nothing is made."""
    with pytest.raises(TrainingError, match="GiB free"):
        arrays.kept(tmp_path / "a.npy", (2**50,), np.uint8, lambda: pytest.fail("it was begun"))


def test_array_is_whole_or_not_there(tmp_path) -> None:
    """What a killed run left half-written is not used, and the next one makes it whole."""
    (tmp_path / "a.npy.part").write_bytes(b"half")

    array = arrays.kept(tmp_path / "a.npy", (2, 3), np.uint8, lambda: iter([np.ones((1, 3)), np.zeros((1, 3))]))

    assert array.tolist() == [[1, 1, 1], [0, 0, 0]]
    assert not array.flags.writeable
    assert not (tmp_path / "a.npy.part").exists()
