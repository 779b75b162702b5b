"""From a trained network to the ONNX graph that serves."""

import warnings

import onnx
import torch

from inference.network import Network

OPSET = 18


def to_onnx(network: Network, size: int) -> bytes:
    """Export `image` (N, 3, size, size) to `logits` (N, C) and `cam` (N, C, S, S), float32, any N.

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
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _forget_the_machine(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]
    model.doc_string = ""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
