"""A synthetic study's radiograph shows its findings where they are said to be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from node.rehearsal.department import ROOMS, Room, SyntheticStudy, studies
from node.rehearsal.radiograph import radiograph
from node.rehearsal.signs import FINDINGS, Side, Sign
from tests.peers.dcmtk import Tool

Pixels = npt.NDArray[np.int32]
HEALTHY = next(each for each in studies(20) if not each.signs and each.room == "DXROOM1")


def picture(study: SyntheticStudy) -> Pixels:
    """Grey values, MONOCHROME2."""
    ds = radiograph(study, pixels=192)
    pixels = ds.pixel_array.astype(np.int32)
    return 4095 - pixels if ds.PhotometricInterpretation == "MONOCHROME1" else pixels


def change(finding: str, side: Side) -> Pixels:
    """What a large sign adds to a chest without one."""
    sign = Sign(finding=finding, side=side, zone="lower", size=3, chance=5)
    return picture(replace(HEALTHY, signs=(sign,))) - picture(HEALTHY)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("finding", ["Atelectasis", "Effusion", "Mass", "Nodule", "Pneumonia", "Pneumothorax"])
def test_sign_is_in_its_lung(finding: str, side: Side) -> None:
    """The patient's left is on the right of the picture."""
    changed = np.abs(change(finding, side)) > 500
    half = changed.shape[1] // 2

    right, left = int(changed[:, :half].sum()), int(changed[:, half:].sum())

    assert (left > 5 * right) if side == "left" else (right > 5 * left)


@pytest.mark.parametrize("finding", FINDINGS)
def test_larger_sign_changes_more(finding: str) -> None:
    """Sizes differ in the picture, and even the smallest is to be seen."""
    sizes = [
        int((np.abs(picture(replace(HEALTHY, signs=(sign,))) - picture(HEALTHY)) > 250).sum())
        for size in (1, 3)
        if (sign := Sign(finding=finding, side="left", zone="lower", size=size, chance=5))
    ]

    assert 10 < sizes[0] < sizes[1]


def test_infiltrates_are_in_both_lungs() -> None:
    """They have no side."""
    changed = change("Infiltration", "left") > 100
    half = changed.shape[1] // 2

    assert min(changed[:, :half].sum(), changed[:, half:].sum()) > 200


def test_same_study_is_the_same_picture() -> None:
    """A study is drawn from its own numbers; the next study of the patient is another exposure of the same body."""
    again = replace(HEALTHY, number=HEALTHY.number + 1)

    assert np.array_equal(picture(HEALTHY), picture(HEALTHY))
    assert not np.array_equal(picture(HEALTHY), picture(again))
    assert np.corrcoef(picture(HEALTHY).ravel(), picture(again).ravel())[0, 1] > 0.98


def test_one_room_sends_inverted_values() -> None:
    """MONOCHROME1 holds the same chest."""
    usual, inverted = picture(HEALTHY), radiograph(replace(HEALTHY, room="DXROOM2"), pixels=192)

    assert inverted.PhotometricInterpretation == "MONOCHROME1"
    assert np.array_equal(4095 - inverted.pixel_array.astype(np.int32), usual)


@pytest.mark.parametrize("room", ROOMS)
def test_dciodvfy_finds_no_error(dciodvfy: Tool, tmp_path: Path, room: Room) -> None:
    """What every room sends is valid."""
    path = tmp_path / "synthetic.dcm"
    radiograph(replace(HEALTHY, room=room), pixels=64).save_as(path, enforce_file_format=True)

    output = dciodvfy(path).stdout

    assert [line for line in output.splitlines() if line.startswith(("Error", "Warning"))] == []
