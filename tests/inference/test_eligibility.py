"""Which images are read, by their header."""

import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from db.vocabulary import Reason
from inference.eligibility import assess, view
from inference.policy import Policy

LENIENT = Policy(accept_unknown_view=True, accept_unknown_body_part=True)
CR = "1.2.840.10008.5.1.4.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def code(value: str, scheme: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def reason(ds: Dataset, policy: Policy | None = None) -> Reason | None:
    found = assess(ds, policy or Policy())
    return found.reason if found else None


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, None),
        ({"SOPClassUID": CR, "Modality": "CR"}, None),
        ({"SOPClassUID": SECONDARY_CAPTURE, "Modality": "CR"}, None),
        ({"SOPClassUID": SECONDARY_CAPTURE, "Modality": "RG"}, None),
        ({"SOPClassUID": SECONDARY_CAPTURE, "Modality": "OT"}, Reason.NOT_RADIOGRAPH),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT"}, Reason.NOT_RADIOGRAPH),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"}, Reason.FOR_PROCESSING),
        ({"PresentationIntentType": "FOR PROCESSING"}, Reason.FOR_PROCESSING),
        ({"NumberOfFrames": 2}, Reason.MULTI_FRAME),
        ({"NumberOfFrames": 1}, None),
        ({"PixelData": None, "Rows": None}, Reason.NOT_IMAGE),
    ],
)
def test_object(radiograph, attributes, expected) -> None:
    """Only single-frame presentation radiographs, and captures of them, are read."""
    assert reason(radiograph(**attributes)) == expected


@pytest.mark.parametrize(
    ("body_part", "expected"),
    [
        ("CHEST", None),
        ("THORAX", None),
        ("Lung", None),
        ("PORT_CHEST", None),
        ("RIB", Reason.NOT_CHEST),
        ("TSPINE", Reason.NOT_CHEST),
        ("THORACIC SPINE", Reason.NOT_CHEST),
        ("HAND", Reason.NOT_CHEST),
        ("", Reason.UNKNOWN_BODY_PART),
        (None, Reason.UNKNOWN_BODY_PART),
    ],
)
def test_body_part(radiograph, body_part, expected) -> None:
    """The chest is known by its names, whatever their case; ribs and spine are other examinations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lower case is no valid CS
        ds = radiograph(BodyPartExamined=body_part)

    assert reason(ds) == expected


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (code("51185008", "SCT", "Thoracic structure"), None),
        (code("43799004", "SCT", "Thoracic cavity"), None),
        (code("T-D3000", "SRT", "Chest"), None),
        (code("T-D8700", "SRT", "Hand"), Reason.NOT_CHEST),
        (Sequence(), Reason.UNKNOWN_BODY_PART),
    ],
)
def test_anatomic_region(radiograph, region, expected) -> None:
    """Where no body part is named, the coded region decides."""
    assert reason(radiograph(BodyPartExamined=None, AnatomicRegionSequence=region)) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ViewPosition": "PA"}, None),
        ({"ViewPosition": "AP"}, None),
        ({"ViewPosition": "POSTERO ANTERIOR"}, None),
        ({"ViewPosition": "LL"}, Reason.NOT_FRONTAL),
        ({"ViewPosition": "LATERAL"}, Reason.NOT_FRONTAL),
        ({"ViewPosition": "RLO"}, Reason.NOT_FRONTAL),
        ({"ViewPosition": "RL", "PatientOrientation": ["L", "F"]}, Reason.NOT_FRONTAL),
        ({"ViewCodeSequence": code("399348003", "SCT", "antero-posterior")}, None),
        ({"ViewCodeSequence": code("272479007", "SCT", "postero-anterior")}, None),
        ({"ViewCodeSequence": code("R-10206", "SRT", "antero-posterior")}, None),
        ({"ViewCodeSequence": code("R-10214", "SRT", "postero-anterior")}, None),
        ({"ViewCodeSequence": code("399173006", "SCT", "left lateral")}, Reason.NOT_FRONTAL),
        ({"PatientOrientation": ["L", "F"]}, None),
        ({"PatientOrientation": ["R", "F"]}, None),
        ({"PatientOrientation": ["A", "F"]}, Reason.NOT_FRONTAL),
        ({"PatientOrientation": ["P", "F"]}, Reason.NOT_FRONTAL),
        ({"PatientOrientation": ["L", "P"]}, Reason.NOT_FRONTAL),
        ({"PatientOrientation": ""}, Reason.UNKNOWN_VIEW),
        ({"SeriesDescription": "Thorax pa stehend"}, None),
        ({"SeriesDescription": "Chest LAT"}, Reason.NOT_FRONTAL),
        ({"SeriesDescription": "LATEX PAD"}, Reason.UNKNOWN_VIEW),
        ({"StudyDescription": "CHEST PA AND LAT"}, Reason.UNKNOWN_VIEW),
        ({"SeriesDescription": "W033 Chest AP", "StudyDescription": "CHEST PA AND LAT"}, None),
        ({}, Reason.UNKNOWN_VIEW),
    ],
)
def test_view(radiograph, attributes, expected) -> None:
    """The first attribute that names a view decides; a word counts only as a whole."""
    assert reason(radiograph(**{"ViewPosition": None, **attributes})) == expected


def test_unknown_is_accepted_only_by_policy(radiograph) -> None:
    """A silent header passes where the hospital says so, and only there."""
    ds = radiograph(ViewPosition=None, BodyPartExamined=None)

    assert reason(ds, Policy()) == Reason.UNKNOWN_BODY_PART
    assert reason(ds, Policy(accept_unknown_body_part=True)) == Reason.UNKNOWN_VIEW
    assert reason(ds, LENIENT) is None


def test_a_known_wrong_view_is_never_accepted(radiograph) -> None:
    """The policy is about silence; a lateral stays a lateral."""
    assert reason(radiograph(ViewPosition="LL"), LENIENT) == Reason.NOT_FRONTAL


KEYWORDS = (
    *("SOPClassUID", "Modality", "PresentationIntentType", "NumberOfFrames", "BodyPartExamined"),
    *("AnatomicRegionSequence", "ViewPosition", "ViewCodeSequence", "PatientOrientation", "Rows"),
    *("SeriesDescription", "ProtocolName", "StudyDescription"),
)


@given(
    st.dictionaries(
        st.sampled_from(KEYWORDS),
        st.tuples(st.sampled_from(["CS", "US", "SQ", "DS", "IS", "UN", "UI", "FD", "AT"]), st.binary(max_size=24)),
    )
)
def test_hostile_values_never_raise(values) -> None:
    """Whatever bytes stand under whatever VR, there is an answer."""
    ds = Dataset()
    for keyword, (vr, value) in values.items():
        tag = Tag(keyword)
        ds[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)

    found = assess(ds, LENIENT)

    assert found is None or isinstance(found.reason, Reason)


def test_real_radiographs(shared_data) -> None:
    """All real radiographs are read where silence is accepted; else all but the one that names nothing."""
    headers = [
        pydicom.dcmread(path, stop_before_pixels=True, force=True)
        for path in sorted((shared_data / "dicom" / "real_cxr").iterdir())
    ]

    assert [reason(ds, LENIENT) for ds in headers] == [None] * len(headers)
    assert [reason(ds) for ds in headers].count(None) == len(headers) - 1


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # of a value that is no CS; the node silences pydicom too
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"ViewPosition": "AP"}, "AP"),
        ({"ViewPosition": "PA"}, "PA"),
        ({"ViewPosition": "antero-posterior"}, "AP"),
        ({"ViewPosition": "", "ViewCodeSequence": code("399348003", "SCT", "")}, "AP"),
        ({"ViewPosition": "", "ViewCodeSequence": code("272479007", "SCT", "")}, "PA"),
        ({"ViewPosition": "", "SeriesDescription": "Chest AP portable"}, "AP"),
        ({"ViewPosition": "FRONTAL", "SeriesDescription": "CHEST PA"}, "PA"),
        ({"ViewPosition": "", "SeriesDescription": "AP/PA"}, ""),
        ({"ViewPosition": "FRONTAL"}, ""),
    ],
)
def test_which_frontal_view_it_is(header: dict[str, object], expected: str):
    """PA or AP, from the first words or code that tell; else nothing is said."""
    ds = Dataset()
    for keyword, value in header.items():
        setattr(ds, keyword, value)

    assert view(ds) == expected
