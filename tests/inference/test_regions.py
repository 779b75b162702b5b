"""A prediction layer that weighs each region of the lungs apart."""

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402

from inference.regions import REGIONS, Regions, region_shares  # noqa: E402

WHOLE = torch.tensor([[0.0, 1.0, 0.0, 1.0]])


@given(st.lists(st.floats(-2, 3, width=32), min_size=4, max_size=4), st.sampled_from([1, 2, 7, 10, 32]))
def test_each_region_has_a_mean(box: list[float], side: int) -> None:
    """Wherever the lungs are said to be, upside down or outside too, each region has shares that sum to 1."""
    shares = region_shares(torch.tensor([box]), side, side)

    assert shares.shape == (1, len(REGIONS), side, side)
    assert (shares > 0).all()
    torch.testing.assert_close(shares.sum(dim=(2, 3)), torch.ones(1, len(REGIONS)))


def test_regions_of_lungs_that_fill_the_image() -> None:
    """Of 10 x 10 places the upper region has 3.3 rows, and the centre 5 columns: 4 whole ones and two halves."""
    upper, _, _, centre = region_shares(WHOLE, 10, 10)[0]

    torch.testing.assert_close(upper.sum(dim=1)[:5], torch.tensor([1, 1, 1, 0.3, 0]) / 3.3, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        centre.sum(dim=0), torch.tensor([0, 0, 0.5, 1, 1, 1, 1, 0.5, 0, 0]) / 5, atol=1e-4, rtol=0
    )


def test_regions_follow_the_lungs() -> None:
    """Lungs in the lower right quarter have their regions there: the upper one begins a tenth of them above it."""
    upper = region_shares(torch.tensor([[0.5, 1.0, 0.5, 1.0]]), 20, 20)[0, 0]

    assert (upper.sum(dim=1) > 0.01).nonzero().flatten().tolist() == [9, 10, 11, 12, 13]
    assert (upper.sum(dim=0) > 0.01).nonzero().flatten().tolist() == list(range(9, 20))


def test_maps_add_up_to_the_logit() -> None:
    """The maps of an image are an exact decomposition of its logits, but for the bias."""
    torch.manual_seed(0)
    network = Regions(
        nn.Conv2d(3, 5, 8, stride=8),
        0.01 * torch.randn(4, 5, 4, 4),
        torch.tensor([0.2, 0.8, 0.1, 0.9]),
        torch.randn(2, len(REGIONS), 5),
        torch.tensor([0.5, -1.0]),
    )

    with torch.inference_mode():
        logits, cam = network(torch.randn(3, 3, 32, 32))

    assert cam.shape == (3, 2, 4, 4)
    torch.testing.assert_close(logits, cam.sum(dim=(2, 3)) + torch.tensor([0.5, -1.0]))
