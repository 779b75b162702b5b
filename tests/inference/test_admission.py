"""Taking a bundle in: a whole copy that was proved to read, or nothing."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest

from inference import bundle
from inference.admission import admit
from inference.bundle import Bundle
from inference.errors import BundleError
from tests.bundles import tiny_card, tiny_graph, write_tiny


class Bang:
    """An object whose unpickling would leave a trace."""

    def __reduce__(self) -> tuple[object, ...]:
        return (open, ("exploded", "w"))


@pytest.fixture
def made(tmp_path: Path) -> Bundle:
    """A bundle as training makes it."""
    return write_tiny(tmp_path / "made")


def refused(source: Path, folder: Path) -> str:
    """The sentence it is refused with; nothing of it is left."""
    with pytest.raises(BundleError) as caught:
        admit(source, folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    return str(caught.value)


def test_bundle_is_copied_whole(made: Bundle, tmp_path: Path) -> None:
    """The copy lies under its version and needs the source no more."""
    admitted = admit(made.path, tmp_path / "models")

    assert admitted.path == tmp_path / "models" / "tiny-1"
    assert admitted.card == made.card
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["tiny-1"]
    assert {path.name for path in admitted.path.iterdir()} == {"model.onnx", "card.json"}


def test_weights_to_train_on_from_are_copied(tmp_path: Path) -> None:
    """`weights.safetensors` is a file like the others: listed, hashed, and not opened."""
    graph = tiny_graph(np.zeros((8, 3, 8, 8), dtype=np.float32))
    made = bundle.write(tmp_path / "made", tiny_card(), {"model.onnx": graph, "weights.safetensors": b"tensors"})

    admitted = admit(made.path, tmp_path / "models")

    assert admitted.weights is not None
    assert admitted.weights.read_bytes() == b"tensors"


def test_bundle_without_weights_has_none(made: Bundle) -> None:
    """A bundle need not have them."""
    assert made.weights is None


def test_same_bundle_again_changes_nothing(made: Bundle, tmp_path: Path) -> None:
    """To take a bundle in twice is harmless."""
    first = admit(made.path, tmp_path / "models")
    written = (first.path / "model.onnx").stat().st_ino

    admit(made.path, tmp_path / "models")

    assert (first.path / "model.onnx").stat().st_ino == written


def test_broken_copy_is_put_right(made: Bundle, tmp_path: Path) -> None:
    """A copy that a disk has spoilt is replaced by a whole one."""
    admitted = admit(made.path, tmp_path / "models")
    (admitted.path / "model.onnx").write_bytes(b"spoilt")

    admit(made.path, tmp_path / "models")

    assert bundle.load(admitted.path) == admitted
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["tiny-1"]


def test_another_model_of_the_same_version_is_refused(made: Bundle, tmp_path: Path) -> None:
    """A version names one model for ever."""
    admit(made.path, tmp_path / "models")
    other = write_tiny(tmp_path / "other", seed=1)

    with pytest.raises(BundleError, match="another version"):
        admit(other.path, tmp_path / "models")


def test_planted_pickle_is_refused(made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle beside the graph stops it all, and is not run."""
    monkeypatch.chdir(tmp_path)
    (made.path / "weights.pt").write_bytes(pickle.dumps(Bang()))

    assert "may be a pickle" in refused(made.path, tmp_path / "models")
    assert not (tmp_path / "exploded").exists()


def test_pickle_under_another_name_is_refused(made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle in the place of the graph, its hash on the card, is no graph; it is not run either."""
    monkeypatch.chdir(tmp_path)
    disguised = bundle.write(tmp_path / "bad", tiny_card(), {"model.onnx": pickle.dumps(Bang())})

    assert "not an ONNX file" in refused(disguised.path, tmp_path / "models")
    assert not (tmp_path / "exploded").exists()


def test_wrong_hash_is_refused(made: Bundle, tmp_path: Path) -> None:
    """A graph that is not the card's is not taken in."""
    made.model.write_bytes(made.model.read_bytes() + b"x")

    assert "SHA-256" in refused(made.path, tmp_path / "models")


@pytest.mark.parametrize("missing", ["card.json", "model.onnx"])
def test_half_written_folder_is_refused(missing: str, made: Bundle, tmp_path: Path) -> None:
    """A folder that lacks a file is named with it."""
    (made.path / missing).unlink()

    assert f"lacks {missing}" in refused(made.path, tmp_path / "models")


def test_link_is_refused(made: Bundle, tmp_path: Path) -> None:
    """What a name leads to elsewhere is not part of a bundle."""
    elsewhere = tmp_path / "elsewhere.onnx"
    made.model.rename(elsewhere)
    made.model.symlink_to(elsewhere)

    assert "not a plain file" in refused(made.path, tmp_path / "models")


def test_pipe_is_refused_without_waiting_for_it(made: Bundle, tmp_path: Path) -> None:
    """A file that never ends is not opened."""
    os.mkfifo(made.path / "README.md")

    assert "not a plain file" in refused(made.path, tmp_path / "models")


def test_old_opset_is_refused(tmp_path: Path) -> None:
    """A graph of older operators does not get in."""
    model = onnx.load_from_string(tiny_graph(np.zeros((8, 3, 8, 8), dtype=np.float32)))
    model.opset_import[0].version = 13
    made = bundle.write(tmp_path / "made", tiny_card(), {"model.onnx": model.SerializeToString()})

    assert "opset 13" in refused(made.path, tmp_path / "models")


def test_unknown_finding_is_refused(made: Bundle, tmp_path: Path) -> None:
    """A finding that has no code cannot be told to a PACS."""
    text = (made.path / "card.json").read_text()
    (made.path / "card.json").write_text(text.replace("Effusion", "Gout"))

    assert "unknown findings: Gout" in refused(made.path, tmp_path / "models")


@pytest.mark.parametrize("version", ["..", ".", ".hidden", "a/b", ""])
def test_version_that_is_a_path_is_refused(version: str, made: Bundle, tmp_path: Path) -> None:
    """A version names the folder; it cannot lead out of it."""
    words = json.loads((made.path / "card.json").read_text())
    (made.path / "card.json").write_text(json.dumps(words | {"version": version}))

    assert "not a model card" in refused(made.path, tmp_path / "models")
    assert (tmp_path / "made").is_dir()


def test_outputs_of_another_name_are_refused(tmp_path: Path) -> None:
    """The node asks a graph for logits and cam."""
    model = onnx.load_from_string(tiny_graph(np.zeros((8, 3, 8, 8), dtype=np.float32)))
    model.graph.node[0].output[0] = model.graph.node[1].input[0] = model.graph.output[1].name = "map"
    made = bundle.write(tmp_path / "made", tiny_card(), {"model.onnx": model.SerializeToString()})

    assert "logits and cam" in refused(made.path, tmp_path / "models")


@pytest.mark.parametrize("count", [7, 9])
def test_graph_of_other_findings_is_refused(count: int, tmp_path: Path) -> None:
    """A card of eight findings with a graph that answers for fewer or more would name the wrong ones."""
    graph = tiny_graph(np.zeros((count, 3, 8, 8), dtype=np.float32))
    made = bundle.write(tmp_path / "made", tiny_card(), {"model.onnx": graph})

    assert "findings" in refused(made.path, tmp_path / "models")


def test_graph_that_answers_with_no_number_is_refused(tmp_path: Path) -> None:
    """A training that went wrong leaves a model of NaN, which would call nothing present."""
    graph = tiny_graph(np.full((8, 3, 8, 8), np.nan, dtype=np.float32))
    made = bundle.write(tmp_path / "made", tiny_card(), {"model.onnx": graph})

    assert "no number" in refused(made.path, tmp_path / "models")


def test_full_disk_leaves_nothing(made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that was broken off is no bundle and is removed."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "write_durably", full)
    with pytest.raises(OSError, match="No space left"):
        admit(made.path, tmp_path / "models")

    assert list((tmp_path / "models").iterdir()) == []
