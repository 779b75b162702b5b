"""The overlay: a colour picture of the radiograph with heat map, boxes and findings, as a Secondary Capture.

It is for a PACS that shows neither SR nor SEG. No patient text is drawn into the pixels.
"""

from functools import reduce

import highdicom as hd
import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from node.objects import codes, geometry
from node.objects.caption import draw_caption
from node.objects.header import Source
from node.objects.marks import draw_boxes
from node.objects.modules import NOT_FOR_DIAGNOSIS, SERIES_NUMBERS, Making, complete
from node.objects.palette import heat_colours, heat_opacity
from node.objects.reading import HeatMaps, Reading, heat_maps

KIND = ResultKind.OVERLAY


def render(reading: Reading, heat: HeatMaps | None = None) -> npt.NDArray[np.uint8]:
    """Draw what the model says on what the radiologist sees: (rows, columns, 3), RGB.

    `heat` is `heat_maps(reading.prediction)`, for a caller that has it already.
    """
    picture = Image.fromarray(reading.display).convert("RGB")
    picture = _heated(picture, heat_maps(reading.prediction) if heat is None else heat)
    caption = draw_caption(picture, reading.prediction)
    draw_boxes(picture, reading.prediction, caption)
    return np.asarray(picture)


def _heated(picture: Image.Image, heat: HeatMaps) -> Image.Image:
    """Lay the heat maps over the picture, the hottest on top."""
    if not heat:
        return picture
    levels = Image.fromarray(reduce(np.maximum, heat.values()))
    opacity = levels.point(heat_opacity().tolist())
    levels.putpalette(heat_colours().tobytes())
    return Image.composite(levels.convert("RGB"), picture, opacity)


def build_overlay(reading: Reading, heat: HeatMaps, source: Source, making: Making, instance_number: int) -> Dataset:
    """Put the rendered picture into a Secondary Capture of the same study."""
    identity = making.identity
    ds = hd.sc.SCImage(
        pixel_array=render(reading, heat),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=source.study_instance_uid,
        series_instance_uid=identity.series_instance_uid(KIND),
        series_number=SERIES_NUMBERS[KIND],
        sop_instance_uid=identity.sop_instance_uid(KIND, source.sop_instance_uid),
        instance_number=instance_number,
        manufacturer=making.model.manufacturer,
    )
    _describe_picture(ds, source)
    _refer(ds, source)
    complete(ds, KIND, source, making)
    ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture = ds.ContentDate, ds.ContentTime
    return ds


def _describe_picture(ds: Dataset, source: Source) -> None:
    """Say how the picture lies and what it is.

    The node reads chests only, whatever word the source has for one. With an unpaired body part named,
    Laterality (type 2C, DICOM PS3.3 C.7.3.1) has to be absent; without one it would have to be there.
    """
    image = source.image
    ds.ConversionType = "WSD"
    ds.BodyPartExamined = "CHEST"
    ds.PatientOrientation = image.get("PatientOrientation", "")
    aspect_ratio = geometry.aspect_ratio(source)
    if aspect_ratio is not None:
        ds.PixelAspectRatio = aspect_ratio
    ds.ImageComments = f"{NOT_FOR_DIAGNOSIS}. Not a medical device."
    ds.DerivationDescription = "Heat map, boxes and probabilities drawn over the radiograph."
    for keyword in (
        "BurnedInAnnotation",
        "LossyImageCompression",
        "LossyImageCompressionRatio",
        "LossyImageCompressionMethod",
    ):
        if keyword in image:
            ds[keyword] = image[keyword]


def _refer(ds: Dataset, source: Source) -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.sop_class_uid
    reference.ReferencedSOPInstanceUID = source.sop_instance_uid
    reference.PurposeOfReferenceCodeSequence = [codes.SOURCE_IMAGE]
    ds.SourceImageSequence = [reference]
