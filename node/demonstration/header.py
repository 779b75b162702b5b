"""The header of the synthetic chest radiograph: all that a Digital X-Ray image must say, of nobody."""

from datetime import UTC, datetime

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

WIDTH_MM = 350
"""The detector is as wide as this, whatever its number of columns."""


def header(*, rows: int, columns: int) -> FileDataset:
    """All but the pixels of a Digital X-Ray Image For Presentation (DICOM PS3.3 A.26), with new UIDs."""
    ds = _file()
    _patient_and_study(ds)
    _series_and_equipment(ds)
    _acquisition(ds, pixel_spacing_mm=WIDTH_MM / columns)
    _image(ds, rows=rows, columns=columns)
    return ds


def _file() -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, preamble=bytes(128), file_meta=meta, is_implicit_VR=False)
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.SpecificCharacterSet = "ISO_IR 192"
    return ds


def _patient_and_study(ds: Dataset) -> None:
    now = datetime.now(UTC)
    ds.PatientName = "PHANTOM^CHEST"
    ds.PatientID = "CXR-PHANTOM"
    ds.PatientBirthDate = ""
    ds.PatientSex = "O"
    ds.PatientComments = "Synthetic phantom, drawn by a computer. Not a person."
    ds.StudyInstanceUID = generate_uid(prefix=None)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = now.strftime("%Y%m%d")
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = now.strftime("%H%M%S")
    ds.TimezoneOffsetFromUTC = "+0000"
    ds.StudyID = "1"
    ds.StudyDescription = "Chest PA (synthetic phantom)"
    ds.AccessionNumber = "PHANTOM"
    ds.ReferringPhysicianName = ""


def _series_and_equipment(ds: Dataset) -> None:
    ds.Modality = "DX"
    ds.SeriesInstanceUID = generate_uid(prefix=None)
    ds.SeriesNumber = 1
    ds.SeriesDescription = "Chest PA"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.Manufacturer = "cxr-node"
    ds.ManufacturerModelName = "Phantom"
    ds.InstitutionName = ""


def _acquisition(ds: Dataset, *, pixel_spacing_mm: float) -> None:
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = "PA"
    ds.PositionerType = ""
    ds.PatientOrientation = ["L", "F"]
    ds.ImageLaterality = "U"
    ds.AnatomicRegionSequence = Sequence([_code("51185008", "SCT", "Chest")])
    ds.ViewCodeSequence = Sequence([_code("272479007", "SCT", "postero-anterior")])
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([])
    ds.DetectorType = "DIRECT"
    ds.ImagerPixelSpacing = [round(pixel_spacing_mm, 6)] * 2
    ds.AcquisitionContextSequence = Sequence([])


def _image(ds: Dataset, *, rows: int, columns: int) -> None:
    ds.InstanceNumber = 1
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelRepresentation = 0
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.WindowCenter, ds.WindowWidth = 2048, 4096
    ds.WindowCenterWidthExplanation = "NORMAL"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
