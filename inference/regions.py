"""A network whose backbone is as ImageNet made it, and whose prediction layer weighs each region by itself.

In a radiograph it matters where something is: a bright patch means one thing behind the heart and another above the
diaphragm. Global pooling forgets that. With few images the backbone's last layers cannot be trained to remember it,
and a linear layer on its middle ones can (`training.ridge`).
"""

import torch
from torch import Tensor, nn

REGIONS: dict[str, tuple[float, float, float, float]] = {
    "upper": (0.0, 0.3, 0.0, 1.0),
    "middle": (0.3, 0.6, 0.0, 1.0),
    "lower": (0.6, 1.0, 0.0, 1.0),
    "centre": (0.3, 0.8, 0.3, 0.7),
}
"""Top, bottom, left and right, as parts of the side: the thirds of the lungs, and the heart with the hila."""


def region_means(height: int, width: int) -> Tensor:
    """(R, H, W): what each place counts in the mean of each region; sums to 1 in each."""
    shares = torch.zeros(len(REGIONS), height, width)
    for number, (top, bottom, left, right) in enumerate(REGIONS.values()):
        shares[number, _places(top, bottom, height), _places(left, right, width)] = 1
    return shares / shares.sum(dim=(1, 2), keepdim=True)


def _places(first: float, last: float, count: int) -> slice:
    """Between two parts of a side, at least one place."""
    begin = min(round(first * count), count - 1)
    return slice(begin, max(round(last * count), begin + 1))


class Regions(nn.Module):
    """Image to logits and class activation maps.

    The mean of a region is linear in its places, so the weights of all regions add up to one weight for each channel
    and place. The maps are an exact decomposition: they add up to the logit, but for the bias.

    Args:
        lower: the backbone's lower part.
        weight: (C, D, S, S).
        bias: (C,).
    """

    def __init__(self, lower: nn.Module, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.lower = lower
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> logits (N, C) and cam (N, C, S, S)."""
        return self.head(self.lower(images))

    def head(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """What the lower part sees, (N, D, S, S) -> logits (N, C) and cam (N, C, S, S)."""
        cam = torch.stack([(maps * finding).sum(dim=1) for finding in self.weight], dim=1)
        return cam.sum(dim=(2, 3)) + self.bias, cam
