"""How far two models agree, by hand."""

import pytest

from db.records import ScorePair
from node.agreement import agreements


def score(finding: str, probability: float, operating_point: float = 0.5) -> dict[str, object]:
    """A score as it is stored."""
    return {"finding": finding, "probability": probability, "operating_point": operating_point, "boxes": []}


def pair(first: float, second: float, points: tuple[float, float] = (0.5, 0.5)) -> ScorePair:
    """One image; the models' probabilities and operating points."""
    one, other = score("Mass", first, points[0]), score("Mass", second, points[1])
    return ScorePair(instance_id=1, first=[one], second=[other])


def test_agreement_by_hand() -> None:
    """Both on 1, only the first on 1, only the second on 1, neither on 2 of 5 images."""
    (mass,) = agreements([pair(0.9, 0.8), pair(0.6, 0.1), pair(0.2, 0.7), pair(0.1, 0.2), pair(0.3, 0.4)])

    assert (mass.images, mass.both, mass.only_first, mass.only_second, mass.neither) == (5, 1, 1, 1, 2)
    assert mass.share == pytest.approx(0.6)
    assert mass.kappa == pytest.approx((0.6 - 0.52) / 0.48)
    assert mass.correlation is not None


def test_each_model_has_its_own_operating_point() -> None:
    """The same probability may be present for one and not for the other."""
    (mass,) = agreements([pair(0.4, 0.4, (0.3, 0.6))])

    assert (mass.only_first, mass.share) == (1, 0)


def test_scores_on_a_line_correlate() -> None:
    """Probabilities that rise together correlate fully, whatever their scale."""
    (mass,) = agreements([pair(0.1, 0.2), pair(0.2, 0.4), pair(0.4, 0.8)])

    assert mass.correlation == pytest.approx(1)


def test_what_is_always_the_same_has_no_kappa_and_no_correlation() -> None:
    """Where nothing varies there is nothing beyond chance."""
    (mass,) = agreements([pair(0.1, 0.2), pair(0.1, 0.2)])

    assert (mass.share, mass.kappa, mass.correlation) == (1, None, None)


def test_findings_of_one_model_only_are_left_out() -> None:
    """Only what both know is compared."""
    found = agreements(
        [ScorePair(instance_id=1, first=[score("Mass", 0.1), score("Nodule", 0.1)], second=[score("Nodule", 0.2)])]
    )

    assert [each.finding for each in found] == ["Nodule"]


def test_nothing_is_compared_of_nothing() -> None:
    """Without images there is no row."""
    assert agreements([]) == []
