"""How a cluster grows on this machine, as the page on sizing has it:

    python -m tests.bench.growth --plot docs/pictures/growth.png --json deploy/growth.json
    python deploy/sizing.py > deploy/sizing.md

Studies of one image arrive on 8 associations; a topology is so many receivers and so many reading workers, one thread
each, on one PostgreSQL (with fsync) and one Redis. Nothing is sent on, so reading is what a worker does. Senders,
database and broker take their part of the same cores.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import backlog, studies
from db.engine import Database, connect
from node.demonstration import phantom
from tests.bench import growth_figure
from tests.bench.reception import processor
from tests.node.dicom.raw import Image, RawPeer
from tests.peers import cluster
from tests.peers.databases import Postgres, Redis
from tests.peers.processes import free_port, wait_until

ASSOCIATIONS = 8
SIDE = 1024
DRAWN = 8
TELL_S = 15.0
TOPOLOGIES = ((1, 1), (1, 2), (2, 2), (2, 4))
"""Receivers and reading workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a topology did: studies a second received and acknowledged, and from the first to the last result built."""

    receivers: int
    workers: int
    received_per_s: float
    read_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What all of them did, and where."""

    machine: str
    cores: int
    studies: int
    associations: int
    side: int
    found: Sequence[Measured]


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
            push(port, images(1))  # the model is loaded
            wait_until(lambda: left(database) == 0, timeout_s=60, what="the first study is not read")
            yield port, database
    finally:
        database.close()
        redis.kill()
        postgres.close()


def images(count: int) -> list[Image]:
    """So many phantoms, each of a study of its own; a few are drawn, for to draw one takes longer than to read it."""
    drawn = [phantom.dataset(rows=SIDE, columns=SIDE, seed=seed, findings=("Effusion",)) for seed in range(DRAWN)]
    return [_of_its_own(drawn[number % DRAWN]) for number in range(count)]


def _of_its_own(drawn: Dataset) -> Image:
    ds = Dataset({each.tag: each for each in drawn})
    ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = (generate_uid() for _ in range(3))
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
    all_images = images(count)
    shares = [all_images[each::ASSOCIATIONS] for each in range(ASSOCIATIONS)]
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder, topology(Path(folder), receivers, workers) as site:
        port, database = site
        begin = time.perf_counter()
        senders = [threading.Thread(target=push, args=(port, share)) for share in shares]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        received_s = time.perf_counter() - begin
        await_all(database, count)
        read_s = time.perf_counter() - begin
    return Measured(receivers=receivers, workers=workers, received_per_s=count / received_s, read_per_s=count / read_s)


def await_all(database: Database, count: int) -> None:
    """Wait until nothing is left to do, and tell a person now and then how much that is."""
    told = time.monotonic()
    while (waiting := left(database)) > 0:
        if time.monotonic() - told >= TELL_S:
            told = time.monotonic()
            print(f"{'':>18} {count - waiting} of {count} are read", file=sys.stderr, flush=True)
        time.sleep(0.05)


def main() -> None:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--plot", type=Path, help="a PNG or SVG")
    parser.add_argument("--json", type=Path, help="what deploy/sizing.py reads")
    options = parser.parse_args()
    print(f"{processor()}; {options.studies} studies of one {SIDE} x {SIDE} image on {ASSOCIATIONS} associations")
    print(f"{'receivers':>9} {'workers':>8} {'received/s':>11} {'read/s':>8}", flush=True)
    found = []
    for receivers, workers in TOPOLOGIES:
        each = measure(receivers, workers, options.studies)
        found.append(each)
        print(f"{receivers:9} {workers:8} {each.received_per_s:11.1f} {each.read_per_s:8.2f}", flush=True)
    grown = Growth(
        machine=processor(),
        cores=os.cpu_count() or 1,
        studies=options.studies,
        associations=ASSOCIATIONS,
        side=SIDE,
        found=found,
    )
    if options.json:
        options.json.write_text(json.dumps(asdict(grown), indent=1) + "\n", "utf-8")
    if options.plot:
        growth_figure.draw(grown, options.plot)


if __name__ == "__main__":
    main()
