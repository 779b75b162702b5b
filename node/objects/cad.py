"""The Chest CAD SR (TID 4100), for a PACS that knows this older form of a detector's report.

highdicom has no class for it: the document is built as any other report, and named a Chest CAD SR at the end. Its
regions refer to images of its own Image Library by their place in the tree (DICOM PS3.3 A.35.6.3.1).
"""

from collections.abc import Iterator, Sequence

import highdicom.sr as hd
import numpy as np
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from db.vocabulary import FINDINGS
from inference.eligibility import view
from inference.prediction import Box, FindingScore
from node.objects import codes, items
from node.objects.header import Source
from node.objects.modules import Making, rename, stand_in
from node.objects.reading import Reading, percent, shown_boxes
from node.objects.sr import algorithm, corners, document, language_of

KIND = ResultKind.CAD
CHEST_CAD_SR = "1.2.840.10008.5.1.4.1.1.88.65"
_CATEGORIES = {
    "Cardiomegaly": codes.RADIOGRAPHIC_ANATOMY,
    "Pneumothorax": codes.ABNORMAL_LUCENCY,
    "Emphysema": codes.ABNORMAL_LUCENCY,
}
"""What a detector of this kind calls a finding (CID 6101) where it is no opacity; its name is the modifier."""
_LIBRARY = 2
"""The Image Library's place under the root, after the language."""


def build_cad_report(readings: Sequence[Reading], sources: Sequence[Source], making: Making) -> Dataset:
    """Report the findings that are present, each with its regions, and what was looked for."""
    evidence = [
        stand_in(source, reading.prediction.rows, reading.prediction.columns)
        for reading, source in zip(readings, sources, strict=True)
    ]
    content = hd.ContentSequence(language_of(making))
    content.append(_image_library(readings, sources))
    content.append(_summary(readings))
    content.append(_detections(readings, making))
    content.append(items.code(codes.SUMMARY_OF_ANALYSES, codes.NOT_ATTEMPTED, "CONTAINS"))
    report = document(
        KIND,
        title=codes.CHEST_CAD_REPORT,
        evidence=evidence,
        content=content,
        source=sources[0],
        making=making,
        template="4100",
    )
    rename(report, CHEST_CAD_SR, report.SOPInstanceUID)
    return report


def _image_library(readings: Sequence[Reading], sources: Sequence[Source]) -> hd.ContainerContentItem:
    """TID 4020 for each image: its view and the study's date, where they are known."""
    library = hd.ContainerContentItem(name=codes.IMAGE_LIBRARY, relationship_type="CONTAINS")
    library.ContentSequence = hd.ContentSequence()
    for reading, source in zip(readings, sources, strict=True):
        image = items.image(source, codes.SOURCE, "CONTAINS")
        context = hd.ContentSequence()
        projection = codes.VIEWS.get(view(reading.header) or "")
        if projection is not None:
            context.append(items.code(codes.IMAGE_VIEW, projection, "HAS ACQ CONTEXT"))
        date = source.patient_and_study.StudyDate
        if date:
            context.append(hd.DateContentItem(name=codes.STUDY_DATE, value=date, relationship_type="HAS ACQ CONTEXT"))
        if context:
            image.ContentSequence = context
        library.ContentSequence.append(image)
    return library


def _summary(readings: Sequence[Reading]) -> hd.CodeContentItem:
    """TID 4101: whether there are findings, and each of them (TID 4104)."""
    findings = [
        finding
        for number, reading in enumerate(readings, start=1)
        for score in reading.prediction.scores
        if score.present
        for finding in _findings(score, number)
    ]
    value = codes.WITH_FINDINGS if findings else codes.WITHOUT_FINDINGS
    summary = items.code(codes.CAD_SUMMARY, value, "CONTAINS")
    if findings:
        summary.ContentSequence = hd.ContentSequence(findings)
    return summary


def _findings(score: FindingScore, image: int) -> Iterator[hd.CodeContentItem]:
    """A Single Image Finding for each box; one without a place where the finding has none."""
    boxes: list[Box | None] = [*shown_boxes(score)]
    for box in boxes or [None]:
        category = _CATEGORIES.get(score.finding, codes.ABNORMAL_OPACITY)
        finding = items.code(codes.SINGLE_IMAGE_FINDING, category, "INFERRED FROM")
        name = codes.concept(FINDINGS[score.finding].code)
        finding.ContentSequence = hd.ContentSequence(
            [
                items.code(codes.RENDERING_INTENT, codes.PRESENTATION_REQUIRED, "HAS CONCEPT MOD"),
                items.code(codes.FINDING_MODIFIER, name, "HAS CONCEPT MOD"),
                items.number(codes.CERTAINTY, percent(score.probability), codes.PERCENT, "HAS PROPERTIES"),
                *([] if box is None else _geometry(box, image)),
            ]
        )
        yield finding


def _geometry(box: Box, image: int) -> list[hd.ScoordContentItem]:
    """TID 4107: the centre of a region and its outline."""
    outline = corners(box)
    centre = np.array([[box.x + box.width / 2, box.y + box.height / 2]], dtype=np.float32)
    regions = []
    for name, kind, points in ((codes.CENTER, "POINT", centre), (codes.OUTLINE, "POLYLINE", outline)):
        region = hd.ScoordContentItem(
            name=name, graphic_type=kind, graphic_data=points, relationship_type="HAS PROPERTIES"
        )
        items.hold(region, [_reference(image, "SELECTED FROM")])
        regions.append(region)
    return regions


def _reference(image: int, relationship: str) -> Dataset:
    """An image of the Image Library, by its place in the tree (DICOM PS3.3 C.17.3.2.5)."""
    item = Dataset()
    item.RelationshipType = relationship
    item.ReferencedContentItemIdentifier = [1, _LIBRARY, image]
    return item


def _detections(readings: Sequence[Reading], making: Making) -> hd.CodeContentItem:
    """TID 4015 and 4017: what was looked for, by which algorithm, on which images."""
    performed = hd.ContentSequence()
    for score in readings[0].prediction.scores:
        value = codes.concept(FINDINGS[score.finding].code)
        detection = items.code(codes.DETECTION_PERFORMED, value, "CONTAINS")
        described = algorithm(making.model, [score])
        for item in described:
            item.RelationshipType = "HAS PROPERTIES"
        images = [_reference(number, "HAS PROPERTIES") for number in range(1, len(readings) + 1)]
        items.hold(detection, [*described, *images])
        performed.append(detection)
    successful = hd.ContainerContentItem(name=codes.SUCCESSFUL_DETECTIONS, relationship_type="INFERRED FROM")
    successful.ContentSequence = performed
    summary = items.code(codes.SUMMARY_OF_DETECTIONS, codes.SUCCEEDED, "CONTAINS")
    summary.ContentSequence = hd.ContentSequence([successful])
    return summary
