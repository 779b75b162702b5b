"""All results of a study together: identity, bytes, headers of every kind, and the validator's verdict."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from db.result_records import READ_KINDS, ResultKind
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.errors import StudyMismatchError
from node.objects.header import text_of
from node.objects.identity import Identity

ODD_HEADERS = {
    "plain": {},
    "dx": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "Modality": "DX", "ImageLaterality": "U"},
    "secondary capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    "multi-frame secondary capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2", "NumberOfFrames": 1},
    "true colour secondary capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4", "NumberOfFrames": 1},
    "no study date": {"StudyDate": None, "StudyTime": None},
    "umlaut in latin 1": {"PatientName": "M\u00fcller^J\u00f6rg", "StudyDescription": "R\u00f6ntgen"},
    "japanese in unicode": {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "Yamada^Taro=\u5c71\u7530^\u592a\u90ce",
    },
    "japanese in iso 2022": {
        "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
        "PatientName": "Yamada^Taro=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046",
    },
    "no accession number": {"AccessionNumber": None},
    "no study id": {"StudyID": None},
    "no orientation": {"PatientOrientation": None},
    "laterality": {"Laterality": "L"},
    "thorax": {"BodyPartExamined": "THORAX"},
    "no body part": {"BodyPartExamined": None},
    "lossy": {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": "10",
        "LossyImageCompressionMethod": "ISO_15444_1",
    },
    "frame of reference": {"FrameOfReferenceUID": "1.2.3.4"},
    "burned in": {"BurnedInAnnotation": "YES"},
    "timezone": {"TimezoneOffsetFromUTC": "-0330"},
    "five-component name": {"PatientName": "Ada^Byron^King^Countess^of Lovelace", "SpecificCharacterSet": None},
    "cyrillic": {"SpecificCharacterSet": "ISO_IR 144", "PatientName": "\u041b\u044e\u043a^\u0418\u0432\u0430\u043d"},
    "korean": {
        "SpecificCharacterSet": ["", "ISO 2022 IR 149"],
        "PatientName": "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9",
    },
    "aspect ratio": {"PixelAspectRatio": [4, 3]},
    "spacing": {"PixelSpacing": [0.2, 0.1]},
    "rotated": {"PatientOrientation": ["H", "L"]},
    "monochrome 1": {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 2048, "WindowWidth": 4096},
    "nothing": dict.fromkeys(("Laterality", "PatientOrientation", "StudyDate", "StudyTime", "SpecificCharacterSet")),
    "turned": {"ImageOrientationPatient": [0, 1, 0, -1, 0, 0], "PatientOrientation": ["F", "L"]},
    "mirrored": {"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0], "PatientOrientation": ["R", "F"]},
    "five components and escapes": {
        "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
        "PatientName": "Yamada^Taro^Jiro^Dr^II=\u5c71\u7530^\u592a\u90ce",
    },
    "one-component name": {"PatientName": "Anonymous", "SpecificCharacterSet": None},
}


def _read(result) -> Dataset:
    return dcmread(DicomBytesIO(encode(result.dataset)))


def _explicit(result) -> bytes:
    """As the validator reads it: it knows no deflated file."""
    return encode(result.dataset, ExplicitVRLittleEndian)


@pytest.mark.parametrize("kind", sorted(READ_KINDS))
def test_a_kind_is_built_alone(make_reading, identity, model, created, kind):
    """Whoever asks for one kind gets that one, the same that comes with the others."""
    [alone] = build([make_reading()], identity=identity, model=model, created=created, kinds={kind})
    everything = build([make_reading()], identity=identity, model=model, created=created, kinds=READ_KINDS)

    assert alone.kind is kind
    assert encode(alone.dataset) in [encode(result.dataset) for result in everything]
    assert len({result.series_instance_uid for result in everything}) == len(READ_KINDS)


def test_a_note_is_not_built_of_readings(make_reading, identity, model, created):
    """A rejection is no result of reading an image."""
    with pytest.raises(ValueError, match="not built of readings"):
        build([make_reading()], identity=identity, model=model, created=created, kinds={ResultKind.REJECTION})


def test_kinds_and_order(make_header, make_reading, identity, model, created):
    """The report of the study first, then each image's segmentation and overlay, each kind a series."""
    second = make_header(SOPInstanceUID="1.2.3.9")

    results = build([make_reading(), make_reading(second)], identity=identity, model=model, created=created)

    assert [result.kind for result in results] == ["sr", "seg", "overlay", "seg", "overlay"]
    assert len({result.sop_instance_uid for result in results}) == 5
    assert len({result.series_instance_uid for result in results}) == 3
    assert {result.study_instance_uid for result in results} == {identity.study_instance_uid}
    assert [int(result.dataset.SeriesNumber) for result in results] == [9101, 9102, 9103, 9102, 9103]
    assert [int(result.dataset.InstanceNumber) for result in results] == [1, 1, 1, 2, 2]


@pytest.mark.parametrize("present", [(), ("Cardiomegaly", "Effusion")])
def test_a_replay_is_byte_identical(make_reading, identity, model, created, present):
    """The same job gives the same bytes, with a preamble of zeros, however often it is run."""
    files = [
        [
            encode(result.dataset)
            for result in build(
                [make_reading(present=present)], identity=identity, model=model, created=created, kinds=READ_KINDS
            )
        ]
        for _ in range(2)
    ]

    assert files[0] == files[1]
    for file in files[0]:
        assert file[:128] == bytes(128)
        assert file[128:132] == b"DICM"


def test_a_revision_is_another_instance(make_reading, identity, model, created):
    """A later revision of the job shares no instance with the first."""
    later = Identity(study_instance_uid=identity.study_instance_uid, revision=2, model_version="m1")

    first = build([make_reading()], identity=identity, model=model, created=created)
    second = build([make_reading()], identity=later, model=model, created=created)

    assert not {one.sop_instance_uid for one in first} & {one.sop_instance_uid for one in second}


def test_patient_study_and_equipment(make_reading, identity, model, created):
    """Every result says whose it is, what made it, and when."""
    for result in build([make_reading()], identity=identity, model=model, created=created, kinds=READ_KINDS):
        ds = _read(result)
        assert str(ds.PatientName) == "M\u00fcller^J\u00fcrgen"
        assert (ds.PatientID, ds.AccessionNumber, ds.StudyID) == ("P-0815", "A-4711", "S-1")
        assert (ds.StudyDescription, ds.InstitutionName) == ("Thorax p.a.", "General Hospital")
        assert ds.SpecificCharacterSet == "ISO_IR 100"
        assert (ds.Manufacturer, ds.ManufacturerModelName, ds.DeviceSerialNumber) == (
            "cxr-node",
            "cxr-node",
            "1",
        )
        assert ds.SoftwareVersions == ["0.1.0", "m1"]
        made = "PresentationCreation" if result.kind is ResultKind.GSPS else "Content"
        assert (ds[f"{made}Date"].value, ds[f"{made}Time"].value) == ("20260304", "233015.250000")
        assert (ds.InstanceCreationDate, ds.SeriesDate) == ("20260304", "20260304")
        assert "TimezoneOffsetFromUTC" not in ds


def test_times_in_the_hospitals_zone(make_reading, identity, model, created):
    """An image that names no zone gets results in the hospital's local time."""
    zone = timezone(timedelta(hours=2))

    [report, *_] = build([make_reading()], identity=identity, model=model, created=created, timezone=zone)

    assert (report.dataset.ContentDate, report.dataset.ContentTime) == ("20260305", "013015.250000")


def test_times_in_the_zone_of_the_source(make_header, make_reading, identity, model, created):
    """An image that names its zone gets results in that zone, which say so."""
    reading = make_reading(make_header(TimezoneOffsetFromUTC="-0400"))

    [report, *_] = build([reading], identity=identity, model=model, created=created)

    assert report.dataset.ContentTime == "193015.250000"
    assert report.dataset.TimezoneOffsetFromUTC == "-0400"


def test_reading_of_another_study_is_refused(make_header, make_reading, identity, model, created):
    """A result is never filed in a study its image is not of."""
    reading = make_reading(make_header(StudyInstanceUID="1.2.3"))

    with pytest.raises(StudyMismatchError):
        build([reading], identity=identity, model=model, created=created)


def test_naive_time_and_no_reading_are_refused(make_reading, identity, model, created):
    """Two mistakes of a caller are caught at once."""
    with pytest.raises(ValueError, match="aware"):
        build([make_reading()], identity=identity, model=model, created=datetime(2026, 3, 4))  # noqa: DTZ001
    with pytest.raises(ValueError, match="at least one"):
        build([], identity=identity, model=model, created=created)


_HOSTILE = st.binary(max_size=80) | st.sampled_from(
    [
        b"../../x",
        b"<script>",
        b"'; DROP TABLE study;--",
        b"\\" * 9,
        b"\xff\xfe",
        b"\x1b$B;3ED",
        b"9" * 70,
        b" ",
    ]
)
_KEYWORDS = [
    "SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge",
    "PatientSize", "PatientWeight", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
    "StudyDescription", "ReferringPhysicianName", "InstitutionName", "IssuerOfPatientID", "BodyPartExamined",
    "PatientOrientation", "PixelSpacing", "PixelAspectRatio", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "VOILUTSequence", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "PresentationLUTShape",
    "PhotometricInterpretation", "BitsStored", "Laterality", "LossyImageCompression", "LossyImageCompressionRatio",
    "LossyImageCompressionMethod", "BurnedInAnnotation", "TimezoneOffsetFromUTC", "ProcedureCodeSequence",
]  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    left_out=st.sets(st.sampled_from(_KEYWORDS)),
    hostile=st.dictionaries(
        st.sampled_from(_KEYWORDS),
        st.tuples(st.sampled_from(["LO", "PN", "DS", "IS", "US", "FD", "SQ", "UN", "OB", "CS"]), _HOSTILE),
        max_size=6,
    ),
)
def test_any_header_builds(make_header, make_reading, identity, model, created, left_out, hostile):
    """Whatever is missing or wrong in a header, all results are built and can be read back."""
    header = make_header(**dict.fromkeys(left_out))
    for keyword, (vr, value) in hostile.items():
        tag = Tag(keyword)
        header[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)

    reading = make_reading(header, size=(24, 20))
    results = build([reading], identity=identity, model=model, created=created, kinds=READ_KINDS)

    for result in results:
        back = _read(result)
        assert back.SOPInstanceUID == result.sop_instance_uid
        assert "PatientID" in back
        str(back)


@pytest.mark.peer
@pytest.mark.parametrize("changes", ODD_HEADERS.values(), ids=ODD_HEADERS.keys())
def test_validator_finds_no_error(make_header, make_reading, identity, model, created, dciodvfy, changes):
    """dciodvfy accepts every object, whatever the header it was made of."""
    reading = make_reading(make_header(**changes), present=("Cardiomegaly", "Mass", "Pneumothorax"))

    results = build([reading], identity=identity, model=model, created=created, kinds=READ_KINDS)

    assert {result.kind: dciodvfy(_explicit(result)) for result in results} == {kind: [] for kind in READ_KINDS}


@pytest.mark.peer
def test_validator_accepts_a_second_revision(make_header, make_reading, identity, model, created, dciodvfy):
    """A report of two images with a predecessor is valid as well."""
    earlier = ("1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2", identity.study_instance_uid)
    readings = [make_reading(), make_reading(make_header(SOPInstanceUID="1.2.3.9"), present=())]

    results = build(readings, identity=identity, model=model, created=created, predecessor=earlier, kinds=READ_KINDS)

    assert [error for result in results for error in dciodvfy(_explicit(result))] == []


@pytest.mark.peer
def test_real_headers(real_radiographs, make_reading, model, created, dciodvfy, dcentvfy, dsrdump):
    """Every public chest radiograph at hand gets valid results of every kind, with findings or without."""
    for number, path in enumerate(real_radiographs):
        header = dcmread(path, stop_before_pixels=True, force=True)
        present = ("Effusion", "Nodule") if number % 2 else ()
        reading = make_reading(header, present=present, size=(64, 56))
        identity = Identity(study_instance_uid=str(header.StudyInstanceUID), revision=1, model_version="m1")

        results = build([reading], identity=identity, model=model, created=created, kinds=READ_KINDS)

        for result in results:
            assert dciodvfy(_explicit(result)) == [], (path.name, result.kind)
            assert result.study_instance_uid == header.StudyInstanceUID
        assert dcentvfy([_explicit(result) for result in results]) == []
        title = "Imaging Measurement Report" if present else "Diagnostic Imaging Report"
        assert title in dsrdump(encode(results[0].dataset))


@pytest.mark.peer
def test_foreign_names(shared_data, make_reading, model, created, dciodvfy):
    """Names in Japanese, Korean and other character sets are in every result as they are in the image.

    One of them has Japanese letters where only Latin ones may be, and stays the modality's.
    """
    seen = 0
    for path in sorted((shared_data / "dicom" / "charset_tiny").iterdir()):
        header = dcmread(path, stop_before_pixels=True, force=True)
        if not {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"} <= set(header.dir()):
            continue
        identity = Identity(study_instance_uid=str(header.StudyInstanceUID), revision=1, model_version="m1")
        reading = make_reading(header, present=("Mass",), size=(24, 20))

        for language in ("en", "ja"):
            results = build(
                [reading], identity=identity, model=model, created=created, kinds=READ_KINDS, language=language
            )

            for result in results:
                errors = [error for error in dciodvfy(_explicit(result)) if "PatientName" not in error]
                assert errors == [], (path.name, result.kind)
                assert str(_read(result).PatientName) == text_of(header, "PatientName"), path.name
        seen += 1
    assert seen > 0
