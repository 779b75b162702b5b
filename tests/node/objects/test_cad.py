"""The Chest CAD SR."""

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from db.result_records import ResultKind
from node.objects import codes
from node.objects.bundle import build
from node.objects.encoding import encode


def _report(readings, identity, model, created):
    [result] = build(readings, identity=identity, model=model, created=created, kinds={ResultKind.CAD})
    return dcmread(DicomBytesIO(encode(result.dataset)))


def _item(container, name):
    [found] = [i for i in container.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == name.value]
    return found


def test_each_box_is_a_finding_with_its_place(make_reading, identity, model, created):
    """A finding has its name, its certainty, its centre and its outline, on an image of the library."""
    reading = make_reading(present=("Mass",))
    box = reading.prediction.scores[4].boxes[1]

    report = _report([reading], identity, model, created)

    assert report.SOPClassUID == report.file_meta.MediaStorageSOPClassUID == "1.2.840.10008.5.1.4.1.1.88.65"
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "4100"
    summary = _item(report, codes.CAD_SUMMARY)
    assert summary.ConceptCodeSequence[0].CodeMeaning == "All algorithms succeeded; with findings"
    [finding] = summary.ContentSequence
    assert _item(finding, codes.FINDING_MODIFIER).ConceptCodeSequence[0].CodeMeaning == "Mass"
    centre = _item(finding, codes.CENTER)
    assert centre.GraphicData == [box.x + box.width / 2, box.y + box.height / 2]
    assert centre.ContentSequence[0].ReferencedContentItemIdentifier == [1, 2, 1]
    assert report.ContentSequence[1].ConceptNameCodeSequence[0].CodeMeaning == "Image Library"


def test_nothing_above_threshold(make_reading, identity, model, created):
    """All was looked for and nothing found, which is not the same as nothing was looked for."""
    report = _report([make_reading(present=())], identity, model, created)

    summary = _item(report, codes.CAD_SUMMARY)
    detections = _item(report, codes.SUMMARY_OF_DETECTIONS).ContentSequence[0]

    assert summary.ConceptCodeSequence[0].CodeMeaning == "All algorithms succeeded; without findings"
    assert "ContentSequence" not in summary
    assert len(detections.ContentSequence) == 8


@pytest.mark.peer
def test_dcmtk_follows_the_references(make_header, make_reading, identity, model, created, dsrdump):
    """Regions of the second image refer to the second entry of the library."""
    second = make_reading(make_header(SOPInstanceUID="1.2.3.9"), present=("Nodule",))
    results = build([make_reading(), second], identity=identity, model=model, created=created, kinds={ResultKind.CAD})

    text = dsrdump(encode(results[0].dataset))

    assert text.count("<selected from 1.2.1>") == 4
    assert text.count("<selected from 1.2.2>") == 2
