"""Synthetic radiographs and a synthetic model for the tests of this package."""

from collections.abc import Callable
from datetime import date

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from inference.card import (
    Architecture,
    Calibration,
    Card,
    Counts,
    Data,
    FindingMetrics,
    Metrics,
    OperatingPoint,
    Preprocessing,
)

Make = Callable[..., Dataset]


@pytest.fixture
def radiograph() -> Make:
    """Make a PA chest DX image; keywords replace attributes, None removes one."""

    def make(pixels: npt.NDArray[np.generic] | None = None, **attributes: object) -> Dataset:
        pixels = np.arange(48, dtype=np.uint16).reshape(6, 8) * 80 if pixels is None else pixels
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
        ds.SOPInstanceUID = generate_uid(entropy_srcs=["radiograph"])
        ds.Modality = "DX"
        ds.PresentationIntentType = "FOR PRESENTATION"
        ds.BodyPartExamined = "CHEST"
        ds.ViewPosition = "PA"
        ds.Rows, ds.Columns = pixels.shape[:2]
        ds.SamplesPerPixel = 1
        ds.PhotometricInterpretation = "MONOCHROME2"
        ds.BitsAllocated = pixels.dtype.itemsize * 8
        ds.BitsStored = 12 if pixels.dtype.itemsize == 2 else 8
        ds.HighBit = ds.BitsStored - 1
        ds.PixelRepresentation = 0
        ds["PixelData"] = _pixel_data(pixels)
        for keyword, value in attributes.items():
            if value is None:
                del ds[keyword]
            else:
                setattr(ds, keyword, value)
        return ds

    return make


def _pixel_data(pixels: npt.NDArray[np.generic]) -> DataElement:
    return DataElement(0x7FE00010, "OW", pixels.tobytes())


@pytest.fixture(scope="session")
def card() -> Card:
    """A card of a model of two findings."""
    findings = ("Effusion", "Mass")
    counts = Counts(images=3, patients=2, positives=dict.fromkeys(findings, 1))
    return Card(
        name="test",
        version="test-1",
        created=date(2026, 1, 2),
        findings=findings,
        architecture=Architecture(
            backbone="mean",
            pretrained="none",
            transition_width=1,
            pooling="average",
            r=1,
            loss="none",
            grid=4,
        ),
        preprocessing=Preprocessing(size=32, mean=0.5, std=0.5),
        data=Data(source="synthetic", split="none", train=counts, validation=counts, test=counts),
        metrics=Metrics(
            per_finding=tuple(
                FindingMetrics(
                    finding=finding,
                    positives=1,
                    negatives=2,
                    auc=0.5,
                    auc_interval=(0, 1),
                    stratified_auc=None,
                )
                for finding in findings
            ),
            mean_auc=0.5,
            mean_stratified_auc=0.5,
            by_collection={},
            by_view={},
            localization="Not measured.",
        ),
        operating_points=tuple(
            OperatingPoint(
                finding=finding,
                probability=0.5,
                target="none",
                sensitivity=0.5,
                sensitivity_interval=(0, 1),
                specificity=0.5,
                specificity_interval=(0, 1),
            )
            for finding in findings
        ),
        calibration=Calibration(method="none", scale=(1.0, 1.0), offset=(0.0, 0.0)),
        limits=("It is synthetic.",),
        licence="none",
        attribution=(),
        notice="Not for clinical use. Not a medical device.",
        files={},
    )


@pytest.fixture(scope="session")
def graph() -> bytes:
    """A graph whose map is the image in 4 x 4 cells, times 4 for the first finding, -4 for the second."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    kernel = np.zeros((2, 3, 8, 8), dtype=np.float32)
    kernel[0], kernel[1] = 4 / 192, -4 / 192
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Conv", ["image", "kernel"], ["cam"], strides=[8, 8]),
                helper.make_node("GlobalAveragePool", ["cam"], ["pooled"]),
                helper.make_node("Flatten", ["pooled"], ["logits"]),
            ],
            "mean",
            [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["n", 3, 32, 32])],
            [
                helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 2]),
                helper.make_tensor_value_info("cam", onnx.TensorProto.FLOAT, ["n", 2, 4, 4]),
            ],
            [numpy_helper.from_array(kernel, "kernel")],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    data: bytes = model.SerializeToString()
    return data
