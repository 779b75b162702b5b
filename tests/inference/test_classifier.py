"""From an image to findings with boxes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from inference.boxes import paper
from inference.bundle import STARTER, load, write
from inference.classifier import Classifier
from inference.errors import BundleError
from inference.image import Image
from inference.image_file import read
from inference.policy import Policy


@pytest.fixture
def bundle(tmp_path, card, graph):
    return write(tmp_path / "model", card, {"model.onnx": graph})


def test_by_hand(bundle) -> None:
    """White is 1 in the network's eyes: the logits are 4 and -4, the probabilities 0.982 and 0.018."""
    prediction = Classifier(bundle)(Image.windowed(np.full((60, 40), 255, dtype=np.uint8)))

    assert prediction.model_version == "test-1"
    assert (prediction.rows, prediction.columns) == (60, 40)
    assert [score.finding for score in prediction.scores] == ["Effusion", "Mass"]
    assert [round(score.probability, 3) for score in prediction.scores] == [0.982, 0.018]
    assert [score.present for score in prediction.scores] == [True, False]
    assert prediction.cam.shape == (2, 4, 4)
    assert prediction.cam.dtype == np.float32


def test_boxes_only_where_present(bundle) -> None:
    """A bright right side: boxes at both thresholds for the finding that is present, none for the other."""
    image = np.full((400, 400), 40, dtype=np.uint8)
    image[:, 100:] = 255

    present, other = Classifier(bundle)(Image.windowed(image)).scores

    assert {box.threshold for box in present.boxes} == {60, 180}
    assert all(box.x + box.width == 400 and box.height == 400 for box in present.boxes)
    assert other.boxes == ()


def test_calibration(tmp_path, card, graph) -> None:
    """The card's scale and offset act on the logit: 0.5 * 4 - 2 = 0 is a probability of one half."""
    calibration = card.calibration.model_copy(update={"scale": (0.5, 1.0), "offset": (-2.0, 0.0)})
    bundle = write(tmp_path / "model", card.model_copy(update={"calibration": calibration}), {"model.onnx": graph})

    scores = Classifier(bundle)(Image.windowed(np.full((32, 32), 255, dtype=np.uint8))).scores

    assert scores[0].probability == pytest.approx(0.5, abs=1e-6)


def test_threads_share_one_session(bundle) -> None:
    """Eight threads at once get what one gets alone."""
    classifier = Classifier(bundle, threads=1)
    images = [Image.windowed(np.full((50, 50), level, dtype=np.uint8)) for level in range(0, 256, 16)]
    alone = [classifier(image).scores for image in images]

    with ThreadPoolExecutor(8) as pool:
        together = [prediction.scores for prediction in pool.map(classifier, images)]

    assert together == alone


def test_a_graph_that_is_none(tmp_path, card) -> None:
    """Rubbish with the right hash is still refused, in words."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"rubbish"})

    with pytest.raises(BundleError, match="not an ONNX file"):
        Classifier(bundle)


def test_a_graph_of_another_size(tmp_path, card, graph) -> None:
    """A graph that does not fit its card is refused."""
    preprocessing = card.preprocessing.model_copy(update={"size": 64})
    bundle = write(tmp_path / "model", card.model_copy(update={"preprocessing": preprocessing}), {"model.onnx": graph})

    with pytest.raises(BundleError, match="input"):
        Classifier(bundle)


def test_the_starter_reads_real_radiographs(shared_data) -> None:
    """The shipped model gives eight findings, image by image, and gated boxes inside the image."""
    classifier = Classifier(load(STARTER))
    policy = Policy(accept_unknown_view=True, accept_unknown_body_part=True)
    predictions = [classifier(read(path, policy)) for path in sorted((shared_data / "dicom" / "real_cxr").iterdir())]

    assert len({tuple(score.probability for score in p.scores) for p in predictions}) >= 6
    for prediction in predictions:
        assert len(prediction.scores) == 8
        assert all(bool(score.boxes) == score.present for score in prediction.scores)
        boxes = [box for score in prediction.scores for box in score.boxes]
        assert all(box.x + box.width <= prediction.columns for box in boxes)
        assert all(box.y + box.height <= prediction.rows for box in boxes)


def test_gated_boxes_are_the_papers(bundle) -> None:
    """What the node serves are the paper's boxes, behind the gate."""
    image = np.zeros((64, 96), dtype=np.uint8)
    image[:, 20:] = 255

    prediction = Classifier(bundle)(Image.windowed(image))

    assert prediction.scores[0].boxes == paper(prediction.cam[0], 64, 96)
