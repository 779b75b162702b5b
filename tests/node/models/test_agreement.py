"""How far two models agree, by hand."""

from math import isnan

import pytest

from db.label_records import HeldMining, ReportLabels, StudyLabels
from db.records import ScorePair
from db.report_records import MinerIdentity
from db.vocabulary import Assertion
from node.models.agreement import agreements, label_of


def score(finding: str, probability: float, operating_point: float = 0.5) -> dict[str, object]:
    """A score as it is stored."""
    return {"finding": finding, "probability": probability, "operating_point": operating_point, "boxes": []}


def pair(first: float, second: float, points: tuple[float, float] = (0.5, 0.5), study: int = 1) -> ScorePair:
    """One image; the models' probabilities and operating points."""
    one, other = score("Mass", first, points[0]), score("Mass", second, points[1])
    return ScorePair(instance_id=1, study_id=study, first=[one], second=[other])


def test_agreement_by_hand() -> None:
    """Both on 1, only the first on 1, only the second on 1, neither on 2 of 5 images."""
    (mass,) = agreements([pair(0.9, 0.8), pair(0.6, 0.1), pair(0.2, 0.7), pair(0.1, 0.2), pair(0.3, 0.4)], {})

    assert (mass.images, mass.both, mass.only_first, mass.only_second, mass.neither) == (5, 1, 1, 1, 2)
    assert mass.share == pytest.approx(0.6)
    assert mass.kappa == pytest.approx((0.6 - 0.52) / 0.48)
    assert mass.correlation is not None


def test_each_model_has_its_own_operating_point() -> None:
    """The same probability may be present for one and not for the other."""
    (mass,) = agreements([pair(0.4, 0.4, (0.3, 0.6))], {})

    assert (mass.only_first, mass.share) == (1, 0)


def test_scores_on_a_line_correlate() -> None:
    """Probabilities that rise together correlate fully, whatever their scale."""
    (mass,) = agreements([pair(0.1, 0.2), pair(0.2, 0.4), pair(0.4, 0.8)], {})

    assert mass.correlation == pytest.approx(1)


def test_what_is_always_the_same_has_no_kappa_and_no_correlation() -> None:
    """Where nothing varies there is nothing beyond chance."""
    (mass,) = agreements([pair(0.1, 0.2), pair(0.1, 0.2)], {})

    assert (mass.share, mass.kappa, mass.correlation) == (1, None, None)


def test_findings_of_one_model_only_are_left_out() -> None:
    """Only what both know is compared."""
    found = agreements(
        [
            ScorePair(
                instance_id=1,
                study_id=1,
                first=[score("Mass", 0.1), score("Nodule", 0.1)],
                second=[score("Nodule", 0.2)],
            )
        ],
        {},
    )

    assert [each.finding for each in found] == ["Nodule"]


def test_nothing_is_compared_of_nothing() -> None:
    """Without images there is no row."""
    assert agreements([], {}) == []


def labelled(study_id: int, *, readable: bool = True, **states: Assertion) -> StudyLabels:
    """The labels in force of a study, with one report."""
    identity = MinerIdentity(lexicon_version="1", rules_version="1", language_model="m", policy="coded")
    readability = "mined" if readable else "empty"
    mining = HeldMining(id=1, miner=identity, readability=readability, normal=False, states=states)
    report = ReportLabels(
        report_id=1,
        name=("H", "R1"),
        accession_number="",
        study_ids=(study_id,),
        mining=mining,
        gold={},
        states=states,
        normal=False,
    )
    return StudyLabels(
        study_id=study_id,
        study_instance_uid="",
        accession_number="",
        reports=(report,),
        gold={},
        states=states,
        normal=False,
    )


def test_both_beside_the_labels_by_hand() -> None:
    """Of three labelled studies the first model ranks the positive one last, the second first: AUC 0 and 1."""
    pairs = [pair(0.1, 0.9, study=1), pair(0.2, 0.8, study=2), pair(0.3, 0.7, study=3), pair(0.9, 0.1, study=4)]
    labels = {1: labelled(1, Mass=Assertion.POSITIVE), 2: labelled(2, Mass=Assertion.NEGATIVE), 3: labelled(3)}

    (mass,) = agreements(pairs, labels)

    assert mass.labels is not None
    assert (mass.labels.positives, mass.labels.negatives) == (1, 2)
    assert (mass.labels.first.value, mass.labels.second.value, mass.labels.difference.value) == (0, 1, 1)


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        (labelled(1, Mass=Assertion.POSITIVE), 1.0),
        (labelled(1, Mass=Assertion.NEGATIVE), 0.0),
        (labelled(1), 0.0),
        (labelled(1, Mass=Assertion.UNCERTAIN), None),
        (labelled(1, readable=False), None),
        (None, None),
    ],
)
def test_what_labels_say_of_a_finding(study: StudyLabels | None, expected: float | None) -> None:
    """What a mined report does not mention is not there; what is uncertain, or not mined, is not known."""
    found = label_of(study, "Mass")

    assert (None if isnan(found) else found) == expected
