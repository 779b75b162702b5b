"""The Segmentation, written and read back."""

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ExplicitVRLittleEndian

from db.result_records import ResultKind
from inference.cam import region
from node.objects.bundle import build
from node.objects.encoding import encode


def _segmentation(reading, identity, model, created):
    results = build([reading], identity=identity, model=model, created=created)
    return hd.seg.Segmentation.from_dataset(dcmread(DicomBytesIO(encode(results[1].dataset))))


def test_masks_come_back(make_reading, identity, model, created):
    """A reader gets the region at level 180 of each finding above its operating point, and no other."""
    reading = make_reading(present=("Cardiomegaly", "Effusion", "Mass"), size=(97, 83))

    seg = _segmentation(reading, identity, model, created)

    frames = seg.get_pixels_by_source_instance(source_sop_instance_uids=[reading.header.SOPInstanceUID])
    cams = [reading.prediction.cam[index] for index in (1, 2, 4)]
    expected = np.stack([region(cam, 97, 83, 180) for cam in cams], axis=-1)
    assert [seg.get_segment_description(n).segment_label for n in seg.segment_numbers] == [
        "Cardiomegaly",
        "Pleural effusion",
        "Mass",
    ]
    np.testing.assert_array_equal(frames[0].astype(bool), expected)


def test_nothing_above_threshold_gives_empty_segments(make_reading, identity, model, created):
    """All findings are there as segments, none has a pixel, and the object is no larger than one frame."""
    reading = make_reading(present=(), size=(97, 81))

    seg = _segmentation(reading, identity, model, created)

    assert seg.number_of_segments == 8
    assert seg.get_segment_description(1).segment_label == "Atelectasis (below threshold)"
    assert "below the operating point" in seg.get_segment_description(1).SegmentDescription
    assert seg.NumberOfFrames == 1
    assert not seg.pixel_array.any()
    assert len(seg.PixelData) == 984  # 7857 bits are 983 bytes


def test_no_padding_follows_the_masks(make_reading, identity, model, created):
    """OHIF stops at a byte of padding; a frame of a finding below its threshold takes its place."""
    reading = make_reading(present=("Effusion", "Mass"), size=(97, 83))

    seg = _segmentation(reading, identity, model, created)

    bits = 97 * 83
    assert -(-2 * bits // 8) % 2 == 1
    assert len(seg.PixelData) == -(-3 * bits // 8)
    assert [seg.get_segment_description(n).segment_label for n in seg.segment_numbers] == [
        "Pleural effusion",
        "Mass",
        "Atelectasis (below threshold)",
    ]
    assert seg.pixel_array[:2].any(axis=(1, 2)).all()
    assert not seg.pixel_array[2].any()


EIGHT = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")


@pytest.mark.parametrize(
    ("size", "present", "frames"),
    [
        ((49, 33), (), 1),  # one frame is read, padded or not
        ((49, 33), ("Mass",), 1),
        ((49, 33), ("Effusion", "Mass"), 9),  # 1 more than a multiple of 16: eight frames fill an odd number of bytes
        ((49, 33), EIGHT, 9),
        ((51, 49), EIGHT, 9),  # 3 more than a multiple of 16
        ((53, 49), EIGHT[:6], 6),  # 5
        ((53, 49), EIGHT, 9),
        ((61, 49), EIGHT, 11),  # 13
        ((63, 49), EIGHT, 16),  # 15
    ],
)
def test_segments_of_nothing_where_the_findings_do_not_suffice(
    make_reading, identity, model, created, dciodvfy, size, present, frames
):
    """Any size of image and any number of findings needs no padding after several frames; what is added is empty."""
    [result] = build(
        [make_reading(present=present, size=size)],
        identity=identity,
        model=model,
        created=created,
        kinds={ResultKind.SEG},
    )

    seg = hd.seg.Segmentation.from_dataset(dcmread(DicomBytesIO(encode(result.dataset))))

    labels = [seg.get_segment_description(n).segment_label for n in seg.segment_numbers]
    assert seg.NumberOfFrames == frames
    assert frames == 1 or len(seg.PixelData) == -(-frames * size[0] * size[1] // 8)
    assert labels[8:] == ["(empty)"] * (max(frames, 8) - 8)
    assert [n for n, frame in enumerate(seg.pixel_array.reshape(frames, *size)) if frame.any()] == list(
        range(len(present))
    )
    assert dciodvfy(encode(result.dataset, ExplicitVRLittleEndian)) == []


def test_what_ohif_needs_is_there(make_reading, identity, model, created):
    """Orientation of the planes, size and references of the source."""
    reading = make_reading()

    seg = _segmentation(reading, identity, model, created)

    [shared] = seg.SharedFunctionalGroupsSequence
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [1, 1]
    assert (seg.Rows, seg.Columns) == (96, 80)
    assert seg.PatientOrientation == ["L", "F"]
    assert seg.SegmentationType == "BINARY"
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == reading.header.SeriesInstanceUID
    for frame in seg.PerFrameFunctionalGroupsSequence:
        [derivation] = frame.DerivationImageSequence
        [source] = derivation.SourceImageSequence
        assert source.ReferencedSOPInstanceUID == reading.header.SOPInstanceUID
        assert source.ReferencedSOPClassUID == reading.header.SOPClassUID


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing"])
def test_spacing_of_the_image_is_copied(make_header, make_reading, identity, model, created, keyword):
    """A viewer that measures on the overlay measures what it would on the image."""
    header = make_header(**{keyword: [0.143, 0.144]})

    seg = _segmentation(make_reading(header=header), identity, model, created)

    [shared] = seg.SharedFunctionalGroupsSequence
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [0.143, 0.144]


def test_segment_names_algorithm_and_operating_point(make_reading, identity, model, created):
    """Each segment says what made it, with which threshold."""
    seg = _segmentation(make_reading(present=("Mass",)), identity, model, created)

    description = seg.get_segment_description(1)

    [algorithm] = description.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == (model.name, model.version)
    assert algorithm.AlgorithmParameters == "operating point=0.38,heat map threshold=180 of 255"
    assert description.algorithm_type == hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC
    assert description.anatomic_regions[0].meaning == "Lung"


@pytest.mark.parametrize("orientation", [None, ["L", "F"]])
def test_orientation_is_copied_or_empty(make_header, make_reading, identity, model, created, orientation):
    """PatientOrientation is never invented."""
    reading = make_reading(make_header(PatientOrientation=orientation))

    seg = _segmentation(reading, identity, model, created)

    assert (seg.PatientOrientation or None) == orientation
