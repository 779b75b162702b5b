"""Several networks that answer as one: the mean of what they say.

Networks that learnt from different patients err differently; the mean errs less than each.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from inference.network import Network


class Ensemble(nn.Module):
    """Networks of one kind as one: an image to mean logits and mean class activation maps.

    Where the lower part of their backbones stayed as it was, and so is the same in all, it is computed once.

    Args:
        members: of equal findings and grid; if their lower parts are equal, they share one from now on.
    """

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.shared = all(_equal(one.backbone.lower, other.backbone.lower) for one, other in pairwise(members))
        if self.shared:
            for member in members[1:]:
                member.backbone.lower = members[0].backbone.lower
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> logits (N, C) and cam (N, C, S, S)."""
        answers: list[tuple[Tensor, Tensor]] = []
        seen = images
        for member in cast("Sequence[Network]", self.members):
            if not (self.shared and answers):
                seen = member.backbone.lower(images)
            answers.append(member.head(member.backbone.upper(seen)))
        logits, cams = zip(*answers, strict=True)
        return torch.stack(logits).mean(0), torch.stack(cams).mean(0)

    def tensors(self) -> dict[str, Tensor]:
        """All weights by name, those that members share once."""
        places: set[int] = set()
        found = {}
        for name, tensor in self.state_dict().items():
            if tensor.data_ptr() not in places:
                found[name] = tensor
            places.add(tensor.data_ptr())
        return found


def _equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether both have the same weights."""
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in mine.items())
