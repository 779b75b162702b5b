"""A model on disk is whole, unaltered and no pickle."""

import json
import pickle

import numpy as np
import pytest

from inference.bundle import STARTER, load, write
from inference.errors import BundleError


class Bang:
    """An object whose unpickling would leave a trace."""

    def __reduce__(self) -> tuple[object, ...]:
        return (open, ("exploded", "w"))


def refused(path) -> str:
    with pytest.raises(BundleError) as caught:
        load(path)
    return str(caught.value)


def test_written_and_loaded(tmp_path, card) -> None:
    """What is written is read back, with the hashes filled in."""
    written = write(tmp_path / "model", card, {"model.onnx": b"graph"})

    loaded = load(tmp_path / "model")

    assert loaded == written
    assert loaded.card.version == "test-1"
    assert set(loaded.card.files) == {"model.onnx"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_bundle_is_written_once(tmp_path, card) -> None:
    """A model that serves never changes under its name."""
    write(tmp_path / "model", card, {"model.onnx": b"graph"})

    with pytest.raises(BundleError, match="exists already"):
        write(tmp_path / "model", card, {"model.onnx": b"other"})


def test_a_failed_write_leaves_nothing(tmp_path, card) -> None:
    """Without a graph there is no bundle, and no part of one."""
    with pytest.raises(BundleError, match=r"does not list model\.onnx"):
        write(tmp_path / "model", card, {"README.md": b"text"})

    assert list(tmp_path.iterdir()) == []


def test_one_flipped_byte(tmp_path, card) -> None:
    """An altered graph is refused."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    bundle.model.write_bytes(b"grapi")

    assert "SHA-256" in refused(bundle.path)


def test_missing_graph(tmp_path, card) -> None:
    """A bundle without its graph is refused."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    bundle.model.unlink()

    assert "lacks model.onnx" in refused(bundle.path)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.pkl", "sub/model.PKL"])
def test_a_planted_pickle_is_never_opened(tmp_path, card, monkeypatch, name) -> None:
    """A pickle is refused by name, and its code does not run."""
    monkeypatch.chdir(tmp_path)
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    planted = bundle.path / name
    planted.parent.mkdir(exist_ok=True)
    planted.write_bytes(pickle.dumps(Bang()))

    assert "pickle" in refused(bundle.path)
    assert not (tmp_path / "exploded").exists()


def test_strangers_are_refused(tmp_path, card) -> None:
    """A file that no bundle has is refused."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    (bundle.path / "run.sh").write_text("true")

    assert "run.sh" in refused(bundle.path)


def test_an_unlisted_file_is_refused(tmp_path, card) -> None:
    """A known name that the card does not list was put there later."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    (bundle.path / "README.md").write_text("hello")

    assert "does not list README.md" in refused(bundle.path)


@pytest.mark.parametrize(
    "change",
    [
        {"findings": ["Effusion", "Gout"]},
        {"findings": ["Effusion", "Effusion"]},
        {"colour": "blue"},
        {"version": "../../x"},
        {"operating_points": []},
        {"notice": "Fine for clinical use."},
        {"calibration": {"method": "none", "scale": [1.0], "offset": [0.0]}},
    ],
)
def test_a_card_that_is_none(tmp_path, card, change) -> None:
    """Unknown findings, fields and counts that do not fit are refused in one sentence."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    text = json.loads((bundle.path / "card.json").read_text())
    (bundle.path / "card.json").write_text(json.dumps({**text, **change}))

    assert refused(bundle.path).startswith("card.json is not a model card")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_a_card_that_is_no_json(tmp_path, card, text) -> None:
    """Rubbish for a card is refused."""
    bundle = write(tmp_path / "model", card, {"model.onnx": b"graph"})
    (bundle.path / "card.json").write_text(text)

    assert "not a model card" in refused(bundle.path)


def test_no_folder(tmp_path) -> None:
    """A path that leads nowhere is refused."""
    assert "not a folder" in refused(tmp_path / "nowhere")


def test_the_model_that_is_shipped() -> None:
    """The starter model is whole, small, and says where it comes from."""
    bundle = load(STARTER)

    assert bundle.model.stat().st_size < 20_000_000
    assert len(bundle.card.findings) == 8
    assert any("NIH Clinical Center" in line for line in bundle.card.attribution)
    assert (bundle.path / "README.md").is_file()


def test_curves_of_the_model_that_is_shipped() -> None:
    """Under each ROC curve in the card lies the area that the card says, as far as points to draw it by can tell."""
    for finding in load(STARTER).card.metrics.per_finding:
        across, up = zip(*finding.roc, strict=True)

        assert np.trapezoid(up, across) == pytest.approx(finding.auc, abs=0.01), finding.finding
