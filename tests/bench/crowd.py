"""Crowds and long hours: `python -m tests.bench.crowd`.

100 associations at once, beside the peers; whether a node grows that stores some thousand objects; and the start
of one that holds 10,000. What is printed was measured; nothing is asserted.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db import migration, studies
from db.engine import connect
from tests.bench.peers import PYNETDICOM, TARGETS, Server, Target, make_objects, send, wait_for_echo
from tests.bench.reception import processor, running
from tests.db.rows import arrival
from tests.node.dicom.raw import DATA, ECHO_RQ, RawPeer

CROWD = 100
ROUNDS, ROUND = 5, 400
"""Objects of 40 kB in each round of the long hours."""
HELD = 10_000


def echo_at_once(server: Server, count: int) -> tuple[int, float]:
    """So many associations begun in one moment, each with a C-ECHO; how many were answered, and in what time."""
    together = threading.Barrier(count)
    answered: list[float] = []
    begin = time.perf_counter()

    def call() -> None:
        together.wait()
        try:
            with RawPeer(server.port) as peer:
                peer.associate(called=server.ae_title)
                peer.send(ECHO_RQ)
                if peer.receive()[0] == DATA:
                    answered.append(time.perf_counter())
        except (OSError, AssertionError):
            pass

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(answered), max(answered, default=begin) - begin


def print_crowd(targets: list[Target], scratch: Path) -> None:
    """A line for each target."""
    print(f"{CROWD} associations at once, each with a C-ECHO\n{'receiver':<12} answered       s")
    for target in targets:
        with running(target, scratch) as server:
            wait_for_echo(server)
            answered, seconds = echo_at_once(server, CROWD)
            print(f"{target.name:<12} {answered:8} {seconds:7.2f}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a server holds after a round; `rss` in MB (10^6 bytes)."""

    rss: float
    descriptors: int
    threads: int
    parts: int


def long_hours(target: Target, scratch: Path) -> list[Held]:
    """What it holds after each round."""
    folders = [make_objects(scratch / f"round{n}", count=ROUND, side=140, associations=4) for n in range(ROUNDS)]
    found = []
    with running(target, scratch) as server:
        wait_for_echo(server)
        process = Path(f"/proc/{server.pid}")
        for round_folders in folders:
            send(server, round_folders)
            found.append(
                Held(
                    rss=int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6,
                    descriptors=len(list((process / "fd").iterdir())),
                    threads=len(list((process / "task").iterdir())),
                    parts=len(list(server.folder.rglob("*.part"))),
                )
            )
    return found


def print_long_hours(target: Target, scratch: Path) -> None:
    """A line for each round."""
    print(f"\n{ROUND} objects a round\nround      RSS MB  descriptors  threads  .part files")
    for number, each in enumerate(long_hours(target, scratch), 1):
        print(f"{number:<10} {each.rss:6.0f} {each.descriptors:12} {each.threads:8} {each.parts:12}")


@contextmanager
def held(count: int) -> Iterator[Path]:
    """A folder of a node whose database knows so many instances of as many finished studies."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as scratch:
        folder = Path(scratch) / "node"
        (folder / "data").mkdir(parents=True)
        database = connect(f"sqlite:///{folder}/data/cxr.db")
        migration.upgrade(database)
        with database.write() as connection:
            for number in range(count):
                studies.record_arrival(connection, arrival(number, study_instance_uid=f"2.25.{number}"), settle_at=None)
        database.close()
        yield folder


def start_s(target: Target) -> float:
    """Seconds to the first C-ECHO with much to look at."""
    with held(HELD) as folder:
        begin = time.perf_counter()
        server = target.start(folder)
        try:
            wait_for_echo(server)
            return time.perf_counter() - begin
        finally:
            server.kill()


def main() -> None:
    """Measure and print."""
    targets = [target for target in (*TARGETS, PYNETDICOM) if target.there()]
    print(processor())
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as scratch:
        print_crowd(targets, Path(scratch))
        print_long_hours(TARGETS[0], Path(scratch))
    print(f"\nstart to the first C-ECHO, {HELD} instances: {start_s(TARGETS[0]):.2f} s")


if __name__ == "__main__":
    main()
