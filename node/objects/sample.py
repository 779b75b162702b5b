"""Results of images of nobody, to show what an object holds: the same each time."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from pydicom.dataset import Dataset

from db.result_records import READ_KINDS, ResultKind
from db.vocabulary import EIGHT, Reason, RejectionReason
from inference.prediction import Box, FindingScore, Prediction
from node.objects import bundle
from node.objects.identity import Identity
from node.objects.model import ModelDescription
from node.objects.not_processed import Unread, build_not_processed
from node.objects.reading import BOX_THRESHOLD, Reading
from node.objects.rejection import Retracted, build_rejection

CR = "1.2.840.10008.5.1.4.1.1.1"
LOCAL_SCHEME = "99LOCAL"
"""The coding scheme of the sample's own procedure code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An image's header, and one object of each kind made of it."""

    header: Dataset
    objects: dict[ResultKind, Dataset]


def samples() -> tuple[Sample, Sample, Sample]:
    """Two that differ in all they can, the second of a study of two images, and a third of a header with UIDs alone."""
    return (
        _sample(_full(1), number=1, present=("Cardiomegaly", "Mass"), size=(96, 80)),
        _sample(_full(2), number=2, present=("Nodule",), size=(112, 88)),
        _sample(_bare(3), number=3, present=(), size=(96, 80)),
    )


def _sample(header: Dataset, *, number: int, present: Sequence[str], size: tuple[int, int]) -> Sample:
    version = f"{number}.0"
    identity = Identity(study_instance_uid=header.StudyInstanceUID, revision=number, model_version=version)
    model = ModelDescription(name=f"model {number}", version=version, software_version=version)
    created = datetime(2000 + number, number, number, number, number, number, number, tzinfo=UTC)
    later = created + timedelta(hours=1)
    earlier = (CR, *(f"1.2.3.{number}.{part}" for part in (7, 8)), header.StudyInstanceUID)
    predecessor = None if number == 3 else earlier
    second = deepcopy(header)
    second.SOPInstanceUID = f"1.2.3.{number}.4"
    headers = [header, second] if number == 2 else [header]
    made = bundle.build(
        [_reading(each, version, present, size) for each in headers],
        identity=identity,
        model=model,
        created=created,
        predecessor=predecessor,
        kinds=READ_KINDS,
    )
    unread = Unread(header=header, reason=Reason.NOT_CHEST)
    note = build_not_processed([unread], identity=identity, model=model, created=created, predecessor=predecessor)
    back = [
        Retracted(
            sop_class_uid=each.sop_class_uid,
            sop_instance_uid=each.sop_instance_uid,
            series_instance_uid=each.series_instance_uid,
        )
        for each in made
    ]
    reason = list(RejectionReason)[number - 1]
    rejection = build_rejection(header, back, reason, identity=identity, model=model, created=later)
    return Sample(header=header, objects={each.kind: each.dataset for each in (*made, note, rejection)})


def _reading(header: Dataset, version: str, present: Sequence[str], size: tuple[int, int]) -> Reading:
    rows, columns = size
    box = Box(x=20, y=24, width=30, height=28, threshold=BOX_THRESHOLD)
    scores = tuple(
        FindingScore(
            finding=finding.name,
            probability=0.75 if finding.name in present else 0.25,
            operating_point=0.5,
            boxes=(box,) if finding.name in present else (),
        )
        for finding in EIGHT
    )
    cam = np.zeros((len(scores), 8, 8), dtype=np.float32)
    cam[:, 2:4, 2:4] = 1
    prediction = Prediction(model_version=version, rows=rows, columns=columns, scores=scores, cam=cam)
    display = np.full(size, 128, dtype=np.uint8)
    return Reading(header=header, display=display, prediction=prediction, stored_range=(0, 255))


def _bare(number: int) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = CR
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = (f"1.2.3.{number}.{part}" for part in (1, 2, 3))
    return ds


def _full(number: int) -> Dataset:
    """All that a result may take over, different for each number."""
    ds = _bare(number)
    for keyword in (
        *("PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyID", "StudyDescription", "InstitutionName"),
        *("ReferringPhysicianName",),
    ):
        setattr(ds, keyword, f"{keyword[:12]} {number}"[:16])
    ds.SpecificCharacterSet = f"ISO_IR 10{number - 1}"
    ds.PatientName = "\u0160t\u011bp\u00e1n" if number == 2 else "J\u00fcrgen"
    ds.PatientBirthDate, ds.StudyDate, ds.StudyTime = f"195{number}0101", f"199{number}0101", f"10100{number}"
    ds.PatientSex, ds.PatientAge = "FMO"[number - 1], f"04{number}Y"
    ds.PatientSize, ds.PatientWeight = f"1.{number}", f"7{number}"
    ds.TimezoneOffsetFromUTC = f"+0{number}00"
    procedure = Dataset()
    procedure.CodeValue, procedure.CodingSchemeDesignator, procedure.CodeMeaning = f"P{number}", LOCAL_SCHEME, "Chest"
    ds.ProcedureCodeSequence = [procedure]
    ds.PatientOrientation = [("L", "R")[number - 1], "F"]
    ds.ImageOrientationPatient = ([1, 0, 0, 0, 1, 0], [0, 1, 0, -1, 0, 0])[number - 1]
    ds.PixelSpacing = [f"0.{number + 1}", "0.1"]
    ds.BurnedInAnnotation = ("NO", "YES")[number - 1]
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio, ds.LossyImageCompressionMethod = (
        f"{number}",
        ("ISO_10918_1", "ISO_14495_1")[number - 1],
    )
    ds.RescaleSlope, ds.RescaleIntercept = f"{number + 1}", f"-{number}"
    ds.WindowCenter, ds.WindowWidth = f"10{number}", f"20{number}"
    ds.PhotometricInterpretation = ("MONOCHROME1", "MONOCHROME2")[number - 1]
    return ds
