"""Pooling and maps, by hand and by property."""

import math

import pytest

torch = pytest.importorskip("torch")

from inference.network import cam, pool  # noqa: E402

MAPS = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])


def test_pooling_by_hand() -> None:
    """Mean, maximum and log-sum-exp of 0, 1, 2, 3 with r = 1."""
    assert pool(MAPS, "average", 1).item() == pytest.approx(1.5)
    assert pool(MAPS, "max", 1).item() == pytest.approx(3.0)
    expected = math.log((1 + math.e + math.e**2 + math.e**3) / 4)
    assert pool(MAPS, "lse", 1).item() == pytest.approx(expected)


@pytest.mark.parametrize("r", [0.1, 0.5, 1, 5, 8, 10, 12])
def test_lse_lies_between_average_and_maximum(r) -> None:
    """For every r of the paper."""
    maps = torch.randn(4, 5, 6, 6, generator=torch.Generator().manual_seed(1))

    pooled = pool(maps, "lse", r)

    assert (pooled >= pool(maps, "average", r) - 1e-5).all()
    assert (pooled <= pool(maps, "max", r) + 1e-5).all()


@pytest.mark.parametrize("shift", [-1000.0, 1000.0])
def test_lse_is_stable(shift) -> None:
    """All-negative and huge maps neither vanish nor overflow: a shift of the map is a shift of the result."""
    assert pool(MAPS + shift, "lse", 10).item() == pytest.approx(pool(MAPS, "lse", 10).item() + shift, rel=1e-4)


def test_mean_of_the_map_is_the_score() -> None:
    """With average pooling, a map's mean is the logit without the bias (Zhou et al. 2016, eq. 2)."""
    features, weights = torch.randn(2, 7, 5, 5), torch.randn(3, 7)

    maps = cam(features, weights)

    assert maps.shape == (2, 3, 5, 5)
    assert torch.allclose(maps.mean(dim=(2, 3)), pool(features, "average", 1) @ weights.T, atol=1e-5)
