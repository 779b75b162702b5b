"""What the result objects of a radiograph cost: `make bench ONLY=objects`.

Builds and encodes each kind for one image of 2500 x 2000 with three findings, then the bundles that settings choose,
and prints the median of processor time on one core, the bytes as stored and as Explicit VR Little Endian. The aims
for the usual bundle are 0.5 s and 20 MB, and masks of at most 5 % of their bytes. It measures; it never fails.
"""

import time
from collections.abc import Collection
from datetime import UTC, datetime

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from db.result_records import DEFAULT_KINDS, READ_KINDS, ResultKind
from inference.boxes import gated
from inference.grayscale import levels
from inference.image import Image
from inference.prediction import FindingScore, Prediction
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.identity import Identity
from node.objects.model import ModelDescription
from node.objects.reading import Reading
from node.objects.result import ResultObject
from tests.bench.reading import processor, synthetic_radiograph

ROWS, COLUMNS = 2500, 2000
TURNS = 7
SPOTS = {"Cardiomegaly": (0.56, 0.62, 0.12), "Effusion": (0.2, 0.78, 0.06), "Mass": (0.3, 0.3, 0.05)}
"""Where each finding's map is hottest: (x, y, spread), as parts of the picture."""


def main() -> None:
    """Measure and print."""
    reading = synthetic_reading()
    print(f"CPU: {processor()}")
    print(f"image {ROWS} x {COLUMNS}, {len(SPOTS)} findings; seconds of one core, MB stored, MB uncompressed")
    for kind in sorted(READ_KINDS):
        report(kind, reading, {kind})
    report("the usual bundle", reading, DEFAULT_KINDS)
    report("and boxes for the PACS", reading, DEFAULT_KINDS | {ResultKind.GSPS})
    report("everything", reading, READ_KINDS)
    [overlay] = made(reading, {ResultKind.OVERLAY})
    for name, syntax in (("RLE", RLELossless), ("JPEG-LS", JPEGLSLossless)):
        start = time.process_time()
        size = len(encode(overlay.dataset, syntax))
        print(f"overlay in {name:16} {time.process_time() - start:6.3f} s {size / 1e6:8.2f} MB")


def report(name: str, reading: Reading, kinds: Collection[ResultKind]) -> None:
    """Build and encode these kinds several times, and print the median."""
    taken = []
    for _ in range(TURNS):
        start = time.process_time()
        objects = made(reading, kinds)
        stored = sum(len(encode(each.dataset)) for each in objects)
        taken.append(time.process_time() - start)
    raw = sum(len(encode(each.dataset, ExplicitVRLittleEndian)) for each in objects)
    share = f"{stored / raw:7.1%}" if stored != raw else ""
    print(f"{name:27} {np.median(taken):6.3f} s {stored / 1e6:8.2f} MB {raw / 1e6:8.2f} MB {share}")


def made(reading: Reading, kinds: Collection[ResultKind]) -> tuple[ResultObject, ...]:
    """The objects of one job."""
    return build(
        [reading],
        identity=Identity(study_instance_uid=str(reading.header.StudyInstanceUID), revision=1, model_version="bench"),
        model=ModelDescription(name="bench", version="bench", software_version="0"),
        created=datetime(2026, 1, 1, tzinfo=UTC),
        kinds=kinds,
    )


def synthetic_reading() -> Reading:
    """A synthetic radiograph with a header, and a map with one hot spot for each finding."""
    header, stored = synthetic_radiograph()
    stored = np.ascontiguousarray(stored[:ROWS, :COLUMNS])
    for keyword, uid in (("StudyInstanceUID", "2.25.1"), ("SeriesInstanceUID", "2.25.2"), ("SOPInstanceUID", "2.25.3")):
        setattr(header, keyword, uid)
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    return Reading(
        header=header, display=Image(stored=stored, grey=levels(header, stored)).display(), prediction=_prediction()
    )


def _prediction() -> Prediction:
    y, x = np.mgrid[:10, :10] / 10
    cams = np.stack(
        [
            np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * spread**2)).astype(np.float32)
            for column, row, spread in SPOTS.values()
        ]
    )
    scores = tuple(
        FindingScore(finding=name, probability=0.8, operating_point=0.4, boxes=gated(cam, ROWS, COLUMNS, present=True))
        for name, cam in zip(SPOTS, cams, strict=True)
    )
    return Prediction(model_version="bench", rows=ROWS, columns=COLUMNS, scores=scores, cam=cams)


if __name__ == "__main__":
    main()
