"""What a person sees before a promotion, and which candidates are worse."""

from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from tests.testset import rows, write_model, write_snapshot
from training.promote import MARGIN, Comparison, PromotionError, compare
from training.roc import Interval
from training.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Twenty test patients, one of them with an uncertain label."""
    labels = rows(20)
    labels[3] = (1.0, nan)
    return write_snapshot(tmp_path_factory.mktemp("set") / "set", labels)


def compared(snapshot: Snapshot, folder: Path, current: float, candidate: float, **more) -> Comparison:
    """Two models of these skills."""
    before = write_model(folder / "before", version="before", skill=current)
    after = write_model(folder / "after", version="after", skill=candidate, **more)
    return compare(before, after, snapshot, folder=folder / "scores", track=list)


def test_better_candidate_has_no_objection(snapshot: Snapshot, tmp_path: Path) -> None:
    """Each finding and the mean are shown for both models, with the difference and its interval."""
    found = compared(snapshot, tmp_path, current=-1, candidate=1)

    effusion, mass = found.findings
    assert (effusion.positives, effusion.negatives, mass.positives, mass.negatives) == (10, 10, 9, 10)
    assert (found.current_mean, found.candidate_mean) == (0, 1)
    assert (effusion.difference.value, found.difference.value) == (1, 1)
    assert (found.images, found.patients, found.snapshot) == (20, 20, snapshot.sha256)
    assert found.objections == ()


def test_worse_candidate_is_objected_to(snapshot: Snapshot, tmp_path: Path) -> None:
    """A difference whose interval lies below 0 is an objection."""
    found = compared(snapshot, tmp_path, current=1, candidate=-1)

    assert found.difference.high < 0
    assert len(found.objections) == 1
    assert "below 0" in found.objections[0]


def test_same_model_again_is_not_worse(snapshot: Snapshot, tmp_path: Path) -> None:
    """A candidate that says the same differs by nothing and may be promoted."""
    found = compared(snapshot, tmp_path, current=1, candidate=1)

    assert (found.difference.value, found.objections) == (0, ())


def test_lower_mean_is_objected_to_however_wide_the_interval(snapshot: Snapshot, tmp_path: Path) -> None:
    """On few patients nothing is certain; a mean that is lower by more than the margin is refused all the same."""
    found = compared(snapshot, tmp_path, current=1, candidate=1)

    lower = replace(found, difference=Interval(value=-MARGIN - 0.001, low=-0.3, high=0.2))
    little = replace(found, difference=Interval(value=-MARGIN + 0.001, low=-0.3, high=0.2))

    assert len(lower.objections) == 1
    assert little.objections == ()


def test_lost_finding_is_objected_to(snapshot: Snapshot, tmp_path: Path) -> None:
    """A model that no longer knows a finding is worse, whatever its AUC; a new finding is told."""
    found = compared(snapshot, tmp_path, current=-1, candidate=1, findings=("Hernia", "Effusion"))

    assert [each.finding for each in found.findings] == ["Effusion"]
    assert (found.lost, found.gained) == (("Mass",), ("Hernia",))
    assert found.objections == ("It does not know Mass, which the current model knows.",)


def test_model_of_unknown_patients_is_named(snapshot: Snapshot, tmp_path: Path) -> None:
    """A card without a snapshot does not say whom the model learnt from: it may be these very patients."""
    before, after = (write_model(tmp_path / version, version=version, skill=1) for version in ("before", "after"))
    data = after.card.data.model_copy(update={"snapshot": snapshot.sha256})
    after = replace(after, card=after.card.model_copy(update={"data": data}))

    found = compare(before, after, snapshot, folder=tmp_path / "scores", track=list)

    assert found.untraced == ("before",)


def test_snapshot_of_another_node_traces_nobody(snapshot: Snapshot, tmp_path: Path) -> None:
    """A card that names a snapshot of elsewhere says no more; another snapshot of this node does."""
    before, after = (write_model(tmp_path / version, version=version, skill=1) for version in ("before", "after"))
    data = after.card.data.model_copy(update={"snapshot": "e" * 64})
    after = replace(after, card=after.card.model_copy(update={"data": data}))

    elsewhere = compare(before, after, snapshot, folder=tmp_path / "scores", track=list)
    here = compare(before, after, snapshot, folder=tmp_path / "scores", track=list, known=["e" * 64])

    assert (elsewhere.untraced, here.untraced) == (("before", "after"), ("before",))


def test_calls_at_the_operating_points_are_shown(snapshot: Snapshot, tmp_path: Path) -> None:
    """Two models with the same AUC may call differently; both numbers are there."""
    found = compared(snapshot, tmp_path, current=1, candidate=1)

    standing = found.findings[0].current
    assert 0 <= standing.sensitivity <= 1
    assert 0 <= standing.specificity <= 1


@pytest.mark.parametrize("labels", [[], [(1.0, 1.0)] * 4, [(nan, nan)] * 4])
def test_snapshot_on_which_nothing_can_be_compared_is_refused(labels, tmp_path: Path) -> None:
    """Without positives and negatives among the test patients there is no AUC, and the sentence says so."""
    poor = write_snapshot(tmp_path / "set", labels)

    with pytest.raises(PromotionError, match="compare on a larger snapshot"):
        compared(poor, tmp_path, current=1, candidate=1)
