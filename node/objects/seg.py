"""The Segmentation: one binary segment for each finding above its operating point.

When none is, every finding of the model becomes an empty segment: evaluated, nothing above threshold.
"""

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from db.vocabulary import FINDINGS
from inference.prediction import FindingScore, Prediction
from node.objects import codes
from node.objects.header import Source
from node.objects.modules import NOT_FOR_DIAGNOSIS, SERIES_NUMBERS, Making, complete, stand_in
from node.objects.palette import finding_colour
from node.objects.reading import BOX_THRESHOLD, HeatMaps, Reading, percent

KIND = "seg"


def build_segmentation(
    reading: Reading, heat: HeatMaps, source: Source, making: Making, instance_number: int
) -> Dataset:
    """Segment one image's heat maps at the box threshold, in the image's own pixels."""
    prediction, identity = reading.prediction, making.identity
    scores = [score for score in prediction.scores if score.present] or list(prediction.scores)
    masks = np.zeros((1, prediction.rows, prediction.columns, len(scores)), dtype=np.uint8)
    for index, score in enumerate(scores):
        if score.present:
            masks[0, :, :, index] = heat[score.finding] >= BOX_THRESHOLD
    segmentation = hd.seg.Segmentation(
        source_images=[_plain_image(source, prediction)],
        pixel_array=masks,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(n, score, making) for n, score in enumerate(scores, start=1)],
        series_instance_uid=identity.series_instance_uid(KIND),
        series_number=SERIES_NUMBERS[KIND],
        sop_instance_uid=identity.sop_instance_uid(KIND, source.sop_instance_uid),
        instance_number=instance_number,
        manufacturer=making.model.manufacturer,
        manufacturer_model_name=making.model.device_name,
        software_versions=making.model.software_version,
        device_serial_number=making.model.serial_number,
        content_label="AI_FINDINGS",
        content_description=NOT_FOR_DIAGNOSIS,
        content_creator_name="CXR^AI",
        omit_empty_frames=False,
    )
    if not heat:
        _keep_one_frame(segmentation)
    _refer(segmentation, source)
    _orient(segmentation, source)
    _name_dimensions(segmentation, identity.uid("dimensions", KIND, source.sop_instance_uid))
    complete(segmentation, KIND, source, making)
    return segmentation


def _plain_image(source: Source, prediction: Prediction) -> Dataset:
    """A stand-in of the plainest SOP Class: a multi-frame one would be asked for functional groups."""
    image = stand_in(source, prediction.rows, prediction.columns)
    image.SOPClassUID = SecondaryCaptureImageStorage
    return image


def _refer(segmentation: Dataset, source: Source) -> None:
    """Name the source's own SOP Class wherever the plain one was taken over."""
    for element in segmentation.iterall():
        if element.keyword == "ReferencedSOPClassUID":
            element.value = source.sop_class_uid


def _segment(number: int, score: FindingScore, making: Making) -> hd.seg.SegmentDescription:
    """Name a segment, and say in words what its presence or emptiness means."""
    finding, model = FINDINGS[score.finding], making.model
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=finding.code.meaning if score.present else f"{finding.code.meaning} (below threshold)",
        segmented_property_category=codes.ABNORMAL_STRUCTURE,
        segmented_property_type=codes.concept(finding.code),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=model.name,
            version=model.version,
            family=codes.ARTIFICIAL_INTELLIGENCE,
            source=model.manufacturer,
            parameters={
                "operating point": f"{score.operating_point:.6g}",
                "heat map threshold": f"{BOX_THRESHOLD} of 255",
            },
        ),
        anatomic_regions=[codes.concept(finding.site)] if finding.site else None,
        display_color=hd.color.CIELabColor.from_rgb(*finding_colour(score.finding)),
    )
    relation = "at or above" if score.present else "below"
    segment.SegmentDescription = (
        f"{NOT_FOR_DIAGNOSIS}. Probability {percent(score.probability):g} %, "
        f"{relation} the operating point of {percent(score.operating_point):g} %."
    )
    return segment


def _keep_one_frame(segmentation: Dataset) -> None:
    """Keep the first of the all-zero frames: a segment without a frame is empty as well, and free."""
    frame_bytes = (segmentation.Rows * segmentation.Columns + 7) // 8
    segmentation.NumberOfFrames = 1
    segmentation.PerFrameFunctionalGroupsSequence = segmentation.PerFrameFunctionalGroupsSequence[:1]
    segmentation.PixelData = bytes(frame_bytes + frame_bytes % 2)


def _orient(segmentation: Dataset, source: Source) -> None:
    """Give the planes the orientation and pixel measures without which OHIF shows no overlay, or stops.

    A radiograph has no position in the patient and no thickness; the identity says no more than "as the image
    lies", and the thickness is nominal. Where the image does not say how far its pixels are apart, 1 mm stands
    for it, as viewers assume too: readers need a number, and an empty item is dropped on the way.
    """
    orientation, measures = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing = source.image.get("PixelSpacing", [1, 1])
    measures.SliceThickness = 1
    [shared] = segmentation.SharedFunctionalGroupsSequence
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelMeasuresSequence = [measures]
    segmentation.PatientOrientation = source.image.get("PatientOrientation", "")


def _name_dimensions(segmentation: Dataset, uid: str) -> None:
    """Replace the random UID of the dimension organization, so that a replay gives the same bytes."""
    for sequence in (segmentation.DimensionOrganizationSequence, segmentation.DimensionIndexSequence):
        for item in sequence:
            item.DimensionOrganizationUID = uid
