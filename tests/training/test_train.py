"""The training script, from a folder of images to a bundle that serves."""

import json
import sys
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from db.vocabulary import EIGHT  # noqa: E402
from inference.backbones import BACKBONES  # noqa: E402
from inference.bundle import load  # noqa: E402
from inference.classifier import Classifier  # noqa: E402
from inference.image import Image  # noqa: E402
from training import train  # noqa: E402

NAMES = [finding.name for finding in EIGHT]


def tiny_layers(_whole: torch.nn.Module) -> list[torch.nn.Module]:
    """Stands in for EfficientNet-Lite0: the same two parts and channels, a fraction of the work."""
    return [
        torch.nn.Conv2d(3, 80, kernel_size=16, stride=16),
        torch.nn.Conv2d(80, 1280, kernel_size=2, stride=2),
        torch.nn.ReLU6(),
    ]


@pytest.fixture
def data(tmp_path):
    """Eighty images of sixty patients; a finding is a bright quarter or half of the image."""
    generator = np.random.default_rng(0)
    lines = ["image,patient_id,view,sources," + ",".join(NAMES)]
    for number in range(80):
        labels = generator.random(8) < 0.3
        image = generator.integers(0, 120, (64, 64)).astype(np.uint8)
        image[:, :32] += np.uint8(60 * labels[0])
        PIL.Image.fromarray(image).save(tmp_path / f"{number:03}.png")
        fields = [f"{number:03}.png", number % 60, "PA", "synthetic", *labels.astype(int)]
        lines.append(",".join(map(str, fields)))
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "boxes.csv").write_text(
        "image,label,x,y,w,h\n" + "".join(f"{number:03}.png,Atelectasis,0,0,512,1024\n" for number in range(80))
    )
    return tmp_path


def run(data, out, monkeypatch) -> list[dict[str, object]]:
    row = replace(BACKBONES["efficientnet-lite0"], build=torch.nn.Identity, layers=tiny_layers, cut=1, fetch=dict)
    monkeypatch.setitem(BACKBONES, "efficientnet-lite0", row)
    arguments = f"--images {data} --labels {data}/labels.csv --boxes {data}/boxes.csv --out {out}"
    options = "--size 64 --copies 1 --epochs 2 --head-epochs 1 --batch 16 --width 8 --seed 3"
    monkeypatch.setattr(sys, "argv", ["train", *arguments.split(), *options.split()])
    train.main()
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_from_images_to_a_serving_model(data, monkeypatch) -> None:
    """The script logs each epoch, writes a whole bundle, and gives the same model for the same seed."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    first = run(data, data / "one", monkeypatch)
    second = run(data, data / "two", monkeypatch)
    torch.use_deterministic_algorithms(deterministic)

    bundle = load(data / "one" / "starter")
    prediction = Classifier(bundle)(Image.windowed(np.zeros((100, 80), dtype=np.uint8)))

    assert [event["event"] for event in first] == ["split", "epoch", "epoch", "test"]
    assert [{**event, "minutes_left": 0} for event in first] == [{**event, "minutes_left": 0} for event in second]
    assert [score.finding for score in prediction.scores] == NAMES
    assert bundle.card.data.train.images + bundle.card.data.test.images < 80
    assert "pairs" in bundle.card.metrics.localization
