"""The report of a study that was not read, with the reason: no result of an AI is not the absence of a finding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import highdicom.sr as hd
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from db.vocabulary import BROKEN, Reason
from node.objects import codes, items
from node.objects.errors import StudyMismatchError
from node.objects.header import Source, read_source
from node.objects.identity import Identity
from node.objects.language import language as sentences
from node.objects.model import ModelDescription
from node.objects.modules import Making, stand_in
from node.objects.result import ResultObject
from node.objects.sr import Predecessor, document, opening

KIND = ResultKind.NOT_PROCESSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The header of an image that was not read, and why; pixel data in it is not looked at."""

    header: Dataset
    reason: Reason


def build_not_processed(
    unread: Sequence[Unread],
    *,
    identity: Identity,
    model: ModelDescription,
    created: datetime,
    predecessor: tuple[str, str, str, str] | None = None,
    timezone: tzinfo = UTC,
    language: str = "en",
) -> ResultObject:
    """Say of each image of a study why it was not read; arguments as those of `bundle.build`.

    Raises:
        MissingIdentifierError: a header has no UID for the image, its series or its study.
        StudyMismatchError: an image is of another study than the identity.
        ValueError: there is no image, the language is not known, or `created` has no zone.
    """
    if not unread:
        raise ValueError("a report needs at least one image")
    making = Making(identity=identity, model=model, created=created, zone=timezone, language=sentences(language))
    sources = [read_source(image.header) for image in unread]
    if any(source.study_instance_uid != identity.study_instance_uid for source in sources):
        raise StudyMismatchError("An image belongs to another study than the report to be built.")
    content = opening(making)
    content.append(_evaluations(unread, sources, making))
    earlier = None if predecessor is None else Predecessor(*predecessor)
    evidence = [stand_in(source, rows=1, columns=1) for source in sources]
    # Under the title Imaging Measurement Report, OHIF would look for measurements and show nothing.
    report = document(
        KIND,
        title=codes.IMAGING_REPORT,
        evidence=evidence,
        content=content,
        source=sources[0],
        making=making,
        predecessor=earlier,
    )
    return ResultObject(kind=KIND, dataset=report)


def _evaluations(unread: Sequence[Unread], sources: Sequence[Source], making: Making) -> hd.ContainerContentItem:
    """For each image: detection failed or was not attempted, the reason in words, and the image."""
    content = hd.ContentSequence([items.text(making.language.not_processed, "CONTAINS")])
    for image, source in zip(unread, sources, strict=True):
        status = codes.FAILED if image.reason in BROKEN else codes.NOT_ATTEMPTED
        item = items.code(codes.SUMMARY_OF_DETECTIONS, status, "CONTAINS")
        item.ContentSequence = hd.ContentSequence(
            [
                items.text(making.language.reason(image.reason), "HAS PROPERTIES"),
                items.image(source, codes.SOURCE, "INFERRED FROM"),
            ]
        )
        content.append(item)
    container = hd.ContainerContentItem(name=codes.QUALITATIVE_EVALUATIONS, relationship_type="CONTAINS")
    container.ContentSequence = content
    return container
