"""Reading, splitting and altering the training images."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.dataset import Radiograph, augment, balanced_weights, read_table, split_by_patient


def rows(patients: list[int]) -> list[Radiograph]:
    return [
        Radiograph(
            path=Path(f"{number:05}.png"),
            patient_id=str(patient),
            collection="ab"[patient % 2],
            view=("PA", "AP")[number % 2],
            labels=(int(patient % 3 == 0), int(number % 7 == 0)),
        )
        for number, patient in enumerate(patients)
    ]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), min_size=20, max_size=200), st.integers(0, 5))
def test_no_patient_is_in_two_sets(patients, seed) -> None:
    """The sets share no patient and lose no image, and the split is the same every time."""
    table = rows(patients)

    split = split_by_patient(table, seed)

    parts = (split.train, split.validation, split.test)
    seen = [{row.patient_id for row in part} for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    assert sorted(row.path for part in parts for row in part) == sorted(row.path for row in table)
    assert split == split_by_patient(list(reversed(table)), seed)


def test_split_is_three_to_one_to_one() -> None:
    """Of a thousand patients, 600 are trained on."""
    split = split_by_patient(rows(list(range(1000))), 0)

    assert [len(part) for part in (split.train, split.validation, split.test)] == [600, 200, 200]


def test_table(tmp_path) -> None:
    """Rows without an image are left out; findings are in the order asked for."""
    (tmp_path / "labels.csv").write_text(
        "image,sources,patient_id,view,Mass,Effusion\na.png,one|two,7,PA,1,0\nb.png,one,8,AP,0,0\n"
    )
    Image.new("L", (4, 4)).save(tmp_path / "a.png")

    (row,) = read_table(tmp_path, tmp_path / "labels.csv", ["Effusion", "Mass"])

    assert (row.patient_id, row.collection, row.view, row.labels) == ("7", "one", "PA", (0, 1))


def test_balanced_weights_by_hand() -> None:
    """Four images of one view and one of the other weigh 1/2 each against 1."""
    table = rows([0] * 5)
    table = [row if i == 0 else Radiograph(**{**fields(row), "view": "AP"}) for i, row in enumerate(table)]

    assert balanced_weights(table) == pytest.approx(np.array([2, 1, 1, 1, 1]) / 6)


def fields(row: Radiograph) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__slots__}


def test_altered_copies() -> None:
    """An altered copy has the same size and kind, differs, and is the same again for the same seed."""
    image = np.tile(np.arange(128, dtype=np.uint8), (96, 1))

    copies = [augment(image, np.random.default_rng(seed)) for seed in (1, 2, 1)]

    assert all(copy.shape == image.shape and copy.dtype == np.uint8 for copy in copies)
    assert not np.array_equal(copies[0], image)
    assert not np.array_equal(copies[0], copies[1])
    assert np.array_equal(copies[0], copies[2])
