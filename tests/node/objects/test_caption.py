"""The caption: where it is and what it says."""

import dataclasses

import pytest
from PIL import Image, ImageDraw

from inference.prediction import Box, FindingScore, Prediction
from node.objects.caption import NOTHING, box_label, draw_caption
from node.objects.lettering import font, shortened


@pytest.fixture
def drawn(monkeypatch):
    """Every text that is drawn, with the columns it covers."""
    texts = []
    original = ImageDraw.ImageDraw.text

    def spy(self, xy, text, *args, **kwargs):
        texts.append((text, xy[0], xy[0] + kwargs["font"].getlength(text)))
        return original(self, xy, text, *args, **kwargs)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    return texts


@pytest.mark.parametrize("size", [(512, 512), (2048, 2500), (2500, 2000), (300, 900), (169, 211)])
@pytest.mark.parametrize("present", [(), ("Mass",), ("Cardiomegaly", "Effusion", "Nodule")])
def test_no_text_leaves_the_picture(make_reading, drawn, size, present):
    """Whatever the size, each text is whole."""
    width, height = size
    reading = make_reading(present=present, size=(height, width))

    draw_caption(Image.new("RGB", size), reading.prediction)

    assert drawn
    assert all(left >= 0 and right <= width + 0.5 for _, left, right in drawn)


def test_it_warns_and_names_the_model(make_reading, drawn):
    """Not for diagnosis, which model, and each finding with its probability."""
    draw_caption(Image.new("RGB", (700, 800)), make_reading(size=(800, 700)).prediction)

    texts = [text for text, _, _ in drawn]
    assert "AI result - not for diagnosis" in texts
    assert "Model m1" in texts
    assert "2 findings above threshold" in texts
    assert {"Cardiomegaly", "85%", "Pleural effusion", "8%"} <= set(texts)


def test_it_never_says_normal(make_reading, drawn):
    """Nothing above threshold is said in just these words."""
    draw_caption(Image.new("RGB", (700, 800)), make_reading(present=(), size=(800, 700)).prediction)

    texts = [text for text, _, _ in drawn]
    assert NOTHING == "No finding above threshold"
    assert NOTHING in texts
    assert not any("normal" in text.lower() for text in texts)


def test_a_long_model_version_is_cut(make_reading, drawn):
    """A model version of any length stays in the picture."""
    prediction = dataclasses.replace(make_reading(size=(512, 512)).prediction, model_version="v" * 64)

    draw_caption(Image.new("RGB", (512, 512)), prediction)

    assert all(right <= 512.5 for _, _, right in drawn)


@pytest.mark.parametrize(("y", "top"), [(10, False), (900, True)])
def test_it_goes_where_it_covers_fewer_boxes(y, top):
    """A box at the bottom sends the caption to the top."""
    box = Box(x=100, y=y, width=90, height=90, threshold=180)
    score = FindingScore(finding="Mass", probability=0.9, operating_point=0.5, boxes=(box,))
    prediction = Prediction(model_version="m1", rows=1000, columns=800, scores=(score,), cam=None)

    strip = draw_caption(Image.new("RGB", (800, 1000)), prediction)

    assert (strip.top == 0) is top


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1.0, "100%")]
)
def test_probability_is_not_rounded_to_certainty(probability, text):
    """Only 0 and 1 themselves are shown as 0% and 100%."""
    score = FindingScore(finding="Mass", probability=probability, operating_point=0.5)

    assert box_label(score) == f"Mass {text}"


def test_shortened_text_fits():
    """A text is cut to its room and marked as cut; without room nothing is left."""
    letters = font(20)

    assert shortened(letters, "Atelectasis", 500) == "Atelectasis"
    assert shortened(letters, "Atelectasis", 70).endswith("...")
    assert letters.getlength(shortened(letters, "Atelectasis", 70)) <= 70
    assert shortened(letters, "Atelectasis", 3) == ""
