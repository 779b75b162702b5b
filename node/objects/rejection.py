"""The rejection note: a Key Object Selection by which archives hide what is taken back (IHE Radiology, IOCM)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import highdicom.sr as hd
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from db.vocabulary import RejectionReason
from node.objects import codes, items
from node.objects.header import read_source
from node.objects.identity import Identity
from node.objects.language import language as sentences
from node.objects.model import ModelDescription
from node.objects.modules import SERIES_NUMBERS, Making, complete
from node.objects.result import ResultObject

KIND = ResultKind.REJECTION
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
_IMAGES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.66.4")
"""Of what the node makes, what is an image to DICOM; the rest is a composite object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retracted:
    """An object that is taken back."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


def build_rejection(
    header: Dataset,
    retracted: Sequence[Retracted],
    reason: RejectionReason,
    *,
    identity: Identity,
    model: ModelDescription,
    created: datetime,
    timezone: tzinfo = UTC,
    language: str = "en",
) -> ResultObject:
    """Take objects of one study back.

    The same study, revision, model version, reason and objects make the same SOP Instance, so that a note that is
    built again is no second note.

    Args:
        header: of any object of the study, ours or not; patient and study are taken from it.
        retracted: what is taken back; at least one object.
        reason: the note's title.
        identity: of the results that are taken back.
        model: the device that says so.
        created: when, aware.
        timezone: the hospital's.
        language: of the sentence in it.

    Raises:
        MissingIdentifierError: the header has no UID for the object, its series or its study.
        ValueError: there is nothing to take back, the language is not known, or `created` has no zone.
    """
    if not retracted:
        raise ValueError("a rejection note needs at least one object")
    making = Making(identity=identity, model=model, created=created, zone=timezone, language=sentences(language))
    objects = sorted(set(retracted), key=lambda one: (one.series_instance_uid, one.sop_instance_uid))
    ds = Dataset()
    ds.SOPClassUID = KEY_OBJECT_SELECTION
    ds.SOPInstanceUID = identity.uid("instance", KIND, reason, *(one.sop_instance_uid for one in objects))
    ds.StudyInstanceUID = identity.study_instance_uid
    ds.SeriesInstanceUID = identity.series_instance_uid(KIND)
    ds.SeriesNumber = SERIES_NUMBERS[KIND]
    ds.Modality = "KO"
    ds.InstanceNumber = 1
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.CurrentRequestedProcedureEvidenceSequence = [_evidence(identity.study_instance_uid, objects)]
    ds.update(_content(objects, reason, making))
    complete(ds, KIND, read_source(header), making, making.language.letters)
    ds.StudyInstanceUID = identity.study_instance_uid
    return ResultObject(kind=KIND, dataset=ds)


def _evidence(study_instance_uid: str, objects: Iterable[Retracted]) -> Dataset:
    """The objects by series (DICOM PS3.3 C.17.2.1), in their order."""
    series: dict[str, list[Dataset]] = {}
    for one in objects:
        series.setdefault(one.series_instance_uid, []).append(_sop(one))
    study = Dataset()
    study.StudyInstanceUID = study_instance_uid
    study.ReferencedSeriesSequence = []
    for series_instance_uid, sops in series.items():
        item = Dataset()
        item.SeriesInstanceUID = series_instance_uid
        item.ReferencedSOPSequence = sops
        study.ReferencedSeriesSequence.append(item)
    return study


def _sop(one: Retracted) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = one.sop_class_uid
    item.ReferencedSOPInstanceUID = one.sop_instance_uid
    return item


def _content(objects: Iterable[Retracted], reason: RejectionReason, making: Making) -> Dataset:
    """TID 2010: the reason as title, a sentence, the objects."""
    root = hd.ContainerContentItem(name=codes.concept(reason.code), template_id="2010")
    sentence = hd.TextContentItem(
        name=codes.KEY_OBJECT_DESCRIPTION, value=making.language.retracted, relationship_type="CONTAINS"
    )
    items.hold(root, [sentence, *(_object(one) for one in objects)])
    return root


def _object(one: Retracted) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = "IMAGE" if one.sop_class_uid in _IMAGES else "COMPOSITE"
    item.ReferencedSOPSequence = [_sop(one)]
    return item
