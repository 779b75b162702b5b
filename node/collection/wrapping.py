"""A published picture as a DICOM object: its pixels, losslessly, and what the set's table says of it.

It is a Secondary Capture of a radiograph (DICOM PS3.3 A.8.1), which is what a picture made from one is: of the
acquisition nothing is known. All UIDs are derived, so the same picture under the same name is the same instance.
"""

import hashlib
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, SecondaryCaptureImageStorage

from inference import image_file
from inference.policy import Policy
from node.collection.nih_table import Published
from node.collection.part10 import CALLING_ADDRESS, CALLING_AE, NotTakenError
from node.file_meta import Origin
from node.objects.identity import derived_uid

SET = "NIH ChestX-ray"
PREFIX = "NIH-"
"""Before a patient id of the set, so that it is nobody's of the hospital."""
LONGEST_SH = 16
"""Characters of an accession number (DICOM PS3.5 6.2)."""
_JPEG = (".jpg", ".jpeg")
_SEXES = ("M", "F", "O")


def study_instance_uid(image: str) -> str:
    """The study of a published image: one of its own, since labels are published image by image."""
    return derived_uid(SET, "study", image)


def sop_instance_uid(image: str, path: Path) -> str:
    """The instance that a picture makes, by its name and bytes.

    Raises:
        NotTakenError: the file cannot be read.
    """
    try:
        return derived_uid(SET, "instance", image, hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as error:
        raise NotTakenError(f"cannot be read: {error.strerror or type(error).__name__}") from error


def patient_id(published: Published) -> str:
    """The patient of the set under a name that no patient of the hospital has."""
    return PREFIX + published.patient_id


def accession_number(image: str) -> str:
    """The image's name without its ending, where that is short enough to be one."""
    stem = Path(image).stem
    return stem if len(stem) <= LONGEST_SH else ""


def wrapped(published: Published, path: Path, uid: str, max_pixels: int) -> tuple[Origin, bytes]:
    """Wrap a picture: its origin, and its data set as the intake takes it.

    Raises:
        inference.errors.NotReadable: the picture cannot be decoded.
    """
    grey = image_file.read(path, Policy(), max_pixels).stored
    ds = header(published, uid)
    ds.LossyImageCompression = "01" if path.suffix.lower() in _JPEG else "00"
    ds.Rows, ds.Columns = grey.shape
    ds.PixelData = grey.tobytes()
    ds.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, ds)
    origin = Origin(
        sop_class_uid=SecondaryCaptureImageStorage,
        sop_instance_uid=uid,
        transfer_syntax_uid=JPEGLSLossless,
        calling_ae=CALLING_AE,
        calling_address=CALLING_ADDRESS,
    )
    return origin, buffer.getvalue()


def header(published: Published, uid: str) -> Dataset:
    """All but the pixels, and their number."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, uid
    ds.StudyDate = ds.StudyTime = ""
    ds.AccessionNumber = accession_number(published.image)
    ds.Modality = "DX"
    ds.ConversionType = "WSD"
    ds.ReferringPhysicianName = ds.Manufacturer = ""
    ds.StudyDescription = f"{SET} (public)"
    ds.SeriesDescription = f"Chest {published.view}".strip()
    ds.DerivationDescription = "Published as a picture of 8 bits"
    ds.PatientName = ds.PatientBirthDate = ""
    ds.PatientID = patient_id(published)
    ds.PatientSex = published.sex if published.sex in _SEXES else ""
    age = published.age.rstrip("Yy")
    ds.PatientAge = f"{int(age):03d}Y" if age.isdecimal() and int(age) < 1000 else None
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "By the publisher"
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = published.view[:16]
    ds.StudyInstanceUID = study_instance_uid(published.image)
    ds.SeriesInstanceUID = derived_uid(SET, "series", published.image)
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "", 1, 1
    ds.PatientOrientation = ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.BurnedInAnnotation = "NO"
    ds.Rows = ds.Columns = 0
    return ds
