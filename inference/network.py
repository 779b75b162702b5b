"""The paper's network: backbone, transition, global pooling, prediction (Wang et al. 2017, section 3).

Training and export use it; serving runs the exported graph and needs no torch.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from inference.backbones import BACKBONES, Weights, make

Pooling = Literal["average", "max", "lse"]


def pool(features: Tensor, kind: Pooling, r: float) -> Tensor:
    """Reduce each feature map to one number: (N, D, H, W) -> (N, D).

    Log-Sum-Exp is 1/r * log(mean(exp(r x))) over all locations (Wang et al. 2017, eq. 3; S is their number).
    logsumexp subtracts the maximum, so that neither large nor all-negative maps overflow or vanish.
    """
    flat = features.flatten(2)
    if kind == "average":
        return flat.mean(dim=2)
    if kind == "max":
        return flat.amax(dim=2)
    return (torch.logsumexp(r * flat, dim=2) - math.log(flat.shape[2])) / r


def cam(features: Tensor, weights: Tensor) -> Tensor:
    """Spread each finding's score over the image.

    Args:
        features: (N, D, S, S), the transition layer's output.
        weights: (C, D), the prediction layer's.

    Returns:
        (N, C, S, S), in logits. With average pooling its mean plus the bias is the logit; with max or LSE
        pooling it is no such sum, and the paper uses it all the same (section 3.2.1).
    """
    return nn.functional.conv2d(features, weights[:, :, None, None])


class Network(nn.Module):
    """Image to logits and class activation maps, for any list of findings.

    The transition layer brings the backbone's activations to S x S x D; transition and prediction start untrained.

    Args:
        backbone: a row of `inference.backbones.BACKBONES`.
        weights: of the backbone.
        findings: C.
        width: D of the transition.
        pooling: over all locations of the S x S maps.
        r: the sharpness of Log-Sum-Exp pooling.
        grid: S; by default what input size and stride give (1024 pixels at stride 32: 32). Another S is reached by
            linear interpolation of the backbone's activations: the paper's S is 8, 16 or 32, and AlexNet, which does
            not pad, has 31 at 1024 pixels.
        cut: how many of the backbone's layers are its lower part; by default what its row says.
    """

    def __init__(
        self,
        *,
        backbone: str,
        weights: Weights,
        findings: int,
        width: int = 256,
        pooling: Pooling = "lse",
        r: float = 10.0,
        grid: int | None = None,
        cut: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone = make(backbone, weights, cut)
        self.transition = nn.Sequential(
            nn.Conv2d(BACKBONES[backbone].channels, width, kernel_size=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.prediction = nn.Linear(width, findings)
        self.pooling: Pooling = pooling
        self.r = r
        self.grid = grid

    def head(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Backbone features (N, channels, s, s) -> logits (N, C) and cam (N, C, S, S)."""
        if self.grid is not None and features.shape[-2:] != (self.grid, self.grid):
            features = nn.functional.interpolate(features, size=(self.grid, self.grid), mode="bilinear")
        maps = self.transition(features)
        return self.prediction(pool(maps, self.pooling, self.r)), cam(maps, self.prediction.weight)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> logits (N, C) and cam (N, C, S, S)."""
        return self.head(self.backbone(images))
