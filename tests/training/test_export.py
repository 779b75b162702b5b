"""The graph that serves says what the trained network says."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite_pytorch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from inference.ensemble import Ensemble  # noqa: E402
from inference.network import Network  # noqa: E402
from training.export import OPSET, halved, to_onnx  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network(backbone="efficientnet-lite0", weights="imagenet", findings=3, width=16).eval()


@pytest.fixture(scope="module")
def graph(network: Network) -> bytes:
    return to_onnx(network, 64)


def test_graph_equals_network(network: Network, graph: bytes) -> None:
    """Logits and maps of the exported graph differ from torch's by less than 1e-4, for any batch size."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    images = torch.randn(3, 3, 64, 64)

    logits, cam = session.run(["logits", "cam"], {"image": images.numpy()})
    with torch.inference_mode():
        expected_logits, expected_cam = network(images)

    np.testing.assert_allclose(logits, expected_logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(cam, expected_cam.numpy(), atol=1e-4)
    assert cam.shape == (3, 3, 2, 2)


def test_graph_keeps_no_trace_of_the_machine(graph: bytes) -> None:
    """Neither source files nor stack traces of the exporting machine are in the graph."""
    model = onnx.load_from_string(graph)

    assert model.opset_import[0].version >= OPSET
    assert b"site-packages" not in graph
    assert b".py" not in graph


def alexnet(seed: int) -> Network:
    """A network whose export takes a fraction of the other's time."""
    torch.manual_seed(seed)
    return Network(backbone="alexnet", weights="none", findings=3, width=16).eval()


@pytest.fixture(scope="module")
def smaller() -> bytes:
    """The graph of the first of them."""
    return to_onnx(alexnet(0), 64)


def test_weights_in_half_the_room(smaller: bytes) -> None:
    """Weights rounded to half precision are stored so, and the graph says what the network says, in float32."""
    network = alexnet(0)
    halved(network)
    half = to_onnx(network, 64, half=True)
    images = torch.randn(2, 3, 64, 64)

    session = onnxruntime.InferenceSession(half, providers=["CPUExecutionProvider"])
    logits, _ = session.run(["logits", "cam"], {"image": images.numpy()})
    with torch.inference_mode():
        expected, _ = network(images)

    assert len(half) < 0.6 * len(smaller)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-3)


def test_members_share_the_lower_part_in_the_graph(smaller: bytes) -> None:
    """Two members of one lower part need less room than two networks, and the graph says the mean of both."""
    network, other = alexnet(0), alexnet(1)
    lower = network.backbone.lower.state_dict()
    other.backbone.lower.load_state_dict(lower)
    together = Ensemble([network, other]).eval()
    images = torch.randn(2, 3, 64, 64)

    shared = to_onnx(together, 64)
    session = onnxruntime.InferenceSession(shared, providers=["CPUExecutionProvider"])
    logits, cam = session.run(["logits", "cam"], {"image": images.numpy()})
    with torch.inference_mode():
        expected_logits, expected_cam = together(images)

    np.testing.assert_allclose(logits, expected_logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(cam, expected_cam.numpy(), atol=1e-4)
    assert len(shared) < 2 * len(smaller) - 0.99 * sum(each.nbytes for each in lower.values())
