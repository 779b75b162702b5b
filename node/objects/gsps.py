"""The Grayscale Softcopy Presentation State: boxes and names for a viewer to lay over the image itself.

Most PACS show one, and let the layers be switched on and off; OHIF does not. Boxes are closed polylines, since some
viewers leave polygons out. highdicom would read window and references from the image's header, whatever stands
there; the few modules of this object are written here, of values that were looked at.
"""

from collections.abc import Iterator

import highdicom as hd
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from inference.prediction import Box, FindingScore, Prediction
from node.objects.caption import NOTHING, box_label
from node.objects.grayscale import write_transformations
from node.objects.header import Source
from node.objects.modules import NOT_FOR_DIAGNOSIS, SERIES_NUMBERS, Making, complete
from node.objects.palette import finding_colour
from node.objects.reading import HeatMaps, Reading, shown_boxes

KIND = ResultKind.GSPS
GRAYSCALE_SOFTCOPY_PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
_NOTICE = "AI_NOTICE"


def build_presentation_state(
    reading: Reading, heat: HeatMaps, source: Source, making: Making, instance_number: int
) -> Dataset:
    """Draw the boxes of an image's findings, each finding in a layer of its own, and say whose they are."""
    del heat  # of an image's objects this one alone needs no heat map
    identity, prediction = making.identity, reading.prediction
    ds = Dataset()
    ds.SOPClassUID = GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
    ds.SOPInstanceUID = identity.sop_instance_uid(KIND, source.sop_instance_uid)
    ds.SeriesInstanceUID = identity.series_instance_uid(KIND)
    ds.SeriesNumber = SERIES_NUMBERS[KIND]
    ds.Modality = "PR"
    ds.InstanceNumber = instance_number
    ds.BodyPartExamined = "CHEST"  # unpaired, or Laterality would be asked for (DICOM PS3.3 C.7.3.1)
    ds.ContentLabel = "AI_FINDINGS"
    ds.ContentDescription = NOT_FOR_DIAGNOSIS
    ds.ContentCreatorName = "CXR^AI"
    reference = _reference(source)
    series = Dataset()
    series.SeriesInstanceUID = source.series_instance_uid
    series.ReferencedImageSequence = [reference]
    ds.ReferencedSeriesSequence = [series]
    _annotate(ds, prediction, reference)
    ds.DisplayedAreaSelectionSequence = [_displayed_area(reading, source, reference)]
    write_transformations(ds, reading, reference)
    complete(ds, KIND, source, making)
    ds.PresentationCreationDate, ds.PresentationCreationTime = ds.ContentDate, ds.ContentTime
    del ds.ContentDate, ds.ContentTime
    return ds


def _reference(source: Source) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.sop_class_uid
    reference.ReferencedSOPInstanceUID = source.sop_instance_uid
    return reference


def _displayed_area(reading: Reading, source: Source, reference: Dataset) -> Dataset:
    """The whole image, fitted to the screen, with pixels as square as they are (DICOM PS3.3 C.10.4)."""
    area = Dataset()
    area.ReferencedImageSequence = [reference]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [reading.prediction.columns, reading.prediction.rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    spacing = source.image.get("PixelSpacing")
    if spacing:
        area.PresentationPixelSpacing = spacing
    else:
        area.PresentationPixelAspectRatio = list(source.image.get("PixelAspectRatio", [1, 1]))
    return area


def _annotate(ds: Dataset, prediction: Prediction, reference: Dataset) -> None:
    """The Graphic Annotation and Graphic Layer modules."""
    shown = [score for score in prediction.scores if shown_boxes(score)]
    any_present = any(score.present for score in prediction.scores)
    annotations, layers = [_notice(reference, any_present=any_present)], [_layer(_NOTICE, 1)]
    places = _text_places(shown)
    for order, score in enumerate(shown, start=2):
        annotation = Dataset()
        annotation.ReferencedImageSequence = [reference]
        annotation.GraphicLayer = layer_name(score.finding)
        boxes = shown_boxes(score)
        annotation.TextObjectSequence = [_label(score, next(places)) for _ in boxes]
        annotation.GraphicObjectSequence = [_outline(box) for box in boxes]
        annotations.append(annotation)
        layers.append(_layer(layer_name(score.finding), order, score.finding))
    ds.GraphicAnnotationSequence = annotations
    ds.GraphicLayerSequence = layers


def layer_name(finding: str) -> str:
    """The layer of a finding: a CS, of at most 16 characters."""
    return f"AI_{finding.upper()}"[:16]


def _layer(name: str, order: int, finding: str | None = None) -> Dataset:
    layer = Dataset()
    layer.GraphicLayer = name
    layer.GraphicLayerOrder = order
    layer.GraphicLayerRecommendedDisplayGrayscaleValue = 65535
    layer.GraphicLayerDescription = NOT_FOR_DIAGNOSIS
    if finding is not None:
        layer.GraphicLayerRecommendedDisplayCIELabValue = _lab(finding)
    return layer


def _lab(finding: str) -> list[int]:
    """The colour of a finding as DICOM's CIELab: three numbers of 16 bits (PS3.3 C.10.7.1.1)."""
    colour = hd.color.CIELabColor.from_rgb(*finding_colour(finding))
    return [int(part) for part in colour.value]


def _notice(reference: Dataset, *, any_present: bool) -> Dataset:
    """A line in the corner of the screen, so that an image without boxes says that it was read."""
    line = Dataset()
    line.BoundingBoxAnnotationUnits = "DISPLAY"
    line.UnformattedTextValue = NOT_FOR_DIAGNOSIS if any_present else f"{NOT_FOR_DIAGNOSIS}. {NOTHING}."
    line.BoundingBoxTopLeftHandCorner = [0.02, 0.94]
    line.BoundingBoxBottomRightHandCorner = [0.6, 0.98]
    line.BoundingBoxTextHorizontalJustification = "LEFT"
    notice = Dataset()
    notice.ReferencedImageSequence = [reference]
    notice.GraphicLayer = _NOTICE
    notice.TextObjectSequence = [line]
    return notice


def _outline(box: Box) -> Dataset:
    """A closed polyline; like a box, it counts from the outer corner of the first pixel (DICOM PS3.3 C.10.5.1.2)."""
    left, top, right, bottom = _edges(box)
    outline = Dataset()
    outline.GraphicAnnotationUnits = "PIXEL"
    outline.GraphicDimensions = 2
    outline.NumberOfGraphicPoints = 5
    outline.GraphicData = [left, top, right, top, right, bottom, left, bottom, left, top]
    outline.GraphicType = "POLYLINE"
    outline.GraphicFilled = "N"
    return outline


def _edges(box: Box) -> tuple[float, float, float, float]:
    return float(box.x), float(box.y), float(box.x + box.width), float(box.y + box.height)


def _label(score: FindingScore, place: tuple[float, float]) -> Dataset:
    """The finding's name and probability at a corner of its box; the viewer chooses the font."""
    label = Dataset()
    label.AnchorPointAnnotationUnits = "PIXEL"
    label.UnformattedTextValue = box_label(score)
    label.AnchorPoint = list(place)
    label.AnchorPointVisibility = "N"
    return label


def _text_places(scores: list[FindingScore]) -> Iterator[tuple[float, float]]:
    """For each box its upper left corner; of boxes that have it in common, another corner of theirs."""
    taken: set[tuple[float, float]] = set()
    for score in scores:
        for box in shown_boxes(score):
            left, top, right, bottom = _edges(box)
            corners = [(left, top), (left, bottom), (right, top), (right, bottom)]
            place = next((corner for corner in corners if corner not in taken), corners[0])
            taken.add(place)
            yield place
