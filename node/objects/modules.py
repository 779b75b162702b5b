"""The modules every result has: Patient, Study, Series, Equipment and SOP Common (DICOM PS3.3 C.7, C.12.1).

highdicom builds the body of an object from a neutral stand-in of the source, so that no odd header can
disturb it; then `complete` writes these modules over it.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from db.result_records import ResultKind
from node.objects.header import Source, wide_enough
from node.objects.identity import Identity
from node.objects.language import Language, language
from node.objects.model import ModelDescription
from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

NOT_FOR_DIAGNOSIS = "AI result - not for diagnosis"

SERIES_NUMBERS = {
    ResultKind.SR: 9101,
    ResultKind.SEG: 9102,
    ResultKind.OVERLAY: 9103,
    ResultKind.GSPS: 9104,
    ResultKind.HEATMAP: 9105,
    ResultKind.CAD: 9106,
    ResultKind.NOT_PROCESSED: 9107,
    ResultKind.REJECTION: 9108,
}
"""One series a kind, numbered far above what a modality uses, so that results sort last in a study."""

SERIES_WORDS = {
    ResultKind.SR: "report",
    ResultKind.SEG: "segmentation",
    ResultKind.OVERLAY: "overlay",
    ResultKind.GSPS: "boxes",
    ResultKind.HEATMAP: "heat map",
    ResultKind.CAD: "CAD report",
    ResultKind.NOT_PROCESSED: "not read",
    ResultKind.REJECTION: "taken back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What all results of one job share: whose they are, what made them, and when (aware, UTC)."""

    identity: Identity
    model: ModelDescription
    created: datetime
    zone: tzinfo = UTC
    language: Language = field(default_factory=lambda: language("en"))

    def __post_init__(self) -> None:
        if self.created.tzinfo is None:
            raise ValueError("created must be an aware datetime")


def stand_in(source: Source, rows: int, columns: int) -> Dataset:
    """The references and the size of a source image, and nothing else of it."""
    ds = Dataset()
    ds.StudyInstanceUID = source.study_instance_uid
    ds.SeriesInstanceUID = source.series_instance_uid
    ds.SOPInstanceUID = source.sop_instance_uid
    ds.SOPClassUID = source.sop_class_uid
    ds.Modality = "OT"
    ds.Rows, ds.Columns = rows, columns
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"):
        setattr(ds, keyword, "")
    for keyword in ("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"):
        setattr(ds, keyword, "")
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if keyword in source.image:
            ds[keyword] = source.image[keyword]
    return ds


def complete(ds: Dataset, kind: ResultKind, source: Source, making: Making, letters: str = "") -> None:
    """Write the modules every result has into an object; `letters` are those of its own sentences."""
    # A copy for each object: a name keeps the bytes of the character set that it was last written in.
    ds.update(deepcopy(source.patient_and_study))
    ds.StudyInstanceUID = source.study_instance_uid
    _character_set(ds, wide_enough(source.character_set, letters))
    _equipment(ds, making.model)
    _times(ds, source, making)
    ds.SeriesNumber = SERIES_NUMBERS[kind]
    ds.SeriesDescription = f"{NOT_FOR_DIAGNOSIS} ({SERIES_WORDS[kind]})"
    _file_meta(ds)


def rename(ds: Dataset, sop_class_uid: str, sop_instance_uid: str) -> None:
    """Make an object one of another SOP Class, in its file meta information too."""
    ds.SOPClassUID, ds.SOPInstanceUID = UID(sop_class_uid), UID(sop_instance_uid)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID


def _character_set(ds: Dataset, terms: tuple[str, ...]) -> None:
    if terms:
        ds.SpecificCharacterSet = list(terms)
    elif "SpecificCharacterSet" in ds:
        del ds.SpecificCharacterSet


def _equipment(ds: Dataset, model: ModelDescription) -> None:
    ds.Manufacturer = model.manufacturer
    ds.ManufacturerModelName = model.device_name
    ds.DeviceSerialNumber = model.serial_number
    ds.SoftwareVersions = [model.software_version, model.version]
    if "ContributingEquipmentSequence" in ds:
        del ds.ContributingEquipmentSequence


def _times(ds: Dataset, source: Source, making: Making) -> None:
    """Date and time of the job, in the source's zone if it names one, else in the hospital's.

    TimezoneOffsetFromUTC governs the copied study date too, so it is written only where the source had it.
    """
    local = making.created.astimezone(source.offset or making.zone)
    date, time = local.strftime("%Y%m%d"), local.strftime("%H%M%S.%f")
    for what in ("InstanceCreation", "Series", "Content"):
        setattr(ds, f"{what}Date", date)
        setattr(ds, f"{what}Time", time)
    if source.offset is not None:
        ds.TimezoneOffsetFromUTC = local.strftime("%z")


def _file_meta(ds: Dataset) -> None:
    ds.preamble = b"\0" * 128
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(ds.SOPClassUID)
    meta.MediaStorageSOPInstanceUID = UID(ds.SOPInstanceUID)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    ds.file_meta = meta
