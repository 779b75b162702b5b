"""How an image wants to be displayed, as a presentation state has to repeat it (DICOM PS3.4 N.2.1).

A presentation state replaces the image's own transformations. Whatever it leaves out would be gone, so that modality
LUT, window and polarity are taken over: by the same choices as the node's own rendering (`inference.grayscale`).
"""

import math
from collections.abc import Iterable

import numpy as np
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from inference.header import UNREADABLE, integer, items, number, text
from node.objects.reading import Reading

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
_LONGEST_TABLE = 65536


def write_transformations(ds: Dataset, reading: Reading, reference: Dataset) -> None:
    """Write the Modality LUT, Softcopy VOI LUT and Softcopy Presentation LUT modules; `reference` is the image."""
    header = reading.header
    _modality(ds, header)
    voi = _voi(reading)
    if voi is not None:
        voi.ReferencedImageSequence = [reference]
        ds.SoftcopyVOILUTSequence = [voi]
    ds.PresentationLUTShape = "INVERSE" if is_inverted(header) else "IDENTITY"


def is_inverted(header: Dataset) -> bool:
    """Whether low values are white; MONOCHROME1 and the shape INVERSE say so once, together."""
    if text(header, "PhotometricInterpretation") == "MONOCHROME1":
        return True
    return text(header, "PresentationLUTShape").upper() == "INVERSE"


def _modality(ds: Dataset, header: Dataset) -> None:
    table = _table(header, "ModalityLUTSequence", scaled=False)
    if table is not None:
        table.ModalityLUTType = "US"
        ds.ModalityLUTSequence = [table]
        return
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope or intercept:
        ds.RescaleSlope, ds.RescaleIntercept = _decimals((slope or 1.0, intercept or 0.0))
        ds.RescaleType = "US"


def _voi(reading: Reading) -> Dataset | None:
    """The image's window, else its VOI LUT, else the range of its values; None where it is shown as it is."""
    header, voi = reading.header, Dataset()
    centre, width = number(header, "WindowCenter"), number(header, "WindowWidth")
    if centre is not None and width is not None and width > 0:
        function = text(header, "VOILUTFunction").upper()
        function = function if function in _FUNCTIONS else "LINEAR"
        voi.VOILUTFunction = function
        voi.WindowCenter, voi.WindowWidth = _decimals((centre, max(width, 1.0) if function == "LINEAR" else width))
        return voi
    table = _table(header, "VOILUTSequence", scaled=True)
    if table is not None:
        voi.VOILUTSequence = [table]
        return voi
    as_it_is = integer(header, "BitsStored") == 8 and integer(header, "PixelRepresentation") == 0
    if reading.stored_range is None or as_it_is:
        return None
    slope, intercept = number(header, "RescaleSlope") or 1.0, number(header, "RescaleIntercept") or 0.0
    low, high = sorted(value * slope + intercept for value in reading.stored_range)
    if _table(header, "ModalityLUTSequence", scaled=False) is not None or not math.isfinite(high - low):
        return None
    # Of the function LINEAR: the lowest value is black and the highest white (DICOM PS3.3 C.11.2.1.2.1).
    voi.WindowCenter, voi.WindowWidth = _decimals(((low + high + 1) / 2, high - low + 1))
    voi.VOILUTFunction = "LINEAR"
    return voi


def _decimals(values: Iterable[float]) -> list[DSfloat]:
    return [DSfloat(value, auto_format=True) for value in values]


def _table(header: Dataset, keyword: str, *, scaled: bool) -> Dataset | None:
    """The first item of a LUT sequence as a table of 16 bits, if it is a whole one.

    A presentation state takes tables of 8 and of 16 bits alone (DICOM PS3.3 C.11.1, C.11.8). Entries of a VOI LUT are
    `scaled`, since only their part of the range counts; those of a modality LUT are values and stay.
    """
    found = items(header, keyword)
    if not found:
        return None
    try:
        count, first, bits = (int(part) for part in found[0].LUTDescriptor)
        count = count or _LONGEST_TABLE
        data = found[0].LUTData
        packed = isinstance(data, bytes) and bits == 8 and len(data) < 2 * count  # two entries to a word
        entries = np.frombuffer(data, "u1" if packed else "<u2") if isinstance(data, bytes) else np.array(data, "<u2")
    except UNREADABLE:
        return None
    if not (8 <= bits <= 16 and 0 <= len(entries) - count <= 1 and -32768 <= first <= 65535):
        return None
    values = entries[:count].astype(np.float64)
    values = np.clip(np.rint(values * (65535 / (2**bits - 1))) if scaled else values, 0, 65535)
    table = Dataset()
    table.add_new("LUTDescriptor", "SS" if first < 0 else "US", [count % _LONGEST_TABLE, first, 16])
    table.add_new("LUTData", "OW", values.astype("<u2").tobytes())
    return table
