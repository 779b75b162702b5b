"""The paper's losses, by hand."""

import math

import pytest

torch = pytest.importorskip("torch")

from training.losses import LOSSES, cross_entropy, euclidean, hinge, weighted_cross_entropy  # noqa: E402

LOGITS = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
LABELS = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
"""Two images, two findings, one 1; every f is 1/2 but one of 3/4."""


def test_w_cel_by_hand() -> None:
    """beta_P = 4, beta_N = 4/3: equation 1 is 4 ln 2 + 4/3 (ln 2 + ln 4 + ln 2), here divided by 4 labels."""
    expected = (4 * math.log(2) + 4 / 3 * (math.log(2) + math.log(4) + math.log(2))) / 4

    assert weighted_cross_entropy(LOGITS, LABELS).item() == pytest.approx(expected, rel=1e-6)


def test_cel_by_hand() -> None:
    """-ln(1/2) three times and -ln(1/4) once, their mean."""
    expected = (3 * math.log(2) + math.log(4)) / 4

    assert cross_entropy(LOGITS, LABELS).item() == pytest.approx(expected, rel=1e-6)


def test_hinge_by_hand() -> None:
    """1 for each logit of 0, 1 + ln 3 for the wrong one; a right one past the margin costs nothing."""
    assert hinge(LOGITS, LABELS).item() == pytest.approx((3 + 1 + math.log(3)) / 4, rel=1e-6)
    assert hinge(torch.tensor([[2.0, -2.0]]), torch.tensor([[1.0, 0.0]])).item() == 0


def test_euclidean_by_hand() -> None:
    """(1/2)^2 three times and (3/4)^2 once, half their mean."""
    assert euclidean(LOGITS, LABELS).item() == pytest.approx((3 / 4 + 9 / 16) / 8, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_uncertain_labels_are_left_out(name) -> None:
    """A finding that is not known changes neither the loss nor any gradient."""
    logits = torch.tensor([[0.3, -5.0], [1.0, 0.2]], requires_grad=True)
    labels = torch.tensor([[1.0, math.nan], [0.0, 1.0]])

    loss = LOSSES[name](logits, labels)
    loss.backward()
    known = LOSSES[name](torch.tensor([[0.3, 1.0, 0.2]]), torch.tensor([[1.0, 0.0, 1.0]]))

    assert loss.item() == pytest.approx(known.item(), rel=1e-6)
    assert logits.grad[0, 1] == 0
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [0.0, 1.0, math.nan])
def test_a_batch_of_one_kind(name, value) -> None:
    """A batch without ones, without zeros or without any known label has a finite loss."""
    loss = LOSSES[name](torch.zeros(3, 2), torch.full((3, 2), value))

    assert math.isfinite(loss.item())


def test_w_cel_of_a_batch_of_one_kind() -> None:
    """Only the terms there are: 6 ln 2 with a weight of 1 each, divided by 6."""
    assert weighted_cross_entropy(torch.zeros(3, 2), torch.ones(3, 2)).item() == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_logits_are_finite(name) -> None:
    """A confident error costs much, not infinity."""
    logits = torch.tensor([[500.0, -500.0]], requires_grad=True)

    loss = LOSSES[name](logits, torch.tensor([[0.0, 1.0]]))
    loss.backward()

    assert math.isfinite(loss.item())
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_parts_add_up_to_the_whole(loss) -> None:
    """However a batch is dealt out, its parts' losses add up to its loss; one part has no positives."""
    logits = torch.linspace(-3, 3, 24).reshape(6, 4)
    labels = (torch.arange(24).reshape(6, 4) % 5 == 0).float()
    labels[0, 1] = math.nan
    labels[4:] = 0

    parts = sum(loss(logits[rows], labels[rows], labels) for rows in (slice(0, 1), slice(1, 4), slice(4, 6)))

    assert parts.item() == pytest.approx(loss(logits, labels).item(), rel=1e-6)
