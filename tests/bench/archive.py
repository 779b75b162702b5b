"""Scoring an archive beside the bare graph: `python -m tests.bench.archive [FILES [ROW...]]`, 10,000 and all rows.

What `cxr predict` does reads links to a few distinct synthetic radiographs of five megapixels, so that they fit a disk;
they lie in memory by then, and no disk is measured. In turns with it the bare ONNX Runtime session of the same graph
runs over one input, as many images at once on one thread each: on all cores, and with a core left for decoding.

On all cores, what decoding takes the model cannot have. So the processor time of both is printed too, and the rate that
it allows, with every core busy and nothing lost: the share of reading is what there is to reach, and unlike rates it
hardly depends on what else the machine does. The larger a model, the less decoding counts: the last row has
EfficientNet-Lite0 at 768 pixels, untrained; 90 % is the aim there.
"""

import csv
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import FileDataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless

from inference import archive
from inference.archive import Outcome
from inference.bundle import STARTER, Bundle, load
from inference.classifier import Classifier
from node.commands.predict import POLICY, score_rows
from node.demonstration import phantom
from tests.bench.reading import processor, untrained

FILES = 10_000
TURNS = 10
CORES = os.cpu_count() or 1
BARE_S = 1.0
"""How long the bare graph runs in a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file: how many of them are distinct, and of what part of the files asked for they are.

    `size` is that of the untrained model that reads them; 0 is the shipped one.
    """

    name: str
    write: Callable[[FileDataset, Path], None]
    distinct: int
    part: float
    size: int = 0


def main() -> None:
    """Measure and print."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    chosen = [kind for kind in KINDS if kind.name in sys.argv[2:] or len(sys.argv) <= 2]
    print(f"CPU: {processor()}; rows: {', '.join(kind.name for kind in chosen)}")
    radiograph = phantom.dataset(rows=2500, columns=2048)
    for kind in chosen:
        with tempfile.TemporaryDirectory(prefix="cxr-archive-") as folder:
            bundle = untrained(Path(folder), "efficientnet-lite0", kind.size) if kind.size else load(STARTER)
            paths = linked(Path(folder) / "files", kind, max(16 * TURNS, round(files * kind.part)), radiograph)
            size = f"{paths[0].stat().st_size / 1e6:.1f} MB"
            measure(f"{kind.name}, {size}, {bundle.card.version} at {bundle.card.preprocessing.size} px", paths, bundle)


def linked(folder: Path, kind: Kind, files: int, radiograph: FileDataset) -> list[Path]:
    """So many files of a kind, of which only some are distinct: the same chest, moved sideways."""
    folder.mkdir()
    pixels = radiograph.pixel_array
    paths = [folder / f"{number:05}" for number in range(files)]
    for number, path in enumerate(paths):
        if number < kind.distinct:
            moved = FileDataset(None, radiograph, file_meta=deepcopy(radiograph.file_meta))
            moved.PixelData = np.roll(pixels, number, axis=1).tobytes()
            kind.write(moved, path)
        else:
            path.hardlink_to(paths[number % kind.distinct])
    return paths


def measure(kind: str, paths: list[Path], bundle: Bundle) -> None:
    """Read files of a kind in turns with the bare graph, and print."""
    alone, served = Classifier(bundle, threads=1), Classifier(bundle, threads=0)
    start_up = starting(alone, paths)
    print(f"{kind}; {len(paths)} files, {CORES} cores")
    print(f"  bare graph, one image on all cores {bare(served, 1):6.1f} images/s, the moment before")
    for at_once in sorted({CORES, max(1, CORES - 1)}, reverse=True):
        before = spent(resource.RUSAGE_CHILDREN) + start_up
        rates, model_s = turns(paths, alone, at_once)
        decode_s = (spent(resource.RUSAGE_CHILDREN) - before) / len(paths)
        show(at_once, np.array(rates), model_ms=model_s * 1000, decode_ms=decode_s * 1000)


def turns(paths: list[Path], classifier: Classifier, at_once: int) -> tuple[list[tuple[float, float]], float]:
    """Images a second of the bare graph and of the archive in each turn, and the processor seconds of reading one."""
    outcomes = archive.read(paths, classifier, POLICY, processes=CORES, side_by_side=at_once)
    rates, used = [], 0.0
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        writer = csv.writer(nowhere)
        for _ in range(TURNS):
            graph = bare(classifier, at_once)
            ahead = 2 * (CORES + at_once)
            list(islice(outcomes, ahead))  # what was decoded meanwhile
            before, start, count = spent(resource.RUSAGE_SELF), time.perf_counter(), 0
            for outcome in islice(outcomes, max(1, len(paths) // TURNS - ahead)):
                writer.writerows(read(outcome))
                count += 1
            rates.append((graph, count / (time.perf_counter() - start)))
            used += (spent(resource.RUSAGE_SELF) - before) / count / TURNS
    list(outcomes)
    return rates, used


def read(outcome: Outcome) -> Iterable[tuple[object, ...]]:
    """The rows of a file that was read, as it must be here."""
    assert outcome.error is None, outcome.error
    return score_rows(outcome)


def show(at_once: int, rates: np.ndarray, *, model_ms: float, decode_ms: float) -> None:
    """Print medians of the turns, and of the ratio within each."""
    graph, ours = np.median(rates, axis=0)
    ratio = np.median(rates[:, 1] / rates[:, 0])
    share = model_ms / (model_ms + decode_ms)
    print(f"  {at_once} images at once: bare graph {graph:6.1f} images/s, cxr predict {ours:6.1f}: {ratio:.0%}")
    print(
        f"    processor time an image: reading {model_ms:.1f} ms, decoding {decode_ms:.1f} ms; reading is {share:.0%}; "
        f"{CORES} cores allow {CORES * 1000 / (model_ms + decode_ms):.1f} images/s"
    )


def bare(classifier: Classifier, at_once: int) -> float:
    """Images a second of the graph alone, so many at once."""
    preprocessing = classifier.card.preprocessing
    ready = np.zeros((1, preprocessing.channels, preprocessing.size, preprocessing.size), dtype=np.float32)
    start = time.perf_counter()

    def run(_: int) -> int:
        done = 0
        while time.perf_counter() < start + BARE_S:
            classifier.session.run(None, {"image": ready})
            done += 1
        return done

    with ThreadPoolExecutor(at_once) as threads:
        return sum(threads.map(run, range(at_once))) / (time.perf_counter() - start)


def starting(classifier: Classifier, paths: list[Path]) -> float:
    """Processor seconds in which processes start; decoding a file each is in it."""
    before = spent(resource.RUSAGE_CHILDREN)
    list(archive.read(paths[:CORES], classifier, POLICY, processes=CORES))
    return spent(resource.RUSAGE_CHILDREN) - before


def spent(whose: int) -> float:
    """Processor seconds, of this process or of its children that have ended."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def _plain(ds: FileDataset, path: Path) -> None:
    ds.save_as(path, enforce_file_format=True)


def _jpeg_2000(ds: FileDataset, path: Path) -> None:
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)


def _jpeg_ls(ds: FileDataset, path: Path) -> None:
    ds.compress(JPEGLSLossless, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)


def _picture(suffix: str) -> Callable[[FileDataset, Path], None]:
    def write(ds: FileDataset, path: Path) -> None:
        grey = np.frombuffer(ds.PixelData, dtype="<u2").reshape(ds.Rows, ds.Columns) >> (ds.BitsStored - 8)
        Image.fromarray(grey.astype(np.uint8)).save(path, format=suffix)

    return write


KINDS = (
    Kind(name="uncompressed", write=_plain, distinct=40, part=1),
    Kind(name="jpeg", write=_picture("JPEG"), distinct=20, part=0.1),
    Kind(name="jpeg-ls", write=_jpeg_ls, distinct=4, part=0.05),
    Kind(name="jpeg-2000", write=_jpeg_2000, distinct=4, part=0.03),
    Kind(name="larger-model", write=_plain, distinct=40, part=0.04, size=768),
)
"""JPEG-LS and JPEG 2000 are lossless."""


if __name__ == "__main__":
    main()
