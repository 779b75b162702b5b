"""Durable reception against peers, measured in turn on this machine: `python -m tests.bench.reception`.

Everybody gets the same objects from the same senders, into an empty folder on the same disk; what was written is
removed and the disk is quiet before the next one starts. What is printed was measured; nothing is asserted. Orthanc
and `cxr serve` make what they store durable before they answer; storescp does not.
"""

import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.memory import Memory
from tests.bench.peers import TARGETS, Server, Target, make_objects, send, wait_for_echo

REPEATS = 3
BUDGET_S = 330
"""No further repeat of the rates starts after this many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: `count` objects of side x side 16-bit pixels over `associations` at once."""

    name: str
    count: int
    side: int
    associations: int

    @property
    def mb(self) -> float:
        """Pixels of one object, in MB (10^6 bytes)."""
        return 2 * self.side**2 / 1e6

    def rate(self, seconds: float) -> float:
        """MB/s of large objects, images/s of small ones."""
        return self.count * (self.mb if self.mb > 1 else 1) / seconds

    @property
    def unit(self) -> str:
        """What `rate` counts."""
        return "MB/s" if self.mb > 1 else "images/s"


LOADS = (
    Load(name="10 MB x 1", count=200, side=2236, associations=1),
    Load(name="10 MB x 4", count=200, side=2236, associations=4),
    Load(name="10 MB x 10", count=200, side=2236, associations=10),
    Load(name="0.5 MB x 1", count=200, side=500, associations=1),
    Load(name="0.5 MB x 4", count=200, side=500, associations=4),
    Load(name="0.5 MB x 10", count=200, side=500, associations=10),
)
CROWD = Load(name="10 MB x 20", count=20, side=2236, associations=20)


@contextmanager
def running(target: Target, scratch: Path) -> Iterator[Server]:
    """A fresh server on an empty folder; afterwards the folder is removed and the disk left quiet."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    server = None
    try:
        server = target.start(folder)
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(folder)
        os.sync()


def measure_rate(target: Target, load: Load, folders: list[Path], scratch: Path) -> float:
    """The rate at which a fresh server takes the load."""
    with running(target, scratch) as server:
        wait_for_echo(server)
        return load.rate(send(server, folders))


def measure_memory(target: Target, folders: list[Path], scratch: Path) -> tuple[float, float]:
    """MB that a server holds before, and that it grows by at most, while all folders are sent at once."""
    with running(target, scratch) as server:
        wait_for_echo(server)
        memory = Memory(server.pid)
        before = memory.baseline()
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.005):
                memory.sample()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            send(server, folders)
        finally:
            ended.set()
            watcher.join()
        return before, memory.growth()


def measure_start(target: Target, scratch: Path) -> float:
    """Seconds from the command to the first C-ECHO that is answered."""
    begin = time.perf_counter()
    with running(target, scratch) as server:
        wait_for_echo(server)
        return time.perf_counter() - begin


def rates(targets: list[Target], scratch: Path) -> dict[tuple[str, str], list[float]]:
    """Every load on every target, in turn, as often as the time allows; at least once."""
    found: dict[tuple[str, str], list[float]] = {}
    begin = time.monotonic()
    objects = {
        load.name: make_objects(scratch / load.name, count=load.count, side=load.side, associations=load.associations)
        for load in LOADS
    }
    os.sync()
    for repeat in range(REPEATS):
        for load in LOADS:
            if repeat and time.monotonic() - begin > BUDGET_S:
                return found
            for target in targets[repeat:] + targets[:repeat]:
                rate = measure_rate(target, load, objects[load.name], scratch)
                found.setdefault((load.name, target.name), []).append(rate)
    return found


def print_rates(targets: list[Target], found: dict[tuple[str, str], list[float]]) -> None:
    """A line for each load and target: the median, all values, and the ratios to the two peers."""
    print(f"{'load':<11} {'receiver':<11} {'median':>7} {'unit':<9} {'/Orthanc':>8} {'/storescp':>9}  all")
    medians = {key: statistics.median(values) for key, values in found.items()}
    for load in LOADS:
        for target in targets:
            median = medians[load.name, target.name]
            ratios = [
                f"{median / medians[load.name, peer]:.2f}" if (load.name, peer) in medians else "-"
                for peer in ("Orthanc", "storescp")
            ]
            values = " ".join(f"{value:.0f}" for value in found[load.name, target.name])
            print(
                f"{load.name:<11} {target.name:<11} {median:7.0f} {load.unit:<9}",
                f"{ratios[0]:>8} {ratios[1]:>9}  {values}",
            )


def print_memory_and_start(targets: list[Target], scratch: Path) -> None:
    """A line for each target."""
    folders = make_objects(scratch / "crowd", count=CROWD.count, side=CROWD.side, associations=CROWD.associations)
    os.sync()
    print(f"\n{'receiver':<11} {'MB before':>9} {'+ MB, ' + CROWD.name:>17} {'s to C-ECHO':>12}")
    for target in targets:
        before, growth = measure_memory(target, folders, scratch)
        start_s = statistics.median(measure_start(target, scratch) for _ in range(REPEATS))
        print(f"{target.name:<11} {before:9.0f} {growth:17.0f} {start_s:12.2f}")


def processor() -> str:
    """The machine's processor by name, and how many of its cores there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


def main() -> None:
    """Measure and print."""
    targets = [target for target in TARGETS if target.there()]
    absent = [target.name for target in TARGETS if target not in targets]
    print(f"Durable reception on {processor()}; storescu -R, one process an association, {LOADS[0].count} objects")
    if absent:
        print(f"Not here, so not measured: {', '.join(absent)}")
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as scratch:
        print_rates(targets, rates(targets, Path(scratch)))
        print_memory_and_start(targets, Path(scratch))


if __name__ == "__main__":
    main()
