"""What the network is fed with."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from inference.card import Preprocessing  # noqa: E402
from inference.image import Image  # noqa: E402
from inference.preprocess import model_input, normalise  # noqa: E402
from tests.training.tiny import write_snapshot  # noqa: E402
from training.augment import Augmentation  # noqa: E402
from training.cache import Cache  # noqa: E402
from training.material import Features, Images, features, normalised  # noqa: E402
from training.snapshot import Item  # noqa: E402

CARD = Preprocessing(size=32, mean=0.449, std=0.226)


@pytest.fixture
def cached(tmp_path: Path) -> tuple[Cache, tuple[Item, ...]]:
    items = write_snapshot(tmp_path / "s", images=10).items
    images = np.random.default_rng(0).integers(0, 256, (10, 32, 32)).astype(np.uint8)
    return Cache(images=images, row={item.sha256: row for row, item in enumerate(items)}, left_out={}), items


def test_torch_normalises_as_the_product_does() -> None:
    """All 256 grey levels come out the same, to the bit, in every channel."""
    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)

    tensor = normalised(torch.from_numpy(grey), CARD)

    assert tensor.shape == (1, 3, 16, 16)
    np.testing.assert_array_equal(tensor[0, 2].numpy(), normalise(grey[0], CARD))
    assert model_input(Image.windowed(np.zeros((64, 64), dtype=np.uint8)), CARD)[0, 0, 0, 0] == tensor[0, 0, 0, 0]


def test_images_are_altered_by_their_place(cached) -> None:
    """However the images of a step are dealt out in batches, each is altered the same; another epoch alters anew."""
    cache, items = cached
    images = Images(cache, items, Augmentation(), seed=1)
    chosen = np.array([3, 3, 8, 1])

    whole = images.drawn(chosen, epoch=2, place=40)

    parts = [images.drawn(chosen[:1], epoch=2, place=40), images.drawn(chosen[1:], epoch=2, place=41)]
    assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(whole, images.drawn(chosen, epoch=3, place=40))
    assert torch.equal(images.plain(chosen)[2], torch.from_numpy(cache.images[8]))


def test_features_are_made_once_for_their_weights(cached, tmp_path) -> None:
    """The same weights find their features again; others make their own; copies differ from the image."""
    cache, items = cached
    lower = torch.nn.Conv2d(3, 4, kernel_size=8, stride=8)

    def made(network, tell=lambda *_: pytest.fail("they were there"), *, bfloat16: bool = False) -> list[np.ndarray]:
        return features(
            network,
            cache,
            items,
            CARD,
            tmp_path,
            copies=1,
            augmentation=Augmentation(),
            bfloat16=bfloat16,
            device=torch.device("cpu"),
            tell=tell,
        )

    told: list[tuple[int, int]] = []
    first = made(lower, lambda *done: told.append(done))
    again = made(lower)
    made(torch.nn.Conv2d(3, 4, kernel_size=8, stride=8), lambda *_: None)

    quick = made(lower, lambda *_: None, bfloat16=True)

    assert [array.shape for array in first] == [(10, 4, 4, 4)] * 2
    assert told == [(10, 20), (20, 20)]
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], first[1])
    assert len(list(tmp_path.glob("features-*.npy"))) == 6
    np.testing.assert_allclose(quick[0], first[0], atol=0.05)
    assert not np.array_equal(quick[0], first[0])


def test_features_of_all_copies_are_drawn() -> None:
    """Each time one of the copies, by the place in the epoch."""
    copies = [np.full((5, 1, 1, 1), copy, dtype=np.float16) for copy in range(3)]
    drawn = Features(copies, np.arange(5), seed=0)

    found = drawn.drawn(np.zeros(50, dtype=np.intp), epoch=0, place=0)

    assert set(found.flatten().tolist()) == {0.0, 1.0, 2.0}
    assert drawn.plain(np.array([2])).item() == 0


def test_features_of_a_part_of_the_images() -> None:
    """A set that has a part of the images is fed with what was seen of these."""
    seen = np.arange(5, dtype=np.float16).reshape(5, 1, 1, 1)

    part = Features([seen], np.array([4, 1]), seed=0)

    assert part.plain(np.array([0, 1])).flatten().tolist() == [4, 1]
    assert part.drawn(np.array([1, 1, 0]), epoch=0, place=0).flatten().tolist() == [1, 1, 4]
