"""Orthanc, DCMTK and the fake PACS speak to each other as the other tests rely on."""

import subprocess
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from tests.peers.dcmtk import Echoscu, Storescu, association_profile
from tests.peers.orthanc import Orthanc
from tests.peers.pacs import OUT_OF_RESOURCES, StorageScp


def small_image() -> Dataset:
    """A Secondary Capture of 2 x 2 pixels, of a made-up patient."""
    ds = Dataset()
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID = generate_uid()
    ds.SeriesInstanceUID = generate_uid()
    ds.PatientID, ds.PatientName, ds.Modality = "T1", "TEST^PEER", "OT"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 2, 2, 8, 8, 7
    ds.PixelRepresentation, ds.PixelData = 0, bytes([1, 2, 3, 4])
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def write(ds: Dataset, folder: Path) -> Path:
    """Write it as a DICOM file, named by its UID."""
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def test_orthanc_answers_c_echo(orthanc: Orthanc, echoscu: Echoscu) -> None:
    """Orthanc is up and answers a C-ECHO."""
    result = echoscu(port=orthanc.port, called_ae=orthanc.ae_title)

    assert result.returncode == 0, result.stdout


def test_orthanc_keeps_what_storescu_sends(orthanc: Orthanc, storescu: Storescu, tmp_path: Path) -> None:
    """An image that DCMTK sends is listed in its study, and can be fetched."""
    ds = small_image()

    result = storescu([write(ds, tmp_path)], port=orthanc.port, called_ae=orthanc.ae_title)

    assert result.returncode == 0, result.stdout
    (stored,) = orthanc.wait_for_instances(1, study_instance_uid=ds.StudyInstanceUID)
    assert orthanc.studies() == [ds.StudyInstanceUID]
    assert (stored.study_instance_uid, stored.series_instance_uid, stored.sop_instance_uid) == (
        ds.StudyInstanceUID,
        ds.SeriesInstanceUID,
        ds.SOPInstanceUID,
    )
    assert (stored.sop_class_uid, stored.modality) == (SecondaryCaptureImageStorage, "OT")
    assert orthanc.dataset(ds.SOPInstanceUID).PixelData == ds.PixelData


def test_orthanc_sends_to_a_modality_added_while_it_runs(orthanc: Orthanc, pacs: StorageScp) -> None:
    """A modality that was added at run time gets what Orthanc is told to send."""
    ds = small_image()
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    orthanc.post("/instances", buffer.getvalue())
    orthanc.add_modality("fake", ae_title=pacs.ae_title, port=pacs.port)

    orthanc.send("fake", ds.SOPInstanceUID)

    assert pacs.wait_for(1)
    (received,) = pacs.datasets()
    assert received.PixelData == ds.PixelData


def test_orthanc_remembers_after_a_restart(orthanc: Orthanc) -> None:
    """Orthanc comes back after a kill, on the same port with what it stored."""
    ds = small_image()
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    orthanc.post("/instances", buffer.getvalue())

    orthanc.kill()
    assert not orthanc.is_up()
    orthanc.start()

    assert [stored.sop_instance_uid for stored in orthanc.instances()] == [ds.SOPInstanceUID]


def test_fake_pacs_refuses_when_told(pacs: StorageScp, storescu: Storescu, tmp_path: Path) -> None:
    """Told to be out of resources, the fake PACS keeps nothing, and remembers who came."""
    ds = small_image()
    pacs.status = OUT_OF_RESOURCES

    storescu([write(ds, tmp_path)], port=pacs.port)

    assert pacs.order == [ds.SOPInstanceUID]
    assert pacs.received == {}


def test_fake_pacs_comes_back_on_the_same_port(
    pacs: StorageScp, storescu: Storescu, echoscu: Echoscu, tmp_path: Path
) -> None:
    """After an outage the fake PACS receives again where it was."""
    path = write(small_image(), tmp_path)
    pacs.stop()
    assert echoscu(port=pacs.port).returncode != 0

    pacs.start()
    result = storescu([path], port=pacs.port)

    assert result.returncode == 0, result.stdout
    assert pacs.wait_for(1)
    assert pacs.associations == 1


COMPRESSED = {
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG extended": "1.2.840.10008.1.2.4.51",
    "JPEG lossless SV1": "1.2.840.10008.1.2.4.70",
    "JPEG-LS lossless": "1.2.840.10008.1.2.4.80",
    "JPEG-LS near lossless": "1.2.840.10008.1.2.4.81",
    "JPEG 2000 lossless": "1.2.840.10008.1.2.4.90",
    "JPEG 2000": "1.2.840.10008.1.2.4.91",
    "RLE": "1.2.840.10008.1.2.5",
}


@pytest.fixture(scope="session")
def image_by_syntax(shared_data: Path) -> dict[str, Path]:
    """One image for each transfer syntax, a radiograph where there is one."""
    folders = [shared_data / "dicom" / name for name in ("projection_other", "misc_mit_pydicom")]
    found: dict[str, Path] = {}
    for path in [path for folder in folders for path in sorted(folder.iterdir())]:
        try:
            ds = pydicom.dcmread(path, specific_tags=["SOPClassUID"])
        except (InvalidDicomError, OSError, ValueError, AttributeError):
            continue
        if "SOPClassUID" in ds and "PixelData" in pydicom.dcmread(path):
            found.setdefault(str(ds.file_meta.get("TransferSyntaxUID")), path)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # odd files are in the folder on purpose
@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED.keys())
def test_storescu_sends_compressed_pixels_as_they_are(
    syntax: str, image_by_syntax: dict[str, Path], pacs: StorageScp, storescu: Storescu
) -> None:
    """A compressed image arrives in its own transfer syntax, its pixel data bit for bit."""
    if syntax not in image_by_syntax:
        pytest.fail(f"../shared/data has no image in {syntax}")
    path = image_by_syntax[syntax]

    result = storescu([path], port=pacs.port)

    assert result.returncode == 0, result.stdout
    (received,) = pacs.datasets()
    assert received.file_meta.TransferSyntaxUID == syntax
    assert received.PixelData == pydicom.dcmread(path).PixelData


def test_profile_has_one_context_for_each_class_and_syntax(tmp_path: Path) -> None:
    """Files of one SOP Class and transfer syntax share a presentation context."""
    files = [write(small_image(), tmp_path) for _ in range(3)]

    profile = association_profile(files)

    assert profile.count("PresentationContext1 = ") == 1
    assert "PresentationContext2" not in profile


def test_peers_end_with_their_test(orthanc: Orthanc) -> None:
    """A killed peer leaves no process behind."""
    pid = orthanc.pid

    orthanc.kill()

    assert subprocess.run(["/bin/kill", "-0", str(pid)], check=False, capture_output=True).returncode != 0
