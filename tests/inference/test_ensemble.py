"""Several networks that answer as one."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from inference.backbones import BACKBONES  # noqa: E402
from inference.ensemble import Ensemble  # noqa: E402
from inference.network import Network  # noqa: E402


def layers(_whole: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(3, 4, kernel_size=8, stride=8), nn.Conv2d(4, 256, kernel_size=1), nn.ReLU()]


@pytest.fixture
def members(monkeypatch) -> list[Network]:
    """Three networks with one lower part, each a module of its own."""
    monkeypatch.setitem(BACKBONES, "alexnet", replace(BACKBONES["alexnet"], build=nn.Identity, layers=layers, cut=1))
    torch.manual_seed(0)
    made = [Network(backbone="alexnet", weights="none", findings=2, width=8).eval() for _ in range(3)]
    for member in made[1:]:
        member.backbone.lower.load_state_dict(made[0].backbone.lower.state_dict())
    return made


def test_mean_of_what_each_says(members: list[Network]) -> None:
    """Logits and maps are the means of the members', whose lower part is computed once."""
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        alone = [member(images) for member in members]
        lower = [0]
        together = Ensemble(members)
        together.members[0].backbone.lower.register_forward_hook(lambda *_: lower.append(1))
        logits, cam = together(images)

    torch.testing.assert_close(logits, sum(each[0] for each in alone) / 3)
    torch.testing.assert_close(cam, sum(each[1] for each in alone) / 3)
    assert sum(lower) == 1


def test_own_lower_parts_are_kept(members: list[Network]) -> None:
    """Where training changed the lower parts, each member sees with its own."""
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        members[2].backbone.lower[0].weight.add_(1)
        alone = [member(images)[0] for member in members]
        logits, _ = Ensemble(members)(images)

    torch.testing.assert_close(logits, sum(alone) / 3)


def test_shared_weights_are_named_once(members: list[Network]) -> None:
    """The lower part's weights stand among the weights once, those of the upper parts once each."""
    named = Ensemble(members).tensors()

    assert sum("lower" in name for name in named) == 2
    assert sum(name.endswith("upper.0.weight") for name in named) == 3
