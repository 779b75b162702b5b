"""Scores of a snapshot's test images: each image is read once, and only if it is what it was."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from db.vocabulary import Split
from node.demonstration import phantom
from tests.testset import FINDINGS, item, rows, write_model, write_snapshot
from training.scores import ScoresError, content_sha256, frozen_items, logits
from training.snapshot import Item, Snapshot


class Counted:
    """Counts the images that are read, and may stop."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.read: list[str] = []
        self._stop_after = stop_after

    def __call__(self, items: Sequence[Item]):
        """Count."""
        for one in items:
            if len(self.read) == self._stop_after:
                raise KeyboardInterrupt
            self.read.append(one.image)
            yield one


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Four test images."""
    return write_snapshot(tmp_path / "set", rows(4))


def test_second_asking_reads_nothing(snapshot: Snapshot, tmp_path: Path) -> None:
    """What a model said of a snapshot is kept, exactly."""
    model, first, second = write_model(tmp_path / "m", version="m", skill=1), Counted(), Counted()

    (before,) = logits([model], snapshot, tmp_path / "scores", first)
    (after,) = logits([model], snapshot, tmp_path / "scores", second)

    assert before.shape == (4, len(FINDINGS))
    assert np.array_equal(before, after)
    assert (len(first.read), second.read) == (4, [])


def test_another_model_reads_by_itself(snapshot: Snapshot, tmp_path: Path) -> None:
    """The scores of one model are never taken for another's."""
    one, other = (write_model(tmp_path / name, version=name, skill=skill) for name, skill in (("a", 1), ("b", -1)))

    (first,) = logits([one], snapshot, tmp_path / "scores", list)
    before, after = logits([one, other], snapshot, tmp_path / "scores", list)

    assert np.array_equal(before, first)
    assert np.allclose(after, -before, atol=1e-5)


def test_asking_goes_on_where_it_was_stopped(snapshot: Snapshot, tmp_path: Path) -> None:
    """What was read before an interruption is not read again, and half a line is none."""
    model = write_model(tmp_path / "m", version="m", skill=1)
    (whole,) = logits([model], snapshot, tmp_path / "whole", list)
    with pytest.raises(KeyboardInterrupt):
        logits([model], snapshot, tmp_path / "scores", Counted(stop_after=3))
    (file,) = (tmp_path / "scores").iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    rest = Counted()

    (scores,) = logits([model], snapshot, tmp_path / "scores", rest)

    assert rest.read == ["0002.png", "0003.png"]
    assert np.array_equal(scores, whole)


def test_altered_image_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    """The test patients are frozen: another picture under the name of one is not compared on."""
    image = snapshot.images / "0002.png"
    image.write_bytes(image.read_bytes() + b" ")

    with pytest.raises(ScoresError, match=r"0002\.png is not the image it was"):
        logits([write_model(tmp_path / "m", version="m", skill=1)], snapshot, tmp_path / "scores", list)


def test_missing_image_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    """Labels without an image stop the comparison, with the name of the file."""
    (snapshot.images / "0001.png").unlink()

    with pytest.raises(ScoresError, match=r"0001\.png cannot be read"):
        logits([write_model(tmp_path / "m", version="m", skill=1)], snapshot, tmp_path / "scores", list)


def test_image_that_is_none_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    """A file that does not decode stops the comparison, with its reason."""
    (snapshot.images / "0000.png").write_bytes(b"text")
    broken = replace(snapshot.items[0], sha256=hashlib.sha256(b"text").hexdigest())
    snapshot = replace(snapshot, items=(broken, *snapshot.items[1:]))

    with pytest.raises(ScoresError, match="neither DICOM, PNG nor JPEG"):
        logits([write_model(tmp_path / "m", version="m", skill=1)], snapshot, tmp_path / "scores", list)


def test_only_test_patients_without_an_earlier_result_are_compared_on(snapshot: Snapshot) -> None:
    """A report that may repeat the current model's result does not speak for it."""
    extra = (
        item("train.png", "0" * 64, (1, 1), patient="x", split=Split.TRAIN),
        item("late.png", "0" * 64, (1, 1), patient="y", late=True),
    )

    assert frozen_items(replace(snapshot, items=(*extra, *snapshot.items))) == snapshot.items


def test_hash_of_a_dicom_file_is_that_of_its_data_set(tmp_path: Path) -> None:
    """Preamble and file meta information are the writer's own; the hash is of what was received."""
    ds = phantom.dataset(rows=64, columns=64)
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    ds.file_meta.ImplementationVersionName = "ANOTHER"
    ds.save_as(tmp_path / "two.dcm", enforce_file_format=True, overwrite=True)

    assert (tmp_path / "one.dcm").read_bytes() != (tmp_path / "two.dcm").read_bytes()
    assert content_sha256(tmp_path / "one.dcm") == content_sha256(tmp_path / "two.dcm")


def test_many_images_are_decoded_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ahead of the model, in their order: the scores are those of one decoder, and a missing image is still named."""
    snapshot = write_snapshot(tmp_path / "set", rows(20))
    model = write_model(tmp_path / "m", version="m", skill=1)
    monkeypatch.setattr("training.scores.FEW", 100)
    (alone,) = logits([model], snapshot, tmp_path / "alone", list)
    monkeypatch.undo()

    (together,) = logits([model], snapshot, tmp_path / "together", list)

    assert np.array_equal(alone, together)
    (snapshot.images / "0017.png").unlink()
    with pytest.raises(ScoresError, match=r"0017\.png cannot be read"):
        logits([model], snapshot, tmp_path / "again", list)
