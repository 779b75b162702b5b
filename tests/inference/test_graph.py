"""A graph's opset and the place of its weights, looked up without running it."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from inference import graph
from inference.bundle import STARTER
from inference.errors import BundleError
from tests.bundles import tiny_graph


@pytest.fixture
def model() -> onnx.ModelProto:
    """A graph that may serve, to be spoilt."""
    return onnx.load_from_string(tiny_graph(np.ones((2, 3, 8, 8), dtype=np.float32)))


def refused(model: onnx.ModelProto, path) -> str:
    """The sentence it is refused with."""
    (path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BundleError) as caught:
        graph.check(path / "model.onnx")
    return str(caught.value)


def test_graph_that_is_shipped_is_taken() -> None:
    """What a real exporter writes is understood."""
    graph.check(STARTER / "model.onnx")

    assert graph.opsets((STARTER / "model.onnx").read_bytes()) == {"": 18}


@pytest.mark.parametrize("version", [1, 17])
def test_old_opset_is_refused(version: int, model: onnx.ModelProto, tmp_path) -> None:
    """A graph of older operators is refused, with the opset to export in."""
    model.opset_import[0].version = version

    assert refused(model, tmp_path) == (f"model.onnx is written in opset {version}; export it in opset 18 or newer.")


def test_newer_opset_is_left_to_onnx_runtime(model: onnx.ModelProto, tmp_path) -> None:
    """Newer operators are no reason to refuse by themselves."""
    model.opset_import[0].version = 20
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())

    graph.check(tmp_path / "model.onnx")


def test_operators_of_others_are_refused(model: onnx.ModelProto, tmp_path) -> None:
    """Operators that are not ONNX's own need code that no bundle may bring."""
    model.opset_import.append(helper.make_opsetid("org.example", 1))

    assert "org.example" in refused(model, tmp_path)


def test_weights_in_another_file_are_refused(model: onnx.ModelProto, tmp_path) -> None:
    """A graph that names a file elsewhere could read what no hash covers."""
    _put_elsewhere(model.graph.initializer[0])

    assert "weights in other files" in refused(model, tmp_path)


def test_weights_in_another_file_are_found_inside_a_node(model: onnx.ModelProto, tmp_path) -> None:
    """It does not help to hide them in a constant of a branch."""
    hidden = numpy_helper.from_array(np.ones(2, dtype=np.float32), "hidden")
    _put_elsewhere(hidden)
    inner = helper.make_graph([helper.make_node("Constant", [], ["x"], value=hidden)], "branch", [], [])
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner))

    assert "weights in other files" in refused(model, tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_onnx_file_or_refused(tmp_path_factory, data: bytes) -> None:
    """Rubbish ends in one sentence, whatever it is."""
    path = tmp_path_factory.mktemp("rubbish") / "model.onnx"
    path.write_bytes(data)

    with pytest.raises(BundleError):
        graph.check(path)


def test_cut_off_graph_is_refused(model: onnx.ModelProto, tmp_path) -> None:
    """Half a file is none."""
    whole = model.SerializeToString()
    (tmp_path / "model.onnx").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(BundleError, match="not an ONNX file"):
        graph.check(tmp_path / "model.onnx")


def _put_elsewhere(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
