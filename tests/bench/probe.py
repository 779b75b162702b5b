"""A modality that sends an image now and then, and how long each takes to be acknowledged."""

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from node.demonstration import phantom
from tests.node.dicom.raw import Image, RawPeer

SIDE = 500
"""An image has 0.5 MB."""
EVERY_S = 0.05


@contextmanager
def probing(port: int) -> Iterator[list[float]]:
    """Lateral images of one study over one association; milliseconds to each acknowledgement, so far.

    Raises:
        RuntimeError: on the way out; an image was not acknowledged.
    """
    times: list[float] = []
    failures: list[Exception] = []
    ended = threading.Event()
    thread = threading.Thread(target=_probe, args=(port, times, failures, ended))
    thread.start()
    try:
        yield times
    finally:
        ended.set()
        thread.join()
    if failures:
        raise RuntimeError("the probe was not served") from failures[0]


def _probe(port: int, times: list[float], failures: list[Exception], ended: threading.Event) -> None:
    ds = phantom.dataset(rows=SIDE, columns=SIDE)
    ds.SOPClassUID, ds.ViewPosition, ds.PatientOrientation = ComputedRadiographyImageStorage, "LL", ["P", "F"]
    try:
        with RawPeer(port) as peer:
            peer.associate()
            while not ended.wait(EVERY_S):
                ds.SOPInstanceUID = generate_uid()
                image = Image(ds)
                begin = time.perf_counter()
                peer.send(image.head, image.tail)
                assert peer.status() == 0
                times.append(1000 * (time.perf_counter() - begin))
            peer.release()
    except (OSError, AssertionError) as error:
        failures.append(error)


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]
