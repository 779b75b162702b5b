"""What it costs to decode in a process of its own: `python -m tests.bench.isolation`.

Decodes a 10 MB radiograph in each usual compression, in this process and in the other one in turns, and prints the
medians and what is between them; and an uncompressed one, which goes to no process. It measures; it never fails.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from inference import image_file
from inference.isolation import Isolated
from inference.policy import Policy
from node.demonstration import phantom

TURNS = 7
LENIENT = Policy(accept_unknown_view=True, accept_unknown_body_part=True)


def main() -> None:
    """Measure and print."""
    images = Isolated(1)
    with tempfile.TemporaryDirectory() as folder:
        for syntax in (ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless):
            path = written(Path(folder), syntax)
            images.read(path, LENIENT, 10**8)  # the process is there
            here, there = [], []
            for _ in range(TURNS):
                here.append(taken(lambda path=path: image_file.read(path, LENIENT, 10**8)))
                there.append(taken(lambda path=path: images.read(path, LENIENT, 10**8)))
            ours, theirs = statistics.median(here), statistics.median(there)
            print(
                f"{syntax.name:40} {path.stat().st_size / 1e6:5.1f} MB  here {ours * 1e3:6.1f} ms  "
                f"isolated {theirs * 1e3:6.1f} ms  {(theirs - ours) * 1e3:+6.1f} ms ({theirs / ours - 1:+.0%})"
            )
    images.close()


def written(folder: Path, syntax: str) -> Path:
    """A file of 2500 x 2000 pixels with noise in this transfer syntax."""
    ds = phantom.dataset(rows=2500, columns=2000)
    noise = np.random.default_rng(0).integers(0, 40, ds.pixel_array.shape, dtype=np.uint16)
    ds.PixelData = np.clip(ds.pixel_array + noise, 0, 2**ds.BitsStored - 1).astype(np.uint16).tobytes()
    if syntax != ExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    path = folder / f"{syntax}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def taken(run: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
