"""A snapshot is written whole, read back the same, and never taken when it was changed."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from training.localization import TrueBox
from training.snapshot import Item, Snapshot, SnapshotError, Split, read, sealed, write

CREATED = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)


def an_item(number: int, **values: object) -> Item:
    """One image of patient `p<number>`."""
    return Item(
        **{
            "image": f"2025/03/01/{number}.dcm",
            "sha256": f"{number:064x}",
            "instance_id": number,
            "study_id": number,
            "patient": f"{number:032x}",
            "view": "PA",
            "source": "CR1",
            "split": Split.TRAIN,
            "labels": (1.0, 0.0),
            "provenance": "mined 1/1 coded",
            "after_result": False,
        }
        | values
    )


def a_snapshot(data: Path) -> Snapshot:
    """Two images, one with a box, one with an uncertain label."""
    box = TrueBox(image="2025/03/01/1.dcm", finding="Mass", x=0.1, y=0.2, width=0.3, height=0.4)
    return Snapshot(
        created=CREATED,
        findings=("Effusion", "Mass"),
        images=data / "store",
        items=(
            an_item(1),
            an_item(2, split=Split.TEST, labels=(math.nan, 1.0), instance_id=None, study_id=None, after_result=True),
        ),
        boxes={"2025/03/01/1.dcm": (box,)},
        about={"policy": "coded"},
    )


def test_written_and_read(tmp_path: Path) -> None:
    """What is read is what was written, uncertain labels included."""
    written = write(tmp_path / "snapshots" / "a", a_snapshot(tmp_path))

    found = read(tmp_path / "snapshots" / "a")

    assert repr(found) == repr(written)  # NaN is not equal to itself
    assert len(found.sha256) == 64
    assert found.images == tmp_path / "store"


def test_same_content_same_hash(tmp_path: Path) -> None:
    """Neither the time nor the place makes another snapshot; a label does."""
    first = sealed(a_snapshot(tmp_path))

    later = sealed(replace(a_snapshot(tmp_path / "elsewhere"), created=datetime(2026, 1, 1, tzinfo=UTC)))
    other = sealed(replace(first, items=(an_item(1, labels=(1.0, 1.0)), *first.items[1:])))

    assert later.sha256 == first.sha256
    assert other.sha256 != first.sha256


def test_moved_with_its_images(tmp_path: Path) -> None:
    """A data folder that moves takes its snapshots and their images along."""
    write(tmp_path / "old" / "snapshots" / "a", a_snapshot(tmp_path / "old"))

    (tmp_path / "old").rename(tmp_path / "new")

    assert read(tmp_path / "new" / "snapshots" / "a").images.resolve() == (tmp_path / "new" / "store").resolve()


def test_images_elsewhere_keep_their_place(tmp_path: Path) -> None:
    """Images outside of the data folder are found where they are."""
    write(tmp_path / "data" / "snapshots" / "a", a_snapshot(tmp_path / "archive"))

    assert read(tmp_path / "data" / "snapshots" / "a").images == tmp_path / "archive" / "store"


def test_written_again(tmp_path: Path) -> None:
    """The same again changes nothing, and another one is refused; nothing is left beside."""
    first = write(tmp_path / "a", a_snapshot(tmp_path))
    again = write(tmp_path / "a", replace(a_snapshot(tmp_path), created=datetime(2026, 1, 1, tzinfo=UTC)))

    assert again.created == first.created
    with pytest.raises(SnapshotError, match="never changed"):
        write(tmp_path / "a", replace(a_snapshot(tmp_path), about={}))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("file", ["manifest.csv", "snapshot.json"])
def test_altered(tmp_path: Path, file: str) -> None:
    """A label or a policy that was changed by hand is noticed."""
    write(tmp_path / "a", a_snapshot(tmp_path))
    path = tmp_path / "a" / file
    path.chmod(0o600)
    path.write_text(path.read_text().replace("coded", "strict"))

    with pytest.raises(SnapshotError, match="changed after it was written"):
        read(tmp_path / "a")


@pytest.mark.parametrize("missing", ["manifest.csv", "snapshot.json"])
def test_not_whole(tmp_path: Path, missing: str) -> None:
    """A folder without one of its files is no snapshot."""
    write(tmp_path / "a", a_snapshot(tmp_path))
    (tmp_path / "a" / missing).unlink()

    with pytest.raises(SnapshotError, match="is no snapshot"):
        read(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "\udcff"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    """Anything else under the name of a snapshot is refused with a sentence."""
    write(tmp_path / "a", a_snapshot(tmp_path))
    path = tmp_path / "a" / "snapshot.json"
    path.chmod(0o600)
    path.write_text(text, errors="surrogateescape")

    with pytest.raises(SnapshotError):
        read(tmp_path / "a")


def test_of_another_version(tmp_path: Path) -> None:
    """A format that this version does not know is not guessed at."""
    write(tmp_path / "a", a_snapshot(tmp_path))
    path = tmp_path / "a" / "snapshot.json"
    path.chmod(0o600)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))

    with pytest.raises(SnapshotError):
        read(tmp_path / "a")


@pytest.mark.parametrize("image", ["/etc/passwd", "../../secret.dcm"])
def test_image_outside(tmp_path: Path, image: str) -> None:
    """No row of a snapshot leads out of the folder of images."""
    write(tmp_path / "a", replace(a_snapshot(tmp_path), items=(an_item(1, image=image),)))

    with pytest.raises(SnapshotError):
        read(tmp_path / "a")


def test_killed_while_writing(tmp_path: Path) -> None:
    """What a killed process left beside is not a snapshot, and is not in the way."""
    (tmp_path / ".a.0123").mkdir()

    write(tmp_path / "a", a_snapshot(tmp_path))

    assert read(tmp_path / "a").findings == ("Effusion", "Mass")
