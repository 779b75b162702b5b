"""A model on the test patients of a snapshot, by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from db.vocabulary import Split
from tests.testset import FINDINGS, rows, write_model, write_snapshot
from training import roc_figure, snapshot
from training.appraisal import AppraisalError, appraise
from training.localization import TrueBox
from training.target import Target

HALF = TrueBox(image="", finding="Effusion", x=0.0, y=0.0, width=0.5, height=1.0)


@pytest.fixture
def appraisal(tmp_path):
    """A model that sees what is there, on eight patients, two of them with a radiologist's box."""
    written = write_snapshot(tmp_path, rows(8))
    boxes = {item.image: (replace(HALF, image=item.image),) for item in written.items[:2]}
    written = snapshot.write(tmp_path / "boxed", replace(written, boxes=boxes))
    model = write_model(tmp_path / "model", version="good-1", skill=1)
    return appraise(model, written, folder=tmp_path / "scores", track=iter)


def test_a_model_that_sees_what_is_there(appraisal) -> None:
    """Every pair is won; four patients have each finding and four have not."""
    assert (appraisal.images, appraisal.patients, appraisal.mean) == (8, 8, 1.0)
    assert [(row.finding, row.positives, row.negatives) for row in appraisal.rows] == [
        (name, 4, 4) for name in FINDINGS
    ]
    assert appraisal.by_view == {"PA": 1.0}
    assert appraisal.by_source == {"made up": 1.0}
    assert appraisal.curves["Mass"].true_positive_rate[-1] == 1


def test_operating_points_are_what_they_reach(appraisal) -> None:
    """The point's probability is the card's; what is called present is counted on the test patients."""
    for point in appraisal.points:
        assert point.probability == 0.5
        assert 0 <= point.sensitivity.low <= point.sensitivity.value <= 1


def test_probabilities_beside_what_is_true(appraisal) -> None:
    """Four of eight have a finding; without knowledge the Brier score would be a quarter."""
    assert appraisal.chosen_for == "the model's card"
    for row in appraisal.calibration:
        assert row.observed.value == 0.5
        assert row.brier_of_share == 0.25
        assert 0 < row.brier < 0.25
        assert 0 < row.predicted < 1


@pytest.mark.parametrize("measure", ["sensitivity", "specificity"])
def test_operating_points_for_a_target(tmp_path, measure) -> None:
    """They are chosen on validation patients, and keep the target there; the test patients say what that is worth."""
    written = write_snapshot(tmp_path, rows(16))
    items = [replace(one, split=Split.VALIDATION) if place < 8 else one for place, one in enumerate(written.items)]
    written = snapshot.write(tmp_path / "split", replace(written, items=tuple(items)))
    model = write_model(tmp_path / "model", version="good-1", skill=1)
    target = Target(measure=measure, value=0.75)

    found = appraise(model, written, folder=tmp_path / "scores", track=iter, target=target)

    assert found.chosen_for == f"{measure} 0.75 on 8 validation images"
    assert found.images == 8
    for point in found.points:
        assert point.probability != 0.5
        assert getattr(point, measure).value >= 0.5


def test_target_without_validation_patients(tmp_path) -> None:
    """There is nothing to choose on, and the sentence says what to leave away."""
    written = write_snapshot(tmp_path, rows(4))
    model = write_model(tmp_path / "model", version="good-1", skill=1)

    with pytest.raises(AppraisalError, match="no validation image with, or none without, Effusion"):
        appraise(
            model,
            written,
            folder=tmp_path / "scores",
            track=iter,
            target=Target(measure="sensitivity", value=0.8),
        )


def test_boxes_are_measured_gated_and_not(appraisal) -> None:
    """Five levels of IoBB and seven of IoU, twice; only the finding that has true boxes has cells."""
    assert appraisal.images_with_boxes == 2
    assert len(appraisal.overlaps) == 2 * (5 + 7)
    assert {cell.finding for each in appraisal.overlaps for cell in each.cells} == {"Effusion"}
    assert {cell.total for each in appraisal.overlaps for cell in each.cells} == {2}
    assert appraisal.pointed["Effusion"][1] == 2


def test_boxes_of_training_images_are_not_measured(tmp_path) -> None:
    """What a model learnt from says nothing of where it looks."""
    written = write_snapshot(tmp_path, rows(6))
    first, *others = written.items
    items = (replace(first, split=Split.TRAIN), *others)
    boxes = {first.image: (replace(HALF, image=first.image),)}
    written = snapshot.write(tmp_path / "boxed", replace(written, items=items, boxes=boxes))
    model = write_model(tmp_path / "model", version="good-1", skill=1)

    found = appraise(model, written, folder=tmp_path / "scores", track=iter)

    assert (found.images, found.images_with_boxes, found.overlaps) == (5, 0, ())


@pytest.mark.parametrize("labels", [[(1.0, 1.0)], [(0.0, 1.0)] * 3, [(float("nan"), 1.0)] * 2], ids=str)
def test_patients_who_cannot_be_told_apart(tmp_path, labels) -> None:
    """One patient, or a finding that nobody or everybody has, or of which nothing is known: no AUC, and no fault."""
    written = write_snapshot(tmp_path, labels)
    model = write_model(tmp_path / "model", version="good-1", skill=1)

    found = appraise(model, written, folder=tmp_path / "scores", track=iter)

    assert found.mean is None
    assert [row.ours for row in found.rows] == [None, None]
    assert found.curves == {}
    assert len(found.calibration) == (1 if np.isnan(labels[0][0]) else 2)


def test_a_snapshot_of_other_findings(tmp_path) -> None:
    """Nothing to measure is said in a sentence."""
    written = write_snapshot(tmp_path, rows(4), findings=("Hernia", "Edema"))
    model = write_model(tmp_path / "model", version="good-1", skill=1)

    with pytest.raises(AppraisalError, match="another snapshot"):
        appraise(model, written, folder=tmp_path / "scores", track=iter)


def test_roc_figure(appraisal, tmp_path) -> None:
    """A panel for each finding with its AUC; the same numbers give the same bytes."""
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg", "one.png", "two.png"):
        roc_figure.draw(appraisal, tmp_path / name)

    texts = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "one.svg").read_text("utf-8"))
    assert {"Effusion", "Mass"} <= set(texts)
    assert any("AUC 1.000" in text for text in texts)
    assert "good-1: 8 test images of 8 patients, mean AUC 1.000" in texts
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert np.asarray(image.convert("L")).max() == 255
