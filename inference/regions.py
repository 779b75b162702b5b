"""A network whose backbone is as ImageNet made it, and whose prediction layer weighs each region of the lungs apart.

In a radiograph it matters where something is: a bright patch means one thing behind the heart and another above the
diaphragm. Global pooling forgets that. With few images the backbone's last layers cannot be trained to remember it,
and a linear layer on its middle ones can (`training.ridge`).

Departments frame a chest differently, and patients fill the frame differently. So another linear layer says first
where the lungs are, and the regions are laid over what it says.
"""

import torch
from torch import Tensor, nn

REGIONS: dict[str, tuple[float, float, float, float]] = {
    "upper": (-0.1, 0.33, -0.1, 1.1),
    "middle": (0.33, 0.7, -0.1, 1.1),
    "lower": (0.7, 1.3, -0.1, 1.1),
    "centre": (0.3, 1.1, 0.25, 0.75),
}
"""Top, bottom, left and right, as parts of the lungs' box: its thirds with what is round them, and the heart with the
hila."""
LEAST = 1e-6
"""What a place counts, against one that is whole in a region, of which it has nothing: no region is empty."""


def region_shares(lungs: Tensor, height: int, width: int) -> Tensor:
    """What each place of an image counts in the mean of each region.

    Args:
        lungs: (N, 4), top, bottom, left and right of the lungs' box, as parts of the side.
        height, width: how many places there are, H and W.

    Returns:
        (N, R, H, W), which sums to 1 in each region. A place that lies in a region by half counts half.
    """
    top, bottom, left, right = lungs.unbind(dim=1)
    first_down, last_down, first_across, last_across = torch.tensor(list(REGIONS.values()), device=lungs.device).T
    down = _covered(top, bottom, first_down, last_down, height)
    across = _covered(left, right, first_across, last_across, width)
    return down[:, :, :, None] * across[:, :, None, :]


def _covered(begin: Tensor, end: Tensor, first: Tensor, last: Tensor, count: int) -> Tensor:
    """(N, R, count): how a region that goes from part `first` to part `last` of the lungs shares out along an axis."""
    side = (end - begin)[:, None]
    low, high = begin[:, None] + first * side, begin[:, None] + last * side
    edges = torch.arange(count + 1, device=begin.device) / count
    overlap = torch.minimum(high[..., None], edges[1:]) - torch.maximum(low[..., None], edges[:-1])
    parts = overlap.clamp(min=0) * count + LEAST
    return parts / parts.sum(dim=2, keepdim=True)


class Regions(nn.Module):
    """Image to logits and class activation maps.

    The mean of a region is linear in its places, so each place has what it adds to a logit. The maps are an exact
    decomposition: they add up to the logit, but for the bias.

    Args:
        lower: the backbone's lower part.
        outline: (4, D, S, S), from what it sees to the lungs' box.
        usual: (4,), the box to which that is added.
        weight: (C, R, D).
        bias: (C,).
    """

    def __init__(self, lower: nn.Module, outline: Tensor, usual: Tensor, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.lower = lower
        self.outline = nn.Parameter(outline)
        self.usual = nn.Parameter(usual)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> logits (N, C) and cam (N, C, S, S)."""
        return self.head(self.lower(images))

    def head(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """What the lower part sees, (N, D, S, S) -> logits (N, C) and cam (N, C, S, S)."""
        shares = region_shares(self.lungs(maps), *self.outline.shape[2:])
        said = nn.functional.conv2d(maps, self.weight.flatten(0, 1)[:, :, None, None])  # (N, C * R, S, S)
        cam = (torch.unflatten(said, 1, self.weight.shape[:2]) * shares[:, None]).sum(dim=2)
        return cam.sum(dim=(2, 3)) + self.bias, cam

    def lungs(self, maps: Tensor) -> Tensor:
        """What the lower part sees, (N, D, S, S) -> top, bottom, left and right of the lungs' box, (N, 4)."""
        return nn.functional.conv2d(maps, self.outline).flatten(1) + self.usual
