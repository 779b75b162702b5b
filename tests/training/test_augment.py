"""Altered copies of images."""

import numpy as np
import pytest

from training.augment import Augmentation, augment
from training.errors import TrainingError

IMAGE = np.tile(np.arange(128, dtype=np.uint8), (96, 1))
NOTHING = Augmentation(
    mirror=0,
    smallest=1,
    largest=1,
    rotation_deg=0,
    shift=0,
    fill=0,
    blur=0,
    gamma=0,
    contrast=0,
    brightness=0,
    frame=0,
)


def test_altered_copies() -> None:
    """An altered copy has the same size and kind, differs, and is the same again for the same seed."""
    copies = [augment(IMAGE, Augmentation(), np.random.default_rng(seed)) for seed in (1, 2, 1)]

    assert all(copy.shape == IMAGE.shape and copy.dtype == np.uint8 for copy in copies)
    assert not np.array_equal(copies[0], IMAGE)
    assert not np.array_equal(copies[0], copies[1])
    assert np.array_equal(copies[0], copies[2])


def test_nothing_asked_nothing_done() -> None:
    """With every setting at rest the image is the same."""
    assert np.array_equal(augment(IMAGE, NOTHING, np.random.default_rng(0)), IMAGE)


def test_mirror() -> None:
    """Always mirrored: left and right are exchanged."""
    mirrored = augment(IMAGE, NOTHING.changed(["mirror=1"]), np.random.default_rng(0))

    assert np.array_equal(mirrored, IMAGE[:, ::-1])


def test_scale_is_a_factor() -> None:
    """Twice as large about the middle: the outermost quarters are gone."""
    doubled = augment(IMAGE, NOTHING.changed(["smallest=2", "largest=2"]), np.random.default_rng(0))

    assert int(doubled.min()) >= 31
    assert int(doubled.max()) <= 96


def test_brightness_by_hand() -> None:
    """A change of at most a tenth of the range moves each grey level by 25 at most, and all alike."""
    brighter = augment(IMAGE, NOTHING.changed(["brightness=0.1"]), np.random.default_rng(5))

    moved = brighter[:, 40:].astype(int) - IMAGE[:, 40:]
    assert moved.min() >= -26
    assert moved.max() - moved.min() <= 1


def test_changed() -> None:
    """Settings are changed by name."""
    settings = Augmentation().changed(["rotation_deg=10", "mirror=0"])

    assert (settings.rotation_deg, settings.mirror, settings.shift) == (10, 0, 0.05)


@pytest.mark.parametrize("change", ["rotation=3", "mirror", "mirror=often", "shift=-1", "blur=nan", "smallest=3"])
def test_wrong_changes_are_refused(change: str) -> None:
    """A name that is not there, no number, a negative one: a sentence."""
    with pytest.raises(TrainingError):
        Augmentation().changed([change])
