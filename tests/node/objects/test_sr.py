"""The Structured Report, written and read back."""

import highdicom as hd
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO

from inference.prediction import Box
from node.objects import codes
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.sr import corners


def _report(readings, identity, model, created, **options) -> Dataset:
    results = build(readings, identity=identity, model=model, created=created, **options)
    return dcmread(DicomBytesIO(encode(results[0].dataset)))


def _items(container, name):
    return [
        item for item in container.get("ContentSequence", []) if item.ConceptNameCodeSequence[0].CodeValue == name.value
    ]


@pytest.fixture(scope="module")
def report(make_reading, identity, model, created):
    return _report([make_reading()], identity, model, created)


def test_document_states(report):
    """It is complete, nobody verified it, and it is preliminary."""
    assert report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34"
    assert (report.CompletionFlag, report.VerificationFlag, report.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert report.SeriesDescription.startswith("AI result - not for diagnosis")


def test_highdicom_reads_it_back(report):
    """Groups, their region, finding and measurement come back through highdicom's own reader."""
    content = hd.sr.Comprehensive3DSR.from_dataset(report).content

    groups = content.get_planar_roi_measurement_groups()

    assert [group.finding_type.meaning for group in groups] == ["Cardiomegaly", "Mass"]
    for group in groups:
        assert group.roi.graphic_type == hd.sr.GraphicTypeValues.POLYLINE
        assert group.roi.value.shape == (5, 2)
        assert (group.roi.value[0] == group.roi.value[-1]).all()
        assert [one.name.value for one in group.get_measurements()] == ["111012"]
    assert [site.value.meaning for site in groups[1].finding_sites] == ["Lung"]
    observer = content.get_observer_contexts()[0]
    assert observer.observer_identifying_attributes.manufacturer_name == "cxr-node"


def test_region_is_the_box_at_180(report, make_reading):
    """The polyline runs round the box at level 180, not round the one at 60."""
    scores = make_reading().prediction.scores
    box = next(box for box in scores[1].boxes if box.threshold == 180)

    group = hd.sr.Comprehensive3DSR.from_dataset(report).content.get_planar_roi_measurement_groups()[0]

    assert group.roi.value.min(axis=0).tolist() == [box.x, box.y]
    assert group.roi.value.max(axis=0).tolist() == [box.x + box.width, box.y + box.height]


def test_corners_of_a_box():
    """Hand-computed: a box of 3 by 4 pixels at (1, 2) ends at (4, 6)."""
    outline = corners(Box(x=1, y=2, width=3, height=4, threshold=180))

    assert outline.tolist() == [[1, 2], [4, 2], [4, 6], [1, 6], [1, 2]]


def test_every_group_has_its_region_twice(report):
    """As Image Region and under the NUM, so that OHIF shows it and lets a person adopt it."""
    groups = _items(_items(report, codes.IMAGING_MEASUREMENTS)[0], hd.sr.CodedConcept("125007", "DCM", "x"))

    assert len(groups) == 2
    for group in groups:
        [region] = [item for item in group.ContentSequence if item.ValueType == "SCOORD"]
        [number] = [item for item in group.ContentSequence if item.ValueType == "NUM"]
        [inferred] = number.ContentSequence
        assert region.ConceptNameCodeSequence[0].CodeValue == "111030"
        assert inferred.RelationshipType == "INFERRED FROM"
        assert inferred.GraphicData == region.GraphicData
        assert region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID.endswith(".1.3")


def test_every_item_has_a_concept_name(report):
    """OHIF looks for the concept name of every item, without asking whether there is one."""
    sequences = [element.value for element in report.iterall() if element.keyword == "ContentSequence"]
    nameless = [item for items in sequences for item in items if "ConceptNameCodeSequence" not in item]

    assert nameless == []


def test_all_findings_are_evaluated(report, make_reading):
    """Each finding is present or absent, with certainty, image, and words for what absent means."""
    [container] = _items(report, codes.QUALITATIVE_EVALUATIONS)
    evaluations = [item for item in container.ContentSequence if item.ValueType == "CODE"][1:]

    assert len(evaluations) == 8
    for item, score in zip(evaluations, make_reading().prediction.scores, strict=True):
        number, words, image = item.ContentSequence
        assert item.ConceptCodeSequence[0].CodeMeaning == ("Present" if score.present else "Absent")
        assert float(number.MeasuredValueSequence[0].NumericValue) == round(score.probability * 100, 2)
        assert number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "%"
        assert score.present or "below the operating point" in words.TextValue
        assert image.ReferencedSOPSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.1"


def test_effusion_is_coded_as_pleural_effusion(report):
    """The label Effusion is never sent under a code that could mean another effusion."""
    [container] = _items(report, codes.QUALITATIVE_EVALUATIONS)
    named = {item.ConceptNameCodeSequence[0].CodeValue for item in container.ContentSequence}

    assert "60046008" in named


def test_algorithm_and_operating_points_are_named(report, model, make_reading):
    """TID 4019 stands once for the whole document, with one parameter a finding and the box threshold."""
    [container] = _items(report, codes.QUALITATIVE_EVALUATIONS)
    texts = {
        value: [
            item.TextValue for item in container.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == value
        ]
        for value in ("111001", "111003", "111002")
    }

    assert texts["111001"] == [model.name]
    assert texts["111003"] == [model.version]
    assert texts["111002"][1] == "operating point of Cardiomegaly = 0.32"
    assert texts["111002"][-1] == "box threshold = 180 of 255"


def test_nothing_above_threshold_keeps_an_empty_container(make_reading, identity, model, created):
    """OHIF fails on a report without the container Imaging Measurements, so that it stays, empty."""
    report = _report([make_reading(present=())], identity, model, created)

    [container] = _items(report, codes.IMAGING_MEASUREMENTS)

    assert "ContentSequence" not in container


def test_two_images_share_one_library_and_the_evidence(make_header, make_reading, identity, model, created):
    """A study's frontal images are reported together."""
    second = make_header(SOPInstanceUID="1.2.3.9", SeriesInstanceUID="1.2.3.8")

    report = _report([make_reading(), make_reading(second)], identity, model, created)

    [library] = _items(report, codes.IMAGE_LIBRARY)
    [group] = library.ContentSequence
    [evidence] = report.CurrentRequestedProcedureEvidenceSequence
    referenced = [
        sop.ReferencedSOPInstanceUID
        for series in evidence.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    ]
    assert len(group.ContentSequence) == 2
    assert len(referenced) == 2
    tracking = [item.UID for item in _tracked(report)]
    assert len(tracking) == len(set(tracking)) == 4


def _tracked(report):
    [container] = _items(report, codes.IMAGING_MEASUREMENTS)
    return [
        item
        for group in container.ContentSequence
        for item in group.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "112040"
    ]


def test_predecessor_is_named(make_reading, identity, model, created):
    """A later revision says which report it replaces."""
    earlier = ("1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2", identity.study_instance_uid)

    report = _report([make_reading()], identity, model, created, predecessor=earlier)

    [study] = report.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == identity.study_instance_uid
    assert series.SeriesInstanceUID == "2.25.2"
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.1"


def test_no_predecessor_no_sequence(report):
    """A first report claims no predecessor."""
    assert "PredecessorDocumentsSequence" not in report


@pytest.mark.peer
@pytest.mark.parametrize("present", [(), ("Cardiomegaly", "Effusion", "Nodule")])
def test_dcmtk_reads_it(make_reading, identity, model, created, dsrdump, present):
    """DCMTK accepts the document and shows findings and certainty."""
    results = build([make_reading(present=present)], identity=identity, model=model, created=created)

    text = dsrdump(encode(results[0].dataset))

    assert ("Imaging Measurement Report" if present else "Diagnostic Imaging Report") in text
    assert text.count("Certainty of Finding") == 8 + len(present)


def test_language_of_a_setting(make_reading, identity, model, created):
    """Sentences are in the language asked for; codes keep the meanings that viewers look for."""
    reading = make_reading()

    report = _report([reading], identity, model, created, language="de")

    texts = [element.value for element in report.iterall() if element.keyword == "TextValue"]
    assert report.ContentSequence[0].ConceptCodeSequence[0].CodeValue == "de-DE"
    assert any("Cardiomegaly 85 (32)" in text and text.startswith("Wahrscheinlichkeit") for text in texts)
    assert any(text.startswith("KI-Ergebnis") for text in texts)
    assert report.SpecificCharacterSet == "ISO_IR 100"
    assert _items(report, codes.IMAGING_MEASUREMENTS)[0].ConceptNameCodeSequence[0].CodeMeaning == (
        "Imaging Measurements"
    )


def test_japanese_takes_unicode(make_reading, identity, model, created):
    """A report whose sentences its image's character set cannot hold is in Unicode, names unchanged."""
    report = _report([make_reading()], identity, model, created, language="ja")

    assert report.SpecificCharacterSet == "ISO_IR 192"
    assert str(report.PatientName) == "M\u00fcller^J\u00fcrgen"


def test_report_without_a_box_is_text_to_ohif(make_reading, identity, model, created):
    """OHIF shows an Imaging Measurement Report without a region as an empty viewport, and others as text."""
    without = _report([make_reading(present=())], identity, model, created)
    with_box = _report([make_reading()], identity, model, created)

    assert without.ConceptNameCodeSequence[0].CodeMeaning == "Diagnostic Imaging Report"
    assert with_box.ConceptNameCodeSequence[0].CodeValue == "126000"
    [container] = _items(without, codes.QUALITATIVE_EVALUATIONS)
    assert any("Pleural effusion" in item.get("TextValue", "") for item in container.ContentSequence)
