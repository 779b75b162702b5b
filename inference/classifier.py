"""Reads one image: findings with boxes come out. ONNX Runtime; no torch."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from onnxruntime.capi import (  # type: ignore[import-untyped]  # nor here
    onnxruntime_pybind11_state as ort_errors,
)

from inference import graph
from inference.boxes import BoxSettings, gated
from inference.bundle import Bundle
from inference.errors import BundleError
from inference.image import Image
from inference.prediction import FindingScore, Prediction
from inference.preprocess import model_input

Classify = Callable[[Image], Prediction]
"""What the rest of the product sees of a model."""

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""The GPU where the installed ONNX Runtime has one, else the CPU."""
UNLOADABLE = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What ONNX Runtime raises at a graph that is none; its exceptions have no common base."""


class Classifier:
    """A loaded model. Any number of threads may call it at once; they share one session and its memory."""

    def __init__(self, bundle: Bundle, threads: int = 0, boxes: BoxSettings | None = None) -> None:
        """Load the bundle's graph.

        Args:
            bundle: a checked model.
            threads: processor threads for one image; 0 takes all cores.
            boxes: how boxes are cut; the paper's way if not given.

        Raises:
            BundleError: the graph cannot be loaded, or is not the one the card describes.
        """
        self.card = bundle.card
        self._boxes = boxes or BoxSettings()
        self._scale = np.asarray(bundle.card.calibration.scale)
        self._offset = np.asarray(bundle.card.calibration.offset)
        self.session = open_session(bundle, threads)
        self._input = self.session.get_inputs()[0].name

    def __call__(self, image: Image) -> Prediction:
        """Read one image; boxes are in its pixels."""
        return self.read(model_input(image, self.card.preprocessing), image.rows, image.columns)

    def read(self, ready: npt.NDArray[np.float32], rows: int, columns: int) -> Prediction:
        """Read the network's input of an image of so many rows and columns."""
        logits, cams = self.session.run(["logits", "cam"], {self._input: ready})
        probabilities = calibrated(logits[0], self._scale, self._offset)
        return Prediction(
            model_version=self.card.version,
            rows=rows,
            columns=columns,
            scores=tuple(
                self._score(place, float(probability), cams[0, place], rows, columns)
                for place, probability in enumerate(probabilities)
            ),
            cam=cams[0],
        )

    def _score(
        self, place: int, probability: float, cam: npt.NDArray[np.float32], rows: int, columns: int
    ) -> FindingScore:
        point = self.card.operating_points[place]
        return FindingScore(
            finding=point.finding,
            probability=probability,
            operating_point=point.probability,
            boxes=gated(cam, rows, columns, present=probability >= point.probability, settings=self._boxes),
        )


def open_session(bundle: Bundle, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open the bundle's graph in ONNX Runtime.

    Raises:
        BundleError: the graph cannot be loaded, or its opset, inputs or outputs are not what they should be.
    """
    graph.check(bundle.model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads sleep instead of spinning: the receiver shares the machine's cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    try:
        session = onnxruntime.InferenceSession(
            bundle.model, options, providers=[name for name in PROVIDERS if name in available]
        )
    except UNLOADABLE as error:
        raise BundleError(f"{bundle.model.name} cannot be loaded ({type(error).__name__}).") from error
    size, count = bundle.card.preprocessing.size, len(bundle.card.findings)
    inputs, outputs = session.get_inputs(), {output.name: output.shape for output in session.get_outputs()}
    if len(inputs) != 1 or inputs[0].shape[1:] != [bundle.card.preprocessing.channels, size, size]:
        raise BundleError("The graph's input is not the one the card describes.")
    if outputs.get("logits", [])[1:] != [count] or outputs.get("cam", [])[1:2] != [count]:
        raise BundleError("The graph's outputs are not logits and cam for the card's findings.")
    return session


def calibrated(
    logits: npt.NDArray[np.floating], scale: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Logits to probabilities in [0, 1], by the card's calibration; the last axis is the finding."""
    margin = np.clip(scale * logits.astype(np.float64) + offset, -700, 700)
    return np.asarray(1 / (1 + np.exp(-margin)))
