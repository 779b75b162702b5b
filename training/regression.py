"""Two regressions on what the backbone's lower part sees: where the lungs are, and what their regions tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from inference.regions import REGIONS, Regions, region_shares
from training import lungs
from training.dataset import Labels, balanced_weights, labels_of
from training.least_squares import Linear, Numbers, Scale, slopes
from training.recipe import Recipe
from training.snapshot import Item

Maps = npt.NDArray[np.float16]
AT_ONCE = 64
"""Images whose maps are turned into means together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to learn from: a row an image.

    Attributes:
        copies: what the lower part saw of the images, and of each altered copy: (N, D, S, S).
        parts: its means over the parts of the image, by copy: (N, 9 * D).
        boxes: the lungs' box where two dark lungs were seen, NaN elsewhere: (N, 4).
    """

    copies: Sequence[Maps]
    parts: Sequence[Numbers]
    boxes: Numbers

    @classmethod
    def of(cls, copies: Sequence[Maps], boxes: Numbers) -> Self:
        """With the means over the parts of the image."""
        shares = torch.from_numpy(lungs.part_shares(*copies[0].shape[2:])).float()[None]
        parts = [_means(copy, shares.expand(len(copy), -1, -1, -1)) for copy in copies]
        return cls(copies=copies, parts=parts, boxes=boxes)

    def columns(self, copy: int, located: Linear) -> Numbers:
        """Means over the regions of the lungs, which are where `located` says: (N, R * D)."""
        boxes = torch.from_numpy(located(self.parts[copy])).float()
        return _means(self.copies[copy], region_shares(boxes, *self.copies[copy].shape[2:]))


def _means(maps: Maps, shares: torch.Tensor) -> Numbers:
    """Maps (N, D, S, S) and shares of their places (N, R, S, S) to means (N, R * D)."""
    parts = [
        np.matmul(share.flatten(2).numpy(), some.astype(np.float32).reshape(*some.shape[:2], -1).transpose(0, 2, 1))
        for some, share in zip(np.array_split(maps, _times(maps)), shares.tensor_split(_times(maps)), strict=True)
    ]
    return np.concatenate(parts).reshape(len(maps), -1).astype(np.float64)


def _times(maps: Maps) -> int:
    return -(-len(maps) // AT_ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """From the parts of an image to the lungs' box, and from the regions of the lungs to logits."""

    located: Linear
    told: Linear

    def logits(self, seen: Seen) -> Numbers:
        """Of the images as they are: (N, C)."""
        return self.told(seen.columns(0, self.located))


def fitted(seen: Seen, items: Sequence[Item], chosen: npt.NDArray[np.bool_], recipe: Recipe) -> Fit:
    """Both regressions, of some of the images; the second of all their copies too."""
    located = lungs.located(seen.parts[0][chosen], seen.boxes[chosen])
    columns = [seen.columns(copy, located)[chosen] for copy in range(len(seen.copies))]
    few = [item for item, one in zip(items, chosen, strict=True) if one]
    return Fit(located=located, told=told(columns, few, recipe))


def told(columns: Sequence[Numbers], items: Sequence[Item], recipe: Recipe) -> Linear:
    """Ridge regression of each finding on the columns of images and their copies.

    The regression of 0 and 1 is brought to the scale of logits by its variance p (1 - p): the linear discriminant's
    (Haggstrom 1983). Calibration does the rest.
    """
    rows = np.concatenate(columns)
    weights = np.tile(balanced_weights(items, recipe.balance), len(columns)) * len(items) / len(columns)
    scale = Scale.of(rows, weights)
    rows, labels = scale.standard(rows), np.tile(labels_of(items), (len(columns), 1))
    found = [_discriminant(rows, column, weights, recipe.ridge) for column in labels.T]
    return scale.undone(np.stack([slope for slope, _ in found], axis=1), np.array([offset for _, offset in found]))


def _discriminant(rows: Numbers, labels: Labels, weights: Numbers, penalty: float) -> tuple[Numbers, float]:
    """Slopes and offset, in logits, from the images of which the finding is known."""
    known = ~np.isnan(labels)
    truth, weights = labels[known].astype(np.float64), weights[known]
    slope, offset = slopes(rows[known], truth[:, None], weights, penalty)
    part = float(np.average(truth, weights=weights))
    variance = part * (1 - part)
    return slope[:, 0] / variance, float(np.log(part / (1 - part)) + (offset[0] - part) / variance)


def regions(lower: torch.nn.Module, fit: Fit, grid: Sequence[int]) -> Regions:
    """The network of both regressions: the means over the parts of the image become weights of its places."""
    shares = lungs.part_shares(*grid)
    outline = fit.located.weight.reshape(4, len(shares), -1)
    weight = fit.told.weight.reshape(len(fit.told.bias), len(REGIONS), -1)
    return Regions(
        lower,
        torch.from_numpy(np.einsum("bpd,pyx->bdyx", outline, shares)).float(),
        torch.from_numpy(fit.located.bias).float(),
        torch.from_numpy(weight).float(),
        torch.from_numpy(fit.told.bias).float(),
    )
