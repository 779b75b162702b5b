"""What it costs to know that an image is what was received: `python -m tests.bench.looking`.

Reads a 10 MB radiograph, uncompressed and compressed, in three ways in turns: as it is, compared with its row first and
read then, and compared while it is read, as the node does. It prints the medians; it never fails.
"""

import hashlib
import io
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from db.records import Holding, StoredFile
from inference.isolation import Isolated
from node.upkeep import integrity
from node.upkeep.integrity import ComparedFile
from tests.bench.isolation import LENIENT, taken, written

TURNS = 9


def main() -> None:
    """Measure and print."""
    images = Isolated(1)
    with tempfile.TemporaryDirectory() as folder:
        for syntax in (ExplicitVRLittleEndian, JPEGLSLossless, JPEG2000Lossless):
            path = written(Path(folder), syntax)
            plain, first, meanwhile = medians(images, path)
            print(
                f"{syntax.name:40} {path.stat().st_size / 1e6:5.1f} MB  not compared {plain * 1e3:6.1f} ms  "
                f"compared first {(first - plain) * 1e3:+6.1f} ms  "
                f"while it is read {(meanwhile - plain) * 1e3:+6.1f} ms"
            )
    images.close()


def medians(images: Isolated, path: Path) -> list[float]:
    """Seconds of each way."""
    file = row_of(path)

    @contextmanager
    def opened(path: Path) -> Iterator[BinaryIO]:
        compared = ComparedFile(path.open("rb", buffering=0), file)
        with io.BufferedReader(compared, integrity.AT_ONCE) as stream:
            yield stream
            assert compared.fault() is None

    def plain() -> None:
        images.read(path, LENIENT, 10**8)

    def first() -> None:
        assert integrity.fault(path, file) is None
        images.read(path, LENIENT, 10**8)

    def meanwhile() -> None:
        images.read(path, LENIENT, 10**8, opened=opened)

    plain()  # the process is there
    turns = [[taken(way) for way in (plain, first, meanwhile)] for _ in range(TURNS)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def row_of(path: Path) -> StoredFile:
    """A row that the file fits: of a result, whose digest is of the whole file."""
    return StoredFile(
        kind=Holding.RESULT,
        id=1,
        sop_class_uid="",
        sop_instance_uid="",
        transfer_syntax_uid="",
        path=path.name,
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        absence=None,
    )


if __name__ == "__main__":
    main()
