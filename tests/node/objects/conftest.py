"""Synthetic images, readings and peers for the tests of result objects."""

import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from inference.cam import region
from inference.prediction import Box, FindingScore, Prediction
from node.objects.identity import Identity
from node.objects.model import ModelDescription
from node.objects.reading import Reading
from tests.peers.dcmtk import DCIODVFY
from tests.peers.dcmtk import tool as tool_of_dcmtk
from tests.peers.processes import require

STUDY, SERIES, IMAGE = (
    "1.2.826.0.1.3680043.10.1.1",
    "1.2.826.0.1.3680043.10.1.2",
    "1.2.826.0.1.3680043.10.1.3",
)
CR, DX = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"

# Where each finding's map is hottest: (x, y, spread), as parts of the picture.
SPOTS = {
    "Atelectasis": (0.35, 0.7, 0.07),
    "Cardiomegaly": (0.56, 0.62, 0.12),
    "Effusion": (0.2, 0.78, 0.06),
    "Infiltration": (0.3, 0.5, 0.1),
    "Mass": (0.3, 0.3, 0.05),
    "Nodule": (0.72, 0.33, 0.04),
    "Pneumonia": (0.28, 0.55, 0.08),
    "Pneumothorax": (0.78, 0.18, 0.05),
}


def _header(**changes: object) -> Dataset:
    """A chest radiograph's header as a careful modality writes it; None leaves an attribute out."""
    values: dict[str, object] = {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPClassUID": CR,
        "SOPInstanceUID": IMAGE,
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "Modality": "CR",
        "PatientName": "M\u00fcller^J\u00fcrgen",
        "PatientID": "P-0815",
        "PatientBirthDate": "19500301",
        "PatientSex": "F",
        "PatientAge": "074Y",
        "StudyDate": "20240229",
        "StudyTime": "101112.5",
        "AccessionNumber": "A-4711",
        "StudyID": "S-1",
        "StudyDescription": "Thorax p.a.",
        "ReferringPhysicianName": "Refer^Rita",
        "InstitutionName": "General Hospital",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PatientOrientation": ["L", "F"],
        "LossyImageCompression": "00",
    }
    values.update(changes)
    ds = Dataset()
    for keyword, value in values.items():
        if value is not None:
            setattr(ds, keyword, value)
    return ds


def _cam(spot: tuple[float, float, float], size: int = 32) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] / size
    x, y, spread = spot
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2)).astype(np.float32)


def _box(cam: np.ndarray, rows: int, columns: int, threshold: int) -> Box:
    ys, xs = np.nonzero(region(cam, rows, columns, threshold) | (rows * columns == 1))
    return Box(
        x=int(xs.min()),
        y=int(ys.min()),
        width=int(xs.max() - xs.min() + 1),
        height=int(ys.max() - ys.min() + 1),
        threshold=threshold,
    )


def _prediction(rows: int, columns: int, present: Iterable[str]) -> Prediction:
    cams = np.stack([_cam(spot) for spot in SPOTS.values()])
    scores = []
    for index, name in enumerate(SPOTS):
        here = name in present
        scores.append(
            FindingScore(
                finding=name,
                probability=0.9 - 0.05 * index if here else 0.02 + 0.03 * index,
                operating_point=0.3 + 0.02 * index,
                boxes=tuple(_box(cams[index], rows, columns, level) for level in (60, 180)) if here else (),
            )
        )
    return Prediction(model_version="m1", rows=rows, columns=columns, scores=tuple(scores), cam=cams)


@pytest.fixture(scope="session")
def make_header() -> Callable[..., Dataset]:
    return _header


@pytest.fixture(scope="session")
def make_reading() -> Callable[..., Reading]:
    """Make a reading: of a header, of a size, with these findings present."""

    def make(
        header: Dataset | None = None, *, present: Iterable[str] = ("Cardiomegaly", "Mass"), size=(96, 80)
    ) -> Reading:
        rows, columns = size
        ramp = np.linspace(20, 220, rows * columns).reshape(rows, columns).astype(np.uint8)
        prediction = _prediction(rows, columns, tuple(present))
        return Reading(header=_header() if header is None else header, display=ramp, prediction=prediction)

    return make


@pytest.fixture(scope="session")
def model() -> ModelDescription:
    return ModelDescription(name="Chest finding classifier", version="m1", software_version="0.1.0")


@pytest.fixture(scope="session")
def identity() -> Identity:
    return Identity(study_instance_uid=STUDY, revision=1, model_version="m1")


@pytest.fixture(scope="session")
def created() -> datetime:
    return datetime(2026, 3, 4, 23, 30, 15, 250000, tzinfo=UTC)


@pytest.fixture(scope="session")
def dciodvfy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], list[str]]:
    """Errors that dicom3tools' validator finds in a DICOM file."""
    tool, folder = require("dciodvfy", *DCIODVFY), tmp_path_factory.mktemp("dciodvfy")

    def errors(file: bytes) -> list[str]:
        path = folder / "object.dcm"
        path.write_bytes(file)
        done = subprocess.run([tool, "-new", str(path)], capture_output=True, timeout=60, check=False)
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        return [line for line in text.splitlines() if "Error" in line]

    return errors


@pytest.fixture(scope="session")
def dcentvfy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Iterable[bytes]], list[str]]:
    """What dicom3tools finds to differ between the files of one study that should not; images may be missing."""
    tool = require("dcentvfy", *(path.with_name("dcentvfy") for path in DCIODVFY))

    def errors(files: Iterable[bytes]) -> list[str]:
        folder = tmp_path_factory.mktemp("dcentvfy")
        paths = [folder / f"{number}.dcm" for number, _ in enumerate(files)]
        for path, file in zip(paths, files, strict=True):
            path.write_bytes(file)
        done = subprocess.run([tool, *map(str, paths)], capture_output=True, timeout=60, check=False)
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        return [line for line in text.splitlines() if "Error" in line and "Missing SOPInstanceUID" not in line]

    return errors


@pytest.fixture(scope="session")
def dsrdump(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], str]:
    """What DCMTK's reader of Structured Reports makes of a file; it fails on an invalid one."""
    tool, folder = tool_of_dcmtk("dsrdump"), tmp_path_factory.mktemp("dsrdump")

    def dump(file: bytes) -> str:
        path = folder / "report.dcm"
        path.write_bytes(file)
        done = subprocess.run([tool, "+U8", str(path)], capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "replace")

    return dump


@pytest.fixture(scope="session")
def real_radiographs(shared_data: Path) -> list[Path]:
    """Public chest radiographs that lie beside the project, where they do."""
    return sorted(path for path in (shared_data / "dicom" / "real_cxr").iterdir() if path.is_file())
