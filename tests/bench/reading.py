"""What reading costs beside the bare model: `python tests/bench/reading.py [BUNDLE]`.

Times the bare ONNX Runtime session and the whole path (image as displayed to findings with boxes, and stored
values to findings with boxes) on one image of real size, in turns, and prints medians and their ratios.
The aim is a ratio of at most 1.15. It measures; it never fails.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import Dataset

from inference.bundle import STARTER, Bundle, load
from inference.classifier import Classifier
from inference.grayscale import levels
from inference.image import Image
from inference.preprocess import model_input

ROWS, COLUMNS = 2500, 2048


def main() -> None:
    """Measure and print."""
    bundle = load(Path(sys.argv[1]) if len(sys.argv) > 1 else STARTER)
    print(f"CPU: {processor()}")
    print(f"model: {bundle.card.version}, input {bundle.card.preprocessing.size}; image {ROWS} x {COLUMNS}")
    for threads in (1, 0):
        measure(bundle, threads)


def measure(bundle: Bundle, threads: int) -> None:
    """Measure with one number of processor threads (0: all) and print."""
    classifier = Classifier(bundle, threads=threads)
    header, stored = synthetic_radiograph()
    shown = Image.windowed(Image(stored=stored, grey=levels(header, stored)).display())
    ready = model_input(shown, bundle.card.preprocessing)
    prediction = classifier(shown)

    paths: dict[str, Callable[[], object]] = {
        "bare ONNX Runtime session": lambda: classifier.session.run(None, {"image": ready}),
        "displayed image to findings and boxes": lambda: classifier(shown),
        "stored values to findings and boxes": lambda: classifier(Image(stored=stored, grey=levels(header, stored))),
    }
    medians = interleaved(paths, turns=60)

    print(f"threads: {threads or 'all'}; findings present: {sum(score.present for score in prediction.scores)}")
    bare = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{name:40} {median * 1000:7.1f} ms  x {median / bare:.2f}")


def interleaved(paths: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Median seconds of each path; they take turns, so that a busy machine is as busy for all."""
    times: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(turns):
        for name, run in paths.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(taken)) for name, taken in times.items()}


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
