"""The Structured Report: TID 1500 as a Comprehensive 3D SR, one for a study.

Findings with a box are measurement groups (TID 1410); every finding of every image stands under Qualitative
Evaluations. What viewers need was measured: OHIF cannot show a report with a measurement group that has no
SCOORD, without an Image Library, or without the container Imaging Measurements, which is therefore there even
when it is empty. A box can be adopted as one's own measurement only if its coordinates stand under the NUM.
"""

from collections.abc import Sequence
from typing import NamedTuple

import highdicom.sr as hd
import numpy as np
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from db.vocabulary import FINDINGS
from inference.prediction import Box, FindingScore
from node.objects import codes, items
from node.objects.header import Source
from node.objects.identity import Identity
from node.objects.language import Language
from node.objects.model import ModelDescription
from node.objects.modules import SERIES_NUMBERS, Making, complete, stand_in
from node.objects.reading import BOX_THRESHOLD, Reading, percent, shown_boxes

KIND = ResultKind.SR

_MODALITIES = {
    "1.2.840.10008.5.1.4.1.1.1": CodedConcept("CR", "DCM", "Computed Radiography"),
    "1.2.840.10008.5.1.4.1.1.1.1": CodedConcept("DX", "DCM", "Digital Radiography"),
    "1.2.840.10008.5.1.4.1.1.1.1.1": CodedConcept("DX", "DCM", "Digital Radiography"),
}
_OTHER = CodedConcept("OT", "DCM", "Other")


class Predecessor(NamedTuple):
    """The report of an earlier revision of the study, which the new one replaces."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str


def build_report(
    readings: Sequence[Reading], sources: Sequence[Source], making: Making, predecessor: Predecessor | None
) -> Dataset:
    """Report all readings of a study in one document: complete, unverified, preliminary."""
    evidence = [
        stand_in(source, reading.prediction.rows, reading.prediction.columns)
        for reading, source in zip(readings, sources, strict=True)
    ]
    title = codes.REPORT if _has_region(readings) else codes.IMAGING_REPORT
    content = _content(readings, sources, making)
    return document(
        KIND, title=title, evidence=evidence, content=content, source=sources[0], making=making, predecessor=predecessor
    )


def _has_region(readings: Sequence[Reading]) -> bool:
    """Whether there is a box to be shown.

    OHIF draws the regions of what is titled Imaging Measurement Report, and shows nothing if there are none. The words
    of a document under any other title it shows as text. The set of titles may be extended (CID 7021).
    """
    return any(shown_boxes(score) for reading in readings for score in reading.prediction.scores)


def document(
    kind: ResultKind,
    *,
    title: CodedConcept,
    evidence: Sequence[Dataset],
    content: hd.ContentSequence,
    source: Source,
    making: Making,
    predecessor: Predecessor | None = None,
    template: str = "1500",
) -> Dataset:
    """A Comprehensive 3D SR of a template with this content under its root: complete, unverified, preliminary."""
    identity = making.identity
    root = hd.ContainerContentItem(name=title, template_id=template)
    root.ContentSequence = hd.ContentSequence()
    report = hd.Comprehensive3DSR(
        evidence=evidence,
        content=root,
        series_instance_uid=identity.series_instance_uid(kind),
        series_number=SERIES_NUMBERS[kind],
        sop_instance_uid=identity.sop_instance_uid(kind),
        instance_number=1,
        manufacturer=making.model.manufacturer,
        is_complete=True,
        is_final=False,
        is_verified=False,
        previous_versions=None if predecessor is None else [_document_reference(predecessor)],
    )
    # Put in afterwards: highdicom would copy the whole tree twice, which takes longer than all the rest.
    report.ContentSequence = content
    complete(report, kind, source, making, making.language.letters)
    return report


def _document_reference(predecessor: Predecessor) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = predecessor.sop_class_uid
    ds.SOPInstanceUID = predecessor.sop_instance_uid
    ds.SeriesInstanceUID = predecessor.series_instance_uid
    ds.StudyInstanceUID = predecessor.study_instance_uid
    return ds


def _content(readings: Sequence[Reading], sources: Sequence[Source], making: Making) -> hd.ContentSequence:
    """What stands under the root of TID 1500 Measurement Report."""
    content = opening(making)
    content.append(_image_library(readings, sources))
    content.append(_imaging_measurements(readings, sources, making))
    content.append(_qualitative_evaluations(readings, sources, making))
    return content


def opening(making: Making) -> hd.ContentSequence:
    """What every document begins with: its language, who observed, and of which procedure."""
    content = hd.ContentSequence(language_of(making))
    content.extend(_observer(making.model))
    content.append(items.code(codes.PROCEDURE_REPORTED, codes.CHEST_RADIOGRAPHY, "HAS CONCEPT MOD"))
    return content


def language_of(making: Making) -> hd.LanguageOfContentItemAndDescendants:
    """TID 1204."""
    language = making.language
    return hd.LanguageOfContentItemAndDescendants(CodedConcept(language.code, "RFC5646", language.meaning))


def _observer(model: ModelDescription) -> hd.ObservationContext:
    """TID 1001 with a device observer (TID 1004)."""
    device = hd.DeviceObserverIdentifyingAttributes(
        uid=model.device_uid,
        name=model.device_name,
        manufacturer_name=model.manufacturer,
        model_name=model.device_name,
        serial_number=model.serial_number,
    )
    return hd.ObservationContext(observer_device_context=hd.ObserverContext(codes.DEVICE, device))


def _image_library(readings: Sequence[Reading], sources: Sequence[Source]) -> hd.ContainerContentItem:
    """TID 1600, all images in one group; highdicom's own asks for attributes that many CR images lack."""
    images = hd.ContentSequence()
    for reading, source in zip(readings, sources, strict=True):
        image = items.image(source, codes.SOURCE, "CONTAINS")
        modality = _MODALITIES.get(source.sop_class_uid, _OTHER)
        image.ContentSequence = hd.ContentSequence(
            [
                items.code(codes.MODALITY, modality, "HAS ACQ CONTEXT"),
                items.number(codes.PIXEL_DATA_ROWS, reading.prediction.rows, codes.PIXELS, "HAS ACQ CONTEXT"),
                items.number(codes.PIXEL_DATA_COLUMNS, reading.prediction.columns, codes.PIXELS, "HAS ACQ CONTEXT"),
            ]
        )
        images.append(image)
    group = hd.ContainerContentItem(name=codes.IMAGE_LIBRARY_GROUP, relationship_type="CONTAINS")
    group.ContentSequence = images
    library = hd.ContainerContentItem(name=codes.IMAGE_LIBRARY, relationship_type="CONTAINS")
    library.ContentSequence = hd.ContentSequence([group])
    return library


def _imaging_measurements(
    readings: Sequence[Reading], sources: Sequence[Source], making: Making
) -> hd.ContainerContentItem:
    """One group for each box of a finding at or above its operating point."""
    container = hd.ContainerContentItem(name=codes.IMAGING_MEASUREMENTS, relationship_type="CONTAINS")
    groups = hd.ContentSequence()
    for reading, source in zip(readings, sources, strict=True):
        for score in reading.prediction.scores:
            for number, box in enumerate(shown_boxes(score), start=1):
                groups.extend(_group(score, box, number, source, making))
    if groups:
        container.ContentSequence = groups
    return container


def _group(
    score: FindingScore, box: Box, number: int, source: Source, making: Making
) -> hd.PlanarROIMeasurementsAndQualitativeEvaluations:
    """TID 1410: a finding, its site, its certainty, and the region as a closed polyline."""
    finding = FINDINGS[score.finding]
    outline = corners(box)
    image = hd.SourceImageForRegion(source.sop_class_uid, source.sop_instance_uid)
    certainty = hd.Measurement(codes.CERTAINTY, percent(score.probability), codes.PERCENT)
    group = hd.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.TrackingIdentifier(
            uid=_tracking_uid(making.identity, source, score.finding, number),
            identifier=f"{finding.code.meaning} {number}",
        ),
        referenced_region=hd.ImageRegion(hd.GraphicTypeValues.POLYLINE, outline, image),
        finding_type=codes.concept(finding.code),
        finding_sites=[hd.FindingSite(codes.concept(finding.site))] if finding.site else None,
        algorithm_id=algorithm(making.model, [score]),
        measurements=[certainty],
    )
    # Added afterwards: TID 1410 needs no coordinates under its NUM, and highdicom refuses them at the start.
    inferred_from = hd.CoordinatesForMeasurement(hd.GraphicTypeValues.POLYLINE, outline, image)
    certainty[0].ContentSequence = hd.ContentSequence([inferred_from])
    return group


def _tracking_uid(identity: Identity, source: Source, finding: str, number: int) -> str:
    return identity.uid("region", source.sop_instance_uid, finding, str(number))


def corners(box: Box) -> np.ndarray:
    """Five (column, row) points round the box, the last on the first.

    The origin is the outer corner of the first pixel, so that a box ends where its last pixel does
    (DICOM PS3.3 C.18.6.1.2).
    """
    left, top, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]], dtype=np.float32)


def _qualitative_evaluations(
    readings: Sequence[Reading], sources: Sequence[Source], making: Making
) -> hd.ContainerContentItem:
    """Every finding of every image, present or below its operating point."""
    container = hd.ContainerContentItem(name=codes.QUALITATIVE_EVALUATIONS, relationship_type="CONTAINS")
    content = hd.ContentSequence()
    content.extend(algorithm(making.model, readings[0].prediction.scores))
    content.append(items.text(making.language.explanation, "CONTAINS"))
    for reading, source in zip(readings, sources, strict=True):
        content.append(items.text(_summary(reading, making.language), "CONTAINS"))
        for score in reading.prediction.scores:
            content.append(_evaluation(score, source, making.language))
    container.ContentSequence = content
    return container


def _summary(reading: Reading, language: Language) -> str:
    """All findings of an image in one sentence: viewers of text show an answer without its question."""
    findings = (
        f"{FINDINGS[score.finding].code.meaning} {language.percentage(percent(score.probability))} "
        f"({language.percentage(percent(score.operating_point))})"
        for score in reading.prediction.scores
    )
    return language.summary.format(findings="; ".join(findings))


def _evaluation(score: FindingScore, source: Source, language: Language) -> hd.CodeContentItem:
    presence = codes.PRESENT if score.present else codes.ABSENT
    item = items.code(codes.concept(FINDINGS[score.finding].code), presence, "CONTAINS")
    item.ContentSequence = hd.ContentSequence(
        [
            items.number(codes.CERTAINTY, percent(score.probability), codes.PERCENT, "HAS PROPERTIES"),
            items.text(_in_words(score, language), "HAS PROPERTIES"),
            items.image(source, codes.SOURCE_OF_MEASUREMENT, "INFERRED FROM"),
        ]
    )
    return item


def _in_words(score: FindingScore, language: Language) -> str:
    sentence = language.present if score.present else language.absent
    return sentence.format(
        probability=language.percentage(percent(score.probability)),
        point=language.percentage(percent(score.operating_point)),
        regions=len(shown_boxes(score)),
    )


def algorithm(model: ModelDescription, scores: Sequence[FindingScore]) -> hd.AlgorithmIdentification:
    """TID 4019; the parameters are the operating points and the heat map level of the boxes."""
    return hd.AlgorithmIdentification(
        name=model.name,
        version=model.version,
        parameters=[
            *(f"operating point of {score.finding} = {score.operating_point:.6g}" for score in scores),
            f"box threshold = {BOX_THRESHOLD} of 255",
        ],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=model.manufacturer,
    )
