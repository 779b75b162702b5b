"""The heat maps as a fractional Segmentation, and the masks, as other programs read them."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ExplicitVRLittleEndian

from db.result_records import ResultKind
from node.objects.bundle import build
from node.objects.encoding import encode
from node.objects.reading import heat_maps
from tests.peers.processes import fetched, require


def _built(reading, kind, identity, model, created):
    [result] = build([reading], identity=identity, model=model, created=created, kinds={kind})
    return result.dataset


def test_heat_comes_back(make_reading, identity, model, created):
    """A reader gets each finding's heat map, level by level."""
    reading = make_reading(present=("Cardiomegaly", "Mass"), size=(97, 83))

    seg = hd.seg.Segmentation.from_dataset(
        dcmread(DicomBytesIO(encode(_built(reading, ResultKind.HEATMAP, identity, model, created))))
    )

    assert (seg.SegmentationType, seg.MaximumFractionalValue) == ("FRACTIONAL", 255)
    expected = heat_maps(reading.prediction)
    np.testing.assert_array_equal(seg.pixel_array, np.stack([expected["Cardiomegaly"], expected["Mass"]]))


def test_nothing_above_threshold_is_one_empty_frame(make_reading, identity, model, created):
    """Without a finding there is no heat to show."""
    ds = _built(make_reading(present=()), ResultKind.HEATMAP, identity, model, created)

    assert (ds.NumberOfFrames, len(ds.SegmentSequence)) == (1, 8)
    assert not ds.pixel_array.any()


@pytest.mark.parametrize(
    ("present", "overlap"), [(("Mass",), "NO"), (("Mass", "Nodule"), "NO"), (("Infiltration", "Pneumonia"), "YES")]
)
def test_overlap_is_told(make_reading, identity, model, created, present, overlap):
    """Readers that keep one label a pixel are told whether that is enough."""
    ds = _built(make_reading(present=present), ResultKind.SEG, identity, model, created)

    assert ds.SegmentsOverlap == overlap


def _beside_python(name: str) -> Path:
    return require(f"dcmqi's {name}", Path(sys.executable).with_name(name))


@pytest.mark.peer
def test_dcmqi_gives_back_the_masks(make_reading, identity, model, created, tmp_path):
    """dcmqi, which most researchers read segmentations with, finds each mask; segments of no finding do it no harm."""
    program = _beside_python("segimage2itkimage")
    reading = make_reading(present=("Cardiomegaly", "Mass"), size=(97, 81))
    path = tmp_path / "seg.dcm"
    path.write_bytes(encode(_built(reading, ResultKind.SEG, identity, model, created), ExplicitVRLittleEndian))

    subprocess.run(
        [program, "-t", "nrrd", "--inputDICOM", path, "--outputDirectory", tmp_path, "--prefix", "mask"],
        check=True,
        capture_output=True,
        timeout=60,
    )

    found = [_nrrd(each) for each in sorted(tmp_path.glob("mask*.nrrd"))]
    expected = [heat >= 180 for heat in heat_maps(reading.prediction).values()]
    found, empty = found[: len(expected)], found[len(expected) :]
    assert [(mask > 0).sum() for mask in found] == [mask.sum() for mask in expected]
    assert not any(mask.any() for mask in empty)
    for mask, each in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mask.reshape(each.shape) > 0, each)


def _nrrd(path: Path) -> np.ndarray:
    """The values of a small NRRD file, raw or gzipped."""
    header, _, data = path.read_bytes().partition(b"\n\n")
    kind = np.dtype("u1") if b"type: unsigned char" in header else np.dtype("<i2")
    return np.frombuffer(gzip.decompress(data) if b"gzip" in header else data, kind)


@pytest.mark.peer
def test_dcmqi_reads_the_measurements(make_header, make_reading, identity, model, created, tmp_path):
    """dcmqi's reader of TID 1500 finds the groups and their certainty."""
    program = _beside_python("tid1500reader")
    path = tmp_path / "sr.dcm"
    path.write_bytes(encode(_built(make_reading(), ResultKind.SR, identity, model, created)))

    done = subprocess.run(
        [program, "--inputDICOM", path, "--outputMetadata", tmp_path / "sr.json"],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    text = (tmp_path / "sr.json").read_text()
    assert text.count("Certainty of Finding") == 2


DCMJS = """
const dcmjs = require("dcmjs"), fs = require("fs");
for (const name of process.argv.slice(2)) {
  const file = fs.readFileSync(name);
  const data = dcmjs.data.DicomMessage.readFile(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
  const ds = dcmjs.data.DicomMetaDictionary.naturalizeDataset(data.dict);
  console.log([ds.Modality, ds.SOPInstanceUID, ds.SegmentSequence?.length, ds.ContentSequence?.length].join(" "));
}
"""


@pytest.mark.peer
def test_dcmjs_reads_report_and_masks(make_reading, identity, model, created, tmp_path):
    """What OHIF reads with reads both, the segmentation deflated as it is stored."""
    node = require("node", Path(shutil.which("node") or "/-"))
    modules = require("dcmjs", fetched("dcmjs-0.52.2") / "node_modules")
    built = [_built(make_reading(), kind, identity, model, created) for kind in (ResultKind.SR, ResultKind.SEG)]
    for number, ds in enumerate(built):
        (tmp_path / f"{number}.dcm").write_bytes(encode(ds))
    (tmp_path / "read.cjs").write_text(DCMJS)

    done = subprocess.run(
        [node, "read.cjs", "0.dcm", "1.dcm"],
        cwd=tmp_path,
        env={"NODE_PATH": str(modules)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    lines = [line for line in done.stdout.splitlines() if line.startswith(("SR ", "SEG "))]
    report, masks = built
    assert [line.split() for line in lines] == [
        ["SR", report.SOPInstanceUID, str(len(report.ContentSequence))],
        ["SEG", masks.SOPInstanceUID, "2"],
    ]
