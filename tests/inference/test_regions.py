"""A prediction layer that weighs each region by itself."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from inference.regions import REGIONS, Regions, region_means  # noqa: E402


@pytest.mark.parametrize("side", [1, 2, 7, 10, 32])
def test_each_region_has_a_mean(side: int) -> None:
    """However few places there are, each region has one, and their shares sum to 1."""
    shares = region_means(side, side)

    assert shares.shape == (len(REGIONS), side, side)
    torch.testing.assert_close(shares.sum(dim=(1, 2)), torch.ones(len(REGIONS)))


def test_thirds_cover_the_image_once() -> None:
    """Each of 10 x 10 places is in one third of the lungs; the centre is 5 rows of 4."""
    shares = region_means(10, 10)

    assert ((shares[:3] > 0).sum(dim=0) == 1).all()
    assert [(share > 0).sum().item() for share in shares] == [30, 30, 40, 20]
    assert shares[3, 3:8, 3:7].sum().item() == pytest.approx(1)


def test_maps_add_up_to_the_logit() -> None:
    """The maps of an image are an exact decomposition of its logits, but for the bias."""
    torch.manual_seed(0)
    network = Regions(nn.Conv2d(3, 5, 8, stride=8), torch.randn(2, 5, 4, 4), torch.tensor([0.5, -1.0]))

    with torch.inference_mode():
        logits, cam = network(torch.randn(3, 3, 32, 32))

    assert cam.shape == (3, 2, 4, 4)
    torch.testing.assert_close(logits, cam.sum(dim=(2, 3)) + torch.tensor([0.5, -1.0]))
