"""What cannot be trained is refused before anything is done."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

from tests.training.test_dataset import ITEM
from training.errors import TrainingError
from training.refusal import refuse
from training.snapshot import Item, Split

GOOD = [
    replace(
        ITEM,
        image=f"{split}{number}",
        patient=f"{number}{split}",
        split=split,
        labels=(float(number % 2), float(number // 2 % 2)),
    )
    for split in Split
    for number in range(4)
]


def altered(split: Split, **changes: object) -> list[Item]:
    return [replace(item, **changes) if item.split is split else item for item in GOOD]


def test_good_one_passes() -> None:
    """Every finding with and without in every set."""
    refuse(GOOD, ("Effusion", "Mass"))


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([], "0 patient"),
        ([replace(item, patient="one") for item in GOOD], "1 patient"),
        (GOOD[:8], "test set is empty"),
        (altered(Split.TRAIN, labels=(0.0, 0.0)), "train set has no image with Effusion, Mass"),
        (altered(Split.TEST, labels=(1.0, float("nan"))), "test set has no image with Mass;.* --without Mass"),
        (altered(Split.VALIDATION, labels=(1.0, 1.0)), "validation set has no image known to be without Effusion"),
    ],
)
def test_what_is_missing_is_said(items: list[Item], sentence: str) -> None:
    """No patients, one, no test set, findings that nobody or everybody has."""
    with pytest.raises(TrainingError, match=sentence):
        refuse(items, ("Effusion", "Mass"))


def test_validation_that_compares_nothing_is_refused() -> None:
    """If every finding goes with one view, no fair comparison is left to choose by."""
    items = [replace(item, view="AP" if item.labels[0] else "PA", labels=(item.labels[0],)) for item in GOOD]

    with pytest.raises(TrainingError, match="no two images of the validation set"):
        refuse(items, ("Effusion",))
