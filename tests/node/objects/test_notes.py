"""Notes on a study: that it was not read, and that results are taken back."""

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from db.result_records import ResultKind
from db.vocabulary import Reason, RejectionReason
from node.objects.encoding import encode
from node.objects.errors import StudyMismatchError
from node.objects.language import LANGUAGES, language
from node.objects.not_processed import Unread, build_not_processed
from node.objects.rejection import Retracted, build_rejection

SR, SEG, GSPS = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.11.1"
OBJECTS = (
    Retracted(sop_class_uid=SR, sop_instance_uid="2.25.11", series_instance_uid="2.25.1"),
    Retracted(sop_class_uid=SEG, sop_instance_uid="2.25.22", series_instance_uid="2.25.2"),
    Retracted(sop_class_uid=SEG, sop_instance_uid="2.25.21", series_instance_uid="2.25.2"),
    Retracted(sop_class_uid=GSPS, sop_instance_uid="2.25.31", series_instance_uid="2.25.3"),
)


def _texts(ds) -> list[str]:
    return [element.value for element in ds.iterall() if element.keyword == "TextValue"]


@pytest.mark.peer
@pytest.mark.parametrize("name", LANGUAGES)
def test_not_read_says_why(make_header, identity, model, created, dciodvfy, dsrdump, name):
    """The report names each image with its reason, in the language of a setting, and is valid."""
    images = [
        Unread(header=make_header(), reason=Reason.NOT_FRONTAL),
        Unread(header=make_header(SOPInstanceUID="1.2.3.9"), reason=Reason.UNDECODABLE),
    ]

    result = build_not_processed(images, identity=identity, model=model, created=created, language=name)

    file = encode(result.dataset)
    words = language(name)
    assert dciodvfy(file) == []
    assert "Summary of Detections" in dsrdump(file)
    back = dcmread(DicomBytesIO(file))
    assert result.kind is ResultKind.NOT_PROCESSED
    assert words.not_processed in _texts(back)
    assert {words.reason(Reason.NOT_FRONTAL), words.reason(Reason.UNDECODABLE)} <= set(_texts(back))
    assert str(back.PatientName) == "M\u00fcller^J\u00fcrgen"


def test_not_read_names_its_predecessor(make_header, identity, model, created):
    """A study that was read before and is not now says which report is out of date."""
    earlier = (SR, "2.25.1", "2.25.2", identity.study_instance_uid)
    unread = [Unread(header=make_header(), reason=Reason.TOO_LARGE)]

    result = build_not_processed(unread, identity=identity, model=model, created=created, predecessor=earlier)

    [study] = result.dataset.PredecessorDocumentsSequence
    assert study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.1"


def test_not_read_needs_images_of_the_study(make_header, identity, model, created):
    """An image of another study is refused, as is none."""
    other = [Unread(header=make_header(StudyInstanceUID="1.2.3"), reason=Reason.NOT_CHEST)]

    with pytest.raises(StudyMismatchError):
        build_not_processed(other, identity=identity, model=model, created=created)
    with pytest.raises(ValueError, match="at least one"):
        build_not_processed([], identity=identity, model=model, created=created)


def test_every_reason_has_its_sentence_in_every_language():
    """No reason is sent without words."""
    for name in LANGUAGES:
        assert set(language(name).reasons) == {reason.value for reason in Reason}


def test_unknown_language_is_refused():
    """A setting with a typing error is named."""
    with pytest.raises(ValueError, match="choose one of en, de"):
        language("xx")


@pytest.mark.peer
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (RejectionReason.QUALITY, "113001"),
        (RejectionReason.PATIENT_SAFETY, "113037"),
        (RejectionReason.RETENTION, "113039"),
    ],
)
def test_rejection_refers_to_every_object(make_header, identity, model, created, dciodvfy, dsrdump, reason, code):
    """The note has the reason as its title and names each object in its series."""
    result = build_rejection(make_header(), OBJECTS, reason, identity=identity, model=model, created=created)

    file = encode(result.dataset)
    back = dcmread(DicomBytesIO(file))
    [study] = back.CurrentRequestedProcedureEvidenceSequence
    assert back.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.59"
    assert back.ConceptNameCodeSequence[0].CodeValue == code
    assert back.StudyInstanceUID == study.StudyInstanceUID == identity.study_instance_uid
    assert {
        series.SeriesInstanceUID: [sop.ReferencedSOPInstanceUID for sop in series.ReferencedSOPSequence]
        for series in study.ReferencedSeriesSequence
    } == {"2.25.1": ["2.25.11"], "2.25.2": ["2.25.21", "2.25.22"], "2.25.3": ["2.25.31"]}
    assert [item.ValueType for item in back.ContentSequence] == ["TEXT", "COMPOSITE", "IMAGE", "IMAGE", "COMPOSITE"]
    assert dciodvfy(file) == []
    assert "Key Object" in dsrdump(file)


def test_rejection_is_the_same_note_when_built_again(make_header, identity, model, created):
    """Order and repetition of the objects change nothing; another reason, or other objects, are another note."""

    def note(objects, reason):
        built = build_rejection(make_header(), objects, reason, identity=identity, model=model, created=created)
        return built.sop_instance_uid, encode(built.dataset)

    once = note(OBJECTS, RejectionReason.QUALITY)

    assert note((*reversed(OBJECTS), OBJECTS[0]), RejectionReason.QUALITY) == once
    assert note(OBJECTS[:1], RejectionReason.QUALITY)[0] != once[0]
    assert note(OBJECTS, RejectionReason.PATIENT_SAFETY)[0] != once[0]
    with pytest.raises(ValueError, match="at least one"):
        note((), RejectionReason.QUALITY)
