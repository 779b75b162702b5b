"""What is taken over from a header, and what is not."""

from datetime import timedelta, timezone

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from node.objects.errors import MissingIdentifierError
from node.objects.header import read_source


def raw(ds: Dataset, keyword: str, value: bytes, vr: str = "LO") -> None:
    """Put an element in as it comes from a file, unchecked."""
    tag = Tag(keyword)
    ds[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)


def test_valid_attributes_are_copied(make_header):
    """Patient and study of the source stand in the result as they were."""
    taken = read_source(make_header()).patient_and_study

    assert str(taken.PatientName) == "M\u00fcller^J\u00fcrgen"
    assert taken.PatientID == "P-0815"
    assert taken.StudyTime == "101112.5"
    assert taken.PatientAge == "074Y"
    assert taken.InstitutionName == "General Hospital"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyDate", b"2004.08.26"),
        ("StudyDate", b"20230230"),
        ("StudyTime", b"25:99"),
        ("PatientBirthDate", b"UNKNOWN"),
        ("PatientSex", b"X"),
        ("PatientID", b"1" * 65),
        ("PatientID", b"A\\B"),
        ("PatientID", b"A\x07B"),
        ("AccessionNumber", b"0123456789ABCDEFG"),
        ("StudyID", b"\x00\x00"),
        ("PatientName", b"a=b=c=d"),
        ("PatientName", b"x" * 65),
    ],
)
def test_invalid_type_2_value_becomes_empty(make_header, keyword, value):
    """An attribute every result must have is empty where the source's value is invalid."""
    header = make_header()
    raw(header, keyword, value)

    taken = read_source(header).patient_and_study

    assert keyword in taken
    assert not taken[keyword].value


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientAge", b"58"),
        ("PatientSize", b"tall"),
        ("PatientWeight", b"1e999"),
        ("StudyDescription", b"x" * 65),
    ],
)
def test_invalid_optional_value_is_dropped(make_header, keyword, value):
    """An attribute a result need not have is absent where the source's value is invalid."""
    header = make_header()
    raw(header, keyword, value)

    assert keyword not in read_source(header).patient_and_study


def test_value_of_the_wrong_vr_is_read_for_what_it_should_be(make_header):
    """A PatientID that a modality wrote as a number is still the patient's."""
    header = make_header()
    raw(header, "PatientID", (4711).to_bytes(2, "little"), "US")

    assert read_source(header).patient_and_study.PatientID == "4711"


def test_incomplete_procedure_codes_are_dropped(make_header):
    """Only whole code items are taken over."""
    whole, broken = Dataset(), Dataset()
    whole.CodeValue, whole.CodingSchemeDesignator, whole.CodeMeaning = (
        "399208008",
        "SCT",
        "Plain X-ray of chest",
    )
    broken.CodeValue = "1"
    header = make_header(ProcedureCodeSequence=[broken, whole])

    taken = read_source(header).patient_and_study

    assert [item.CodeValue for item in taken.ProcedureCodeSequence] == ["399208008"]


def test_empty_procedure_codes_are_left_out(make_header):
    """An empty sequence says nothing and is not copied."""
    header = make_header(ProcedureCodeSequence=[])

    assert "ProcedureCodeSequence" not in read_source(header).patient_and_study


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_missing_uid_is_an_error_that_names_the_attribute(make_header, keyword):
    """Without its UIDs an image cannot be referred to."""
    with pytest.raises(MissingIdentifierError, match=keyword) as caught:
        read_source(make_header(**{keyword: None}))

    assert caught.value.keyword == keyword


def test_hostile_uid_is_an_error_without_its_value(make_header):
    """What a peer put in place of a UID is not repeated in the error."""
    header = make_header()
    raw(header, "SOPInstanceUID", b"../../etc/passwd", "UI")

    with pytest.raises(MissingIdentifierError) as caught:
        read_source(header)

    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "name", "expected"),
    [
        ("ISO_IR 100", "M\u00fcller^J", ("ISO_IR 100",)),
        ("ISO_IR 192", "\u5c71\u7530^\u592a\u90ce", ("ISO_IR 192",)),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", ("", "ISO 2022 IR 87")),
        (None, "Smith^John", ()),
    ],
)
def test_character_set_is_kept(make_header, declared, name, expected):
    """A known character set that can hold the names stays."""
    source = read_source(make_header(SpecificCharacterSet=declared, PatientName=name))

    assert source.character_set == expected


@pytest.mark.parametrize(
    ("declared", "name"),
    [(None, "M\u00fcller^J"), ("ISO_IR 100", "\u5c71\u7530^"), ("ISO_IR 192", "\u5c71\u7530^")],
)
def test_character_set_that_cannot_hold_the_names_gives_way_to_unicode(make_header, declared, name):
    """No name is written with question marks."""
    source = read_source(make_header(SpecificCharacterSet=declared, PatientName=name))

    assert source.character_set == ("ISO_IR 192",)


def test_unknown_character_set_gives_way_to_unicode(make_header):
    """A made-up character set is not passed on."""
    header = make_header(PatientName="Smith^John")
    raw(header, "SpecificCharacterSet", b"KLINGON", "CS")

    assert read_source(header).character_set == ("ISO_IR 192",)


@pytest.mark.parametrize(
    ("text", "minutes"), [("+0530", 330), ("-0400", -240), ("+1400", 840), ("+1500", None), ("2", None)]
)
def test_timezone_offset(make_header, text, minutes):
    """An offset within the standard's range is understood, any other ignored."""
    header = make_header()
    raw(header, "TimezoneOffsetFromUTC", text.encode(), "SH")

    expected = None if minutes is None else timezone(timedelta(minutes=minutes))

    assert read_source(header).offset == expected


@pytest.mark.parametrize("orientation", [b"", b"L", b"L\\F\\H", b"L\\X", b"l\\f"])
def test_invalid_orientation_is_dropped(make_header, orientation):
    """PatientOrientation is two directions or nothing."""
    header = make_header()
    raw(header, "PatientOrientation", orientation, "CS")

    assert "PatientOrientation" not in read_source(header).image
