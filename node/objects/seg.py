"""The Segmentation: one binary segment for each finding above its operating point.

When none is, every finding of the model becomes an empty segment: evaluated, nothing above threshold.
"""

from collections.abc import Sequence
from itertools import count

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from db.result_records import ResultKind
from db.vocabulary import FINDINGS
from inference.prediction import FindingScore, Prediction
from node.objects import codes, geometry
from node.objects.header import Source
from node.objects.modules import NOT_FOR_DIAGNOSIS, SERIES_NUMBERS, Making, complete, stand_in
from node.objects.palette import finding_colour
from node.objects.reading import BOX_THRESHOLD, HeatMaps, Reading, percent

KIND = ResultKind.SEG

Mask = npt.NDArray[np.bool_]
"""(rows, columns)"""


def build_segmentation(
    reading: Reading, heat: HeatMaps, source: Source, making: Making, instance_number: int
) -> Dataset:
    """Segment one image's heat maps at the box threshold, in the image's own pixels."""
    masks = [heat[score.finding] >= BOX_THRESHOLD for score in reading.prediction.scores if score.present]
    segmentation = describe(reading.prediction, KIND, source, making, instance_number)
    fill(segmentation, reading.prediction, pack(masks))
    segmentation.SegmentsOverlap = "YES" if _overlap(masks) else "NO"
    return segmentation


def pack(masks: Sequence[Mask]) -> bytes:
    """The frames bit by bit, without a gap between them (DICOM PS3.5 8.1.1)."""
    frames = np.concatenate([mask.ravel() for mask in masks]) if masks else np.zeros(0, dtype=bool)
    return np.packbits(frames, bitorder="little").tobytes()


def _overlap(masks: Sequence[Mask]) -> bool:
    taken = np.zeros_like(masks[0]) if masks else np.zeros(0, dtype=bool)
    for mask in masks:
        if (taken & mask).any():
            return True
        taken |= mask
    return False


def describe(prediction: Prediction, kind: ResultKind, source: Source, making: Making, instance_number: int) -> Dataset:
    """All of a segmentation but its pixels: a segment and a frame for each finding that is present.

    Findings that are not may follow with an empty frame each, and after them segments of nothing, for the sake of an
    even length (`_even`).
    highdicom is given an image of one pixel; to look at masks of five megapixels takes it longer than all the rest.
    """
    identity = making.identity
    binary = kind is ResultKind.SEG
    present = [score for score in prediction.scores if score.present]
    absent = [score for score in prediction.scores if not score.present]
    frames = _even(max(len(present), 1), prediction, bits=1 if binary else 8)
    scores = [*present, *absent[: frames - len(present)]] if present else absent
    segments = [_segment(number, score, making, binary=binary) for number, score in enumerate(scores, start=1)]
    segments += [_nothing(number, making) for number in range(len(scores) + 1, frames + 1)]
    segmentation = hd.seg.Segmentation(
        source_images=[_plain_image(source)],
        pixel_array=np.ones((1, 1, 1, len(segments)), dtype=np.uint8),
        segmentation_type="BINARY" if binary else "FRACTIONAL",
        fractional_type="PROBABILITY",
        max_fractional_value=255,
        segment_descriptions=segments,
        series_instance_uid=identity.series_instance_uid(kind),
        series_number=SERIES_NUMBERS[kind],
        sop_instance_uid=identity.sop_instance_uid(kind, source.sop_instance_uid),
        instance_number=instance_number,
        manufacturer=making.model.manufacturer,
        manufacturer_model_name=making.model.device_name,
        software_versions=making.model.software_version,
        device_serial_number=making.model.serial_number,
        content_label="AI_FINDINGS" if binary else "AI_HEAT_MAP",
        content_description=NOT_FOR_DIAGNOSIS,
        content_creator_name="CXR^AI",
        omit_empty_frames=False,
    )
    _keep(segmentation, frames)
    _refer(segmentation, source)
    _orient(segmentation, source)
    _name_dimensions(segmentation, identity.uid("dimensions", kind, source.sop_instance_uid))
    complete(segmentation, kind, source, making)
    return segmentation


def fill(segmentation: Dataset, prediction: Prediction, pixels: bytes) -> None:
    """Give it the pixels of its first frames; what follows is empty. An odd length is padded (DICOM PS3.5 8.1.1)."""
    segmentation.Rows, segmentation.Columns = prediction.rows, prediction.columns
    size = _size(int(segmentation.NumberOfFrames), prediction, segmentation.BitsAllocated)
    segmentation.PixelData = pixels.ljust(size + size % 2, b"\0")


def _size(frames: int, prediction: Prediction, bits: int) -> int:
    """The bytes of so many frames."""
    return -(-frames * prediction.rows * prediction.columns * bits // 8)


def _even(least: int, prediction: Prediction, *, bits: int) -> int:
    """How many frames make an even number of bytes, of at least so many: of sixteen in a row some do.

    OHIF (dcmjs 0.52) takes the byte of padding that follows an odd number for an error, unless there is one frame.
    """
    return next(frames for frames in count(least) if frames == 1 or _size(frames, prediction, bits) % 2 == 0)


def _plain_image(source: Source) -> Dataset:
    """A stand-in of the plainest SOP Class: a multi-frame one would be asked for functional groups."""
    image = stand_in(source, rows=1, columns=1)
    image.SOPClassUID = SecondaryCaptureImageStorage
    return image


def _refer(segmentation: Dataset, source: Source) -> None:
    """Name the source's own SOP Class wherever the plain one was taken over."""
    for element in segmentation.iterall():
        if element.keyword == "ReferencedSOPClassUID":
            element.value = source.sop_class_uid


def _segment(number: int, score: FindingScore, making: Making, *, binary: bool) -> hd.seg.SegmentDescription:
    """Name a segment, and say in words what its presence or emptiness means."""
    finding = FINDINGS[score.finding]
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=finding.code.meaning if score.present else f"{finding.code.meaning} (below threshold)",
        segmented_property_category=codes.ABNORMAL_STRUCTURE,
        segmented_property_type=codes.concept(finding.code),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=_algorithm(
            making,
            {"operating point": f"{score.operating_point:.6g}"}
            | ({"heat map threshold": f"{BOX_THRESHOLD} of 255"} if binary else {}),
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


def _nothing(number: int, making: Making) -> hd.seg.SegmentDescription:
    """A segment of no finding, where the findings' frames come to no even number of bytes."""
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label="(empty)",
        segmented_property_category=codes.ABNORMAL_STRUCTURE,
        segmented_property_type=codes.ABNORMAL_STRUCTURE,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=_algorithm(making, {}),
    )
    segment.SegmentDescription = f"{NOT_FOR_DIAGNOSIS}. Of nothing: it makes the pixel data even, for viewers' sake."
    return segment


def _algorithm(making: Making, parameters: dict[str, str]) -> hd.AlgorithmIdentificationSequence:
    model = making.model
    return hd.AlgorithmIdentificationSequence(
        name=model.name,
        version=model.version,
        family=codes.ARTIFICIAL_INTELLIGENCE,
        source=model.manufacturer,
        parameters=parameters or None,
    )


def _keep(segmentation: Dataset, frames: int) -> None:
    """Keep the first frames: a segment without a frame is empty as well, and free."""
    segmentation.NumberOfFrames = frames
    segmentation.PerFrameFunctionalGroupsSequence = segmentation.PerFrameFunctionalGroupsSequence[:frames]


def _orient(segmentation: Dataset, source: Source) -> None:
    """Give the planes the orientation and pixel measures without which OHIF shows no overlay, or stops.

    A radiograph has no position in the patient, seldom an orientation, and no thickness; that is nominal. Where the
    image does not say how far its pixels are apart, 1 mm stands for it, as viewers assume too: readers need a number,
    and an empty item is dropped on the way. Each frame is said to begin at the origin, since dcmqi, and what is built
    on it, reads no frame without a position.
    """
    plane, measures = Dataset(), Dataset()
    plane.ImageOrientationPatient = geometry.orientation(source)
    measures.PixelSpacing = geometry.spacing(source)
    measures.SliceThickness = 1
    [shared] = segmentation.SharedFunctionalGroupsSequence
    shared.PlaneOrientationSequence = [plane]
    shared.PixelMeasuresSequence = [measures]
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        position = Dataset()
        position.ImagePositionPatient = [0, 0, 0]
        frame.PlanePositionSequence = [position]
    segmentation.PatientOrientation = source.image.get("PatientOrientation", "")


def _name_dimensions(segmentation: Dataset, uid: str) -> None:
    """Replace the random UID of the dimension organization, so that a replay gives the same bytes."""
    for sequence in (segmentation.DimensionOrganizationSequence, segmentation.DimensionIndexSequence):
        for item in sequence:
            item.DimensionOrganizationUID = uid
