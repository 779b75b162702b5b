"""A PACS that is down for ten minutes while studies come: what is lost, when the rest is sent, what reception notices.

The node is embedded, with the model that is shipped, and its clock goes ten times as fast (`hurried.py`). The PACS is
DCMTK's storescp, killed and started again.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.broker import RESULTS, frontals
from tests.bench.growth import push
from tests.bench.hurried import HASTE
from tests.bench.peers import ROOT
from tests.bench.probe import p95, probing
from tests.node.dicom.raw import Image
from tests.peers import cluster
from tests.peers.processes import Peer, free_port, listens, wait_until
from tests.peers.storescp import Storescp

DOWN_S = 600
EVERY_S = 10
"""A study comes; seconds of the node's clock, like the others here."""
BEFORE_S = 200
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What came of the studies.

    Attributes:
        studies: that came while the PACS was down.
        lost: results that are not in the PACS in the end.
        sent_s: from its return until the last result is there, by the node's clock.
        up_ms, down_ms: 95th percentile of a C-STORE of 0.5 MB before the outage and during it.
    """

    studies: int
    lost: int
    sent_s: float
    up_ms: float
    down_ms: float


@contextmanager
def hurried(folder: Path, pacs: Storescp) -> Iterator[int]:
    """A node that hurries; its DICOM port."""
    port = free_port()
    config = folder / "node.toml"
    tables = cluster.toml(
        dicom={"port": port, "min_free_mb": 0},
        hl7={"port": free_port()},
        console={"port": free_port()},
        study={"quiet_s": 5},
        work={"lease_s": 60 * HASTE},
        mining={"workers": 0},
        log={"level": "warning"},
        destinations=[pacs.destination()],
    )
    config.write_text(f'data = "{folder / "data"}"\n{tables}')
    command = [sys.executable, "-c", "from tests.bench.hurried import serve; serve()", config]
    node = Peer(command, ready=lambda: listens(port), log=folder / "log", environment={"PYTHONPATH": str(ROOT)})
    node.start(timeout_s=60)
    try:
        yield port
    finally:
        node.stop()


def outage() -> Outage:
    """Let studies come before it and during it, and wait for the backlog."""
    before, during = frontals(BEFORE_S // EVERY_S), frontals(DOWN_S // EVERY_S)
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as name:
        folder, pacs = Path(name), Storescp(Path(name) / "pacs")
        try:
            with hurried(folder, pacs) as port:
                with probing(port) as up:
                    arrive(port, before)
                wait_until(
                    lambda: len(pacs.paths) == RESULTS * len(before), timeout_s=PATIENCE_S, what="results are missing"
                )
                pacs.kill()
                with probing(port) as down:
                    arrive(port, during)
                pacs.start()
                begin, whole = time.monotonic(), RESULTS * (len(before) + len(during))
                with suppress(TimeoutError):
                    wait_until(lambda: len(pacs.paths) == whole, timeout_s=PATIENCE_S, what="results are missing")
                sent_s = HASTE * (time.monotonic() - begin)
                return Outage(
                    studies=len(during), lost=whole - len(pacs.objects), sent_s=sent_s, up_ms=p95(up), down_ms=p95(down)
                )
        finally:
            pacs.kill()


def arrive(port: int, images: list[Image]) -> None:
    """Push one after the other in their time."""
    for image in images:
        begin = time.monotonic()
        push(port, [image])
        time.sleep(max(0.0, EVERY_S / HASTE - (time.monotonic() - begin)))
