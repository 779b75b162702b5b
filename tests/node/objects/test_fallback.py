"""A report as an older SOP Class."""

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from db.result_records import ResultKind
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.errors import NoFallbackError
from node.objects.fallback import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, ENHANCED_SR, as_sop_class


@pytest.fixture(scope="module")
def report(make_reading, identity, model, created):
    return build([make_reading()], identity=identity, model=model, created=created)[0].dataset


@pytest.mark.peer
@pytest.mark.parametrize(("sop_class", "words"), [(COMPREHENSIVE_SR, "Comprehensive SR"), (ENHANCED_SR, "Enhanced SR")])
def test_older_classes_are_valid(report, dciodvfy, dsrdump, sop_class, words):
    """A peer that takes one of them gets the whole content, boxes included."""
    older = encode(as_sop_class(report, sop_class))

    text = dsrdump(older)

    assert dciodvfy(older) == []
    assert text.startswith(f"{words} Document")
    assert text.count("SCOORD") == dsrdump(encode(report)).count("SCOORD") == 4


def test_another_class_is_another_instance(report):
    """Its UID is its own and always the same; the report it was made of is left alone."""
    first, again = (as_sop_class(report, ENHANCED_SR) for _ in range(2))

    assert encode(first, ExplicitVRLittleEndian) == encode(again, ExplicitVRLittleEndian)
    uids = {each.SOPInstanceUID for each in (first, report, as_sop_class(report, COMPREHENSIVE_SR))}
    assert len(uids) == 3
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert report.SOPClassUID == COMPREHENSIVE_3D_SR


def test_its_own_class_is_itself(report):
    """Who asks for what it is gets it."""
    assert encode(as_sop_class(report, COMPREHENSIVE_3D_SR)) == encode(report)


def test_what_has_no_fallback_is_refused(report, make_reading, identity, model, created):
    """A picture is no report, and a report no picture."""
    [picture] = build([make_reading()], identity=identity, model=model, created=created, kinds={ResultKind.OVERLAY})

    with pytest.raises(NoFallbackError):
        as_sop_class(picture.dataset, ENHANCED_SR)
    with pytest.raises(NoFallbackError):
        as_sop_class(report, str(picture.sop_class_uid))
