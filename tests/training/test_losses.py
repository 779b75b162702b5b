"""The paper's loss, by hand."""

import math

import pytest

torch = pytest.importorskip("torch")

from training.losses import weighted_cross_entropy  # noqa: E402


def test_by_hand() -> None:
    """Two images, two findings, one 1: beta_P = 4, beta_N = 4/3, all f = 1/2 but one of 3/4."""
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0]])

    loss = weighted_cross_entropy(logits, labels)

    expected = 4 * math.log(2) + 4 / 3 * (math.log(2) + math.log(4) + math.log(2))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_batch_of_one_kind(value) -> None:
    """A batch without ones, or without zeros, has a finite loss: the terms there are, with a weight of 1."""
    loss = weighted_cross_entropy(torch.zeros(3, 2), torch.full((3, 2), value))

    assert loss.item() == pytest.approx(6 * math.log(2), rel=1e-6)


def test_extreme_logits_are_finite() -> None:
    """A confident error costs its logit, not infinity."""
    logits = torch.tensor([[500.0, -500.0]], requires_grad=True)

    loss = weighted_cross_entropy(logits, torch.tensor([[0.0, 1.0]]))
    loss.backward()

    assert loss.item() == pytest.approx(2000.0)
    assert torch.isfinite(logits.grad).all()
