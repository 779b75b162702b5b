"""Many image files, read in their order."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db.vocabulary import Reason
from inference import archive, image_file
from inference.bundle import write
from inference.classifier import Classifier
from inference.policy import Policy
from tests.inference import tasks

POLICY = Policy(accept_unknown_view=True, accept_unknown_body_part=True)


@pytest.fixture
def classifier(tmp_path: Path, card, graph) -> Classifier:
    return Classifier(write(tmp_path / "model", card, {"model.onnx": graph}), threads=1)


@pytest.fixture
def files(tmp_path: Path, radiograph) -> list[Path]:
    """Twelve images, DICOM and PNG by turns, and a letter in their midst."""
    folder = tmp_path / "images"
    folder.mkdir()
    paths = []
    for number in range(12):
        pixels = np.full((50 + number, 40), 20 * number, dtype=np.uint16)
        pixels[:, number:] += 15
        path = folder / f"{number}.{'dcm' if number % 2 else 'png'}"
        if number % 2:
            radiograph(pixels).save_as(path, enforce_file_format=True)
        else:
            Image.fromarray(pixels.astype(np.uint8)).save(path)
        paths.append(path)
    letter = folder / "letter.txt"
    letter.write_text("Dear colleague")
    return [*paths[:5], letter, *paths[5:]]


@pytest.mark.parametrize("processes", [0, 2])
def test_files_are_read_as_each_alone(classifier, files, processes) -> None:
    """Whoever decodes them: the same predictions, in the order of the files, and the letter's reason at its place."""
    outcomes = list(archive.read(files, classifier, POLICY, processes=processes, side_by_side=2, show=True))

    assert [outcome.path for outcome in outcomes] == files
    assert [str(outcome.error.reason) for outcome in outcomes if outcome.error] == ["not_image"]
    for outcome in outcomes:
        if outcome.prediction is None:
            assert outcome.path.name == "letter.txt"
            continue
        image = image_file.read(outcome.path, POLICY)
        alone = classifier(image)
        assert outcome.prediction.scores == alone.scores
        assert np.array_equal(outcome.prediction.cam, alone.cam)
        assert (outcome.prediction.rows, outcome.prediction.columns) == (image.rows, image.columns)
        assert outcome.display is not None
        assert np.array_equal(outcome.display, image.display())


def test_a_file_that_kills_a_decoder_costs_itself(classifier, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a reason like any other that cannot be decoded, and the others are read."""
    poison = files[0].with_name("poison.png")
    files.insert(3, poison)
    monkeypatch.setattr(archive, "decode", tasks.decode_or_die)

    outcomes = list(archive.read(files, classifier, POLICY, processes=2))

    assert [outcome.path for outcome in outcomes] == files
    assert outcomes[3].error is not None
    assert outcomes[3].error.reason is Reason.UNDECODABLE
    assert outcomes[3].error.detail == "The process that decoded the file died."
    assert sum(outcome.prediction is not None for outcome in outcomes) == 12


def test_only_what_the_network_sees_is_sent(files) -> None:
    """An image's pixels stay where they were decoded."""
    decoded = archive.decode(archive.Task(path=files[1], size=32, policy=POLICY, show=False))

    assert isinstance(decoded, archive.Decoded)
    assert decoded.grey.shape == (32, 32)
    assert (decoded.rows, decoded.columns, decoded.display) == (51, 40, None)


def test_who_stops_asking_ends_it(classifier, files) -> None:
    """What was begun ahead is given up."""
    outcomes = archive.read(files * 50, classifier, POLICY, processes=1)

    next(outcomes)
    outcomes.close()

    assert list(outcomes) == []
