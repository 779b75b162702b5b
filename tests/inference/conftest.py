"""Synthetic radiographs and a synthetic model for the tests of this package."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from inference.card import Card
from tests.bundles import tiny_card, tiny_graph

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
    return tiny_card(("Effusion", "Mass"), version="test-1", size=32)


@pytest.fixture(scope="session")
def graph() -> bytes:
    """A graph whose map is the image in 4 x 4 cells, times 4 for the first finding, -4 for the second."""
    kernel = np.zeros((2, 3, 8, 8), dtype=np.float32)
    kernel[0], kernel[1] = 4 / 192, -4 / 192
    return tiny_graph(kernel, size=32)
