"""What an exported graph's maps are worth, by hand."""

import numpy as np

from inference.card import FindingBoxes
from training.localization import TrueBox
from training.measure import Reading, boxes
from training.snapshot import Item, Snapshot
from training.snapshot import Split as Parts

HOT = (3, 3)
"""The cell of an 8 x 8 map that alone is hot."""


def read(image: str, *, place: tuple[int, int] = HOT) -> tuple[Item, np.ndarray]:
    """An image, and maps of two findings that are hot in one cell."""
    maps = np.zeros((2, 8, 8), np.float32)
    maps[:, *place] = 10
    item = Item(
        image=image,
        sha256="",
        instance_id=None,
        study_id=None,
        patient=image,
        view="PA",
        source="drawn",
        split=Parts.TEST,
        labels=(1.0, 0.0),
        provenance="gold",
        after_result=False,
    )
    return item, maps


def test_table_4_by_hand() -> None:
    """Of two images one has its hot place in the radiologist's box.

    Each has two boxes, at the levels 60 and 180: half of the images are met, and two boxes on two images are false.
    """
    there, away = read("there.png"), read("away.png", place=(7, 7))
    half = {"finding": "Mass", "x": 0.2, "y": 0.2, "width": 0.5, "height": 0.5}
    true = {item.image: (TrueBox(image=item.image, **half),) for item, _ in (there, away)}
    snapshot = Snapshot(created=None, findings=("Mass", "Edema"), images=None, items=(), boxes=true)  # type: ignore[arg-type]
    reading = Reading(
        items=(there[0], away[0]),
        strata=("drawn PA",) * 2,
        labels=np.zeros((2, 2)),
        logits=np.zeros((2, 2)),
        cams={item.image: maps for item, maps in (there, away)},
        grid=8,
    )

    found = boxes([reading], snapshot.findings, snapshot)

    first = FindingBoxes(finding="Mass", measure="IoBB", level=0.1, images=2, accuracy=0.5, false_positives=1.0)
    assert {each.finding for each in found} == {"Mass"}  # nobody drew an edema
    assert found[0] == first
    assert {(each.measure, each.level) for each in found} >= {("IoBB", 0.9), ("IoU", 0.7)}
    assert boxes([reading], snapshot.findings, Snapshot(created=None, findings=(), images=None, items=())) == ()  # type: ignore[arg-type]
