"""What reading costs beside the bare model: `python -m tests.bench.reading [BUNDLE]`.

Times the bare ONNX Runtime session and the whole path (image as displayed to findings with boxes, and stored
values to findings with boxes) on one image of real size, in turns. Each turn gives the ratio of the whole path to the
bare session just before it; of each round the median is taken, and the median of three rounds is printed with the
rounds' range. For the shipped model the aim is a ratio of at most 1.15.

Without a bundle, EfficientNet-Lite0 at 512 pixels and ResNet-50 at 1024 follow, untrained, since a graph's speed does
not depend on what it learnt: the aims are 40 ms and 1.2 s on two threads, and 85 % of the bare session's speed. It
measures; it never fails.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from db.vocabulary import EIGHT
from inference.bundle import MODEL, STARTER, Bundle, load, write
from inference.classifier import Classifier
from inference.grayscale import levels
from inference.image import Image
from inference.network import Network
from inference.preprocess import model_input
from tests.bundles import tiny_card
from training.export import to_onnx

ROWS, COLUMNS = 2500, 2048
ROUNDS = 3
LARGER = (("efficientnet-lite0", 512, 30), ("resnet50", 1024, 4))
"""Backbone, input size, and turns a round."""


def main() -> None:
    """Measure and print."""
    print(f"CPU: {processor()}; image {ROWS} x {COLUMNS}")
    if len(sys.argv) > 1:
        measure(load(Path(sys.argv[1])), threads=(1, 0), turns=60)
        return
    measure(load(STARTER), threads=(1, 0), turns=60)
    with tempfile.TemporaryDirectory() as folder:
        for backbone, size, turns in LARGER:
            measure(untrained(Path(folder), backbone, size), threads=(2,), turns=turns)


def untrained(folder: Path, backbone: str, size: int) -> Bundle:
    """A model that has learnt nothing, as an export of a trained one would be."""
    graph = to_onnx(Network(backbone=backbone, weights="none", findings=len(EIGHT)), size)
    return write(folder / backbone, tiny_card(version=backbone, size=size), {MODEL: graph})


def measure(bundle: Bundle, threads: Iterable[int], turns: int) -> None:
    """Measure with some numbers of processor threads (0: all) and print."""
    header, stored = synthetic_radiograph()
    shown = Image.windowed(Image(stored=stored, grey=levels(header, stored)).display())
    ready = model_input(shown, bundle.card.preprocessing)
    for number in threads:
        classifier = Classifier(bundle, threads=number)
        present = sum(score.present for score in classifier(shown).scores)
        size = bundle.card.preprocessing.size
        print(f"{bundle.card.version}, {size} pixels, threads: {number or 'all'}; findings present: {present}")
        paths: dict[str, Callable[[], object]] = {
            "bare ONNX Runtime session": lambda: classifier.session.run(None, {"image": ready}),  # noqa: B023
            "displayed image to findings and boxes": lambda: classifier(shown),  # noqa: B023
            "stored values to findings and boxes": lambda: classifier(  # noqa: B023
                Image(stored=stored, grey=levels(header, stored))
            ),
        }
        show(list(paths), np.array([interleaved(paths, turns) for _ in range(ROUNDS)]))


def show(names: list[str], times: npt.NDArray[np.float64]) -> None:
    """Print of (rounds, turns, paths) seconds the medians, and the ratios to the first path."""
    ratios = np.median(times / times[:, :, :1], axis=1)
    for place, name in enumerate(names):
        least, median, most = np.sort(ratios[:, place])[[0, len(ratios) // 2, -1]]
        taken = np.median(times[:, :, place]) * 1000
        print(f"{name:38} {taken:7.1f} ms  x {median:.2f} ({least:.2f} to {most:.2f}), {1 / median:.0%} of the speed")


def interleaved(paths: dict[str, Callable[[], object]], turns: int) -> list[list[float]]:
    """(turns, paths) seconds; they take turns, so that a busy machine is as busy for all."""
    times = []
    for _ in range(turns):
        times.append([])
        for run in paths.values():
            start = time.perf_counter()
            run()
            times[-1].append(time.perf_counter() - start)
    return times


def synthetic_radiograph() -> tuple[Dataset, np.ndarray]:
    """A 12-bit image with two dark fields and noise, and its header."""
    y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    lungs = np.exp(-(((np.abs(x) - 0.45) / 0.3) ** 4) - (y / 0.7) ** 4)
    noise = np.random.default_rng(0).normal(0, 60, (ROWS, COLUMNS))
    stored = np.clip(3000 - 2200 * lungs + noise, 0, 4095).astype(np.uint16)
    header = Dataset()
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsStored, header.PixelRepresentation = 12, 0
    header.WindowCenter, header.WindowWidth = 2048, 4096
    return header, stored


def processor() -> str:
    """The processor's name, where Linux tells it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    return f"{names[0].partition(':')[2].strip()}, {len(names)} cores" if names else "unknown"


if __name__ == "__main__":
    main()
