"""From a trained network to the ONNX graph that serves."""

import warnings

import onnx
import torch
from onnx import numpy_helper
from torch import nn

OPSET = 18
SMALL = 4096
"""Tensors of so few numbers are not worth halving."""


def to_onnx(network: nn.Module, size: int, *, half: bool = False) -> bytes:
    """Export `image` (N, 3, size, size) to `logits` (N, C) and `cam` (N, C, S, S), float32, any N.

    With `half` the weights are stored in half precision, in half the room; the graph computes in float32 all the same.
    Round the network's with `halved` before, and both say the same.

    The exporter writes the exporting machine's file paths and source lines into the graph; they are taken
    out.
    """
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own dependencies
        program = torch.onnx.export(
            network,
            (torch.zeros(2, 3, size, size),),
            input_names=["image"],
            output_names=["logits", "cam"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=1024)}},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model: onnx.ModelProto = program.model_proto
    _forget_the_machine(model)
    if half:
        _store_in_half(model)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


@torch.no_grad()
def halved(network: nn.Module) -> None:
    """Round the weights to what half precision can hold."""
    for parameter in network.parameters():
        parameter.copy_(parameter.half())


def _store_in_half(model: onnx.ModelProto) -> None:
    """Store the large weights in half precision; ONNX Runtime casts them back once, when it loads the graph."""
    graph = model.graph
    kept, casts = [], []
    for tensor in graph.initializer:
        numbers = numpy_helper.to_array(tensor)
        if tensor.data_type != onnx.TensorProto.FLOAT or numbers.size <= SMALL:
            kept.append(tensor)
            continue
        name = f"{tensor.name}_half"
        kept.append(numpy_helper.from_array(numbers.astype("float16"), name))
        casts.append(onnx.helper.make_node("Cast", [name], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def _forget_the_machine(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]
    model.doc_string = ""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
