"""How a cluster grows on this machine: `python -m tests.bench.growth [--studies 500] [--plot docs/growth.png]`.

Studies of one image arrive on 8 associations; a topology is so many receivers and so many reading workers, one thread
each, on one PostgreSQL (with fsync) and one Redis. Nothing is sent on, so reading is what a worker does.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import backlog, studies
from db.engine import Database, connect
from node.demonstration import phantom
from tests.bench.reception import processor
from tests.node.dicom.raw import Image, RawPeer
from tests.peers import cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.processes import free_port, wait_until

ASSOCIATIONS = 8
SIDE = 1024
TOPOLOGIES = ((1, 1), (1, 2), (2, 2), (2, 4))
"""Receivers and reading workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a topology did: studies a second received and acknowledged, and from the first to the last result built."""

    receivers: int
    workers: int
    received: float
    read: float


@contextmanager
def topology(folder: Path, receivers: int, workers: int) -> Iterator[tuple[int, Database]]:
    """Its DICOM port and its database, when everybody is at work."""
    postgres, redis, port = Postgres(fsync=True), Redis(folder), free_port()
    url = postgres.create_database()
    settings = cluster.toml(
        dicom={"port": port, "processes": receivers, "min_free_mb": 0},
        database={"url": url},
        broker={"url": redis.url},
        study={"quiet_s": 0.5},
        reading={"threads": 1},
        mining={"workers": 0},
        log={"level": "info"},
    )
    names = [f"inference:{number}" for number in range(workers)]
    database = connect(url)
    try:
        with cluster.running(folder, f'data = "{folder / "data"}"\n{settings}', "scp", "reconcile", *names) as nodes:
            for name in ("scp", "reconcile"):
                nodes.wait_until_said(name, "ready:")
            for name in names:
                nodes.wait_until_said(name, "[queues]")
            push(port, [image()])  # the model is loaded
            wait_until(lambda: left(database) == 0, timeout_s=60, what="the first study is not read")
            yield port, database
    finally:
        database.close()
        redis.kill()
        postgres.close()


def image(number: int = 0) -> Image:
    """A phantom of a study of its own."""
    ds = phantom.dataset(rows=SIDE, columns=SIDE, seed=number, findings=("Effusion",))
    ds.SOPClassUID, ds.StudyInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    return Image(ds)


def push(port: int, images: Sequence[Image]) -> None:
    """Send images over one association."""
    with RawPeer(port) as peer:
        peer.associate()
        for each in images:
            peer.send(each.head, each.tail)
            if peer.status() != 0:
                raise RuntimeError("an image was not taken")
        peer.release()


def left(database: Database) -> int:
    """Studies and jobs that have not ended."""
    with database.read() as connection:
        return backlog.unfinished_count(connection) + studies.unsettled_count(connection)


def measure(receivers: int, workers: int, count: int) -> Measured:
    """Let so many studies arrive and be read."""
    shares = [[image(number) for number in range(each, count, ASSOCIATIONS)] for each in range(ASSOCIATIONS)]
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder, topology(Path(folder), receivers, workers) as site:
        port, database = site
        begin = time.perf_counter()
        senders = [threading.Thread(target=push, args=(port, share)) for share in shares]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        received_s = time.perf_counter() - begin
        wait_until(lambda: left(database) == 0, timeout_s=1200, what="studies are left")
        read_s = time.perf_counter() - begin
    return Measured(receivers=receivers, workers=workers, received=count / received_s, read=count / read_s)


def draw(found: Sequence[Measured], path: Path) -> None:
    """Bars of both rates."""
    import matplotlib  # noqa: PLC0415 - only for the plot

    matplotlib.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    places = range(len(found))
    axes.bar([x - 0.2 for x in places], [each.received for each in found], 0.4, label="received", color="#9aa5b1")
    axes.bar([x + 0.2 for x in places], [each.read for each in found], 0.4, label="read", color="#1f6f8b")
    axes.set_xticks(places, [f"{each.receivers} receiver(s)\n{each.workers} worker(s)" for each in found])
    axes.set_ylabel("studies a second")
    axes.set_title(f"One database, {ASSOCIATIONS} associations; {processor()}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    print(f"{processor()}; {options.studies} studies of one {SIDE} x {SIDE} image on {ASSOCIATIONS} associations")
    print(f"{'receivers':>9} {'workers':>7} {'received/s':>10} {'read/s':>7}")
    found = []
    for receivers, workers in TOPOLOGIES:
        each = measure(receivers, workers, options.studies)
        found.append(each)
        print(f"{each.receivers:9} {each.workers:7} {each.received:10.1f} {each.read:7.2f}", flush=True)
    if options.plot:
        draw(found, options.plot)


if __name__ == "__main__":
    main()
