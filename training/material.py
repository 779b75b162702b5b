"""What the network is fed with: images, altered anew each time, or what the backbone's lower part once saw of them."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference.card import Preprocessing
from training.arrays import kept
from training.augment import Augmentation, augment
from training.cache import Cache, Tell
from training.snapshot import Item

AT_ONCE = 32
"""Images whose features are computed together."""
Chosen = npt.NDArray[np.intp]


class Material(Protocol):
    """Inputs of a set of images, which are numbered from 0."""

    def drawn(self, chosen: Chosen, *, epoch: int, place: int) -> Tensor:
        """For training: images `chosen`, which stand at `place` and after it in their epoch.

        Seed, epoch and place alone decide how they are altered: neither threads nor processes nor a kill change that.
        """

    def plain(self, chosen: Chosen) -> Tensor:
        """As they are."""


class Images:
    """Decoded images, altered anew each time: (B, S, S) uint8."""

    def __init__(self, cache: Cache, items: Sequence[Item], augmentation: Augmentation, seed: int) -> None:
        self._images, self._rows = cache.images, cache.rows(items)
        self._augmentation, self._seed = augmentation, seed

    def drawn(self, chosen: Chosen, *, epoch: int, place: int) -> Tensor:
        """Altered images."""
        altered = [
            augment(self._images[row], self._augmentation, np.random.default_rng((self._seed, epoch, place + offset)))
            for offset, row in enumerate(self._rows[chosen])
        ]
        return torch.from_numpy(np.stack(altered))

    def plain(self, chosen: Chosen) -> Tensor:
        """The images as they are."""
        return torch.from_numpy(self._images[self._rows[chosen]])


class Features:
    """What the lower part saw of each image and of its altered copies: (B, D, S', S') float16, mapped into memory.

    Args:
        copies: the images as they are, then each altered copy; of more images than the set has.
        rows: where the set's images stand in them.
        seed: of what is drawn.
    """

    def __init__(self, copies: Sequence[npt.NDArray[np.float16]], rows: Chosen, seed: int) -> None:
        self._copies, self._rows, self._seed = copies, rows, seed

    def drawn(self, chosen: Chosen, *, epoch: int, place: int) -> Tensor:
        """One of the copies of each image."""
        rows = []
        for offset, image in enumerate(self._rows[chosen]):
            generator = np.random.default_rng((self._seed, epoch, place + offset))
            rows.append(self._copies[int(generator.integers(len(self._copies)))][image])
        return torch.from_numpy(np.stack(rows))

    def plain(self, chosen: Chosen) -> Tensor:
        """What it saw of the images as they are."""
        return torch.from_numpy(self._copies[0][self._rows[chosen]])


def normalised(grey: Tensor, preprocessing: Preprocessing) -> Tensor:
    """(B, S, S) uint8 -> (B, channels, S, S) as `inference.preprocess.model_input` gives it, on whatever device."""
    numbers = (grey.float() / 255 - preprocessing.mean) / preprocessing.std
    return numbers[:, None].expand(-1, preprocessing.channels, -1, -1).contiguous(memory_format=torch.channels_last)


def features(
    lower: nn.Module,
    cache: Cache,
    items: Sequence[Item],
    preprocessing: Preprocessing,
    folder: Path,
    *,
    copies: int,
    augmentation: Augmentation,
    bfloat16: bool,
    device: torch.device,
    tell: Tell,
) -> list[npt.NDArray[np.float16]]:
    """What the lower part sees of each image, and of `copies` altered ones, kept in a folder for the next run.

    Kept in half precision, whatever they were computed in.
    """
    rows = cache.rows(items)
    key = _key(lower, rows, preprocessing, augmentation if copies else None, bfloat16=bfloat16)
    lower.eval()

    def seen(batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            output: Tensor = lower(normalised(torch.from_numpy(batch).to(device), preprocessing))
            return np.asarray(output.half().cpu().numpy(), dtype=np.float16)

    shape = (len(rows), *seen(cache.images[rows[:1]]).shape[1:])

    def make(copy: int) -> Iterator[npt.NDArray[np.float16]]:
        for start in range(0, len(rows), AT_ONCE):
            batch = cache.images[rows[start : start + AT_ONCE]]
            if copy:
                altered = [
                    augment(image, augmentation, np.random.default_rng((copy, start + offset)))
                    for offset, image in enumerate(batch)
                ]
                batch = np.stack(altered)
            yield seen(batch)
            tell(copy * len(rows) + start + len(batch), (copies + 1) * len(rows))

    return [
        kept(folder / f"features-{key}-{copy}.npy", shape, np.float16, lambda copy=copy: make(copy))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        for copy in range(copies + 1)
    ]


def _key(
    lower: nn.Module, rows: Chosen, preprocessing: Preprocessing, augmentation: Augmentation | None, *, bfloat16: bool
) -> str:
    """Names what the features are of: the weights, the images, and how they are prepared and altered."""
    digest = hashlib.sha256(repr((preprocessing, augmentation, bfloat16)).encode())
    digest.update(rows.astype(np.int64).tobytes())
    for name, tensor in lower.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
