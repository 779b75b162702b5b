"""Loads, on the node and on those peers that can be given the same: rows L1 to L7 of the table."""

import statistics
import tempfile
from pathlib import Path

from tests.bench import crowd, mllp, reception, wakeup
from tests.bench.found import NODE, Found, beside
from tests.bench.peers import Target, make_objects, wait_for_echo
from tests.bench.reception import Load

FLAT_MB = 10
"""What a process may take on in four more rounds of the same and still be called flat."""
FLAT = 8
"""Descriptors, or threads, that a pool may open late; one for each association would be 16."""
SMALL = [load for load in reception.LOADS if load.name in ("0.5 MB x 1", "0.5 MB x 10")]
WAKES_MS = {"embedded": 20, "cluster": 50}


def made(load: Load, scratch: Path) -> list[Path]:
    """The objects of a load."""
    return make_objects(scratch / load.name, count=load.count, side=load.side, associations=load.associations)


def at_once(scratch: Path) -> Found:
    """L1: so many associations in one moment."""

    def echoes(target: Target) -> tuple[int, float]:
        with reception.running(target, scratch) as server:
            wait_for_echo(server)
            return crowd.echo_at_once(server, crowd.CROWD)

    answered, seconds = echoes(NODE)
    return Found(
        node=f"{answered} in {seconds:.1f} s",
        peers=beside(lambda peer: "{} in {:.1f} s".format(*echoes(peer))),
        reached=answered == crowd.CROWD and seconds <= 6,
    )


def rates(scratch: Path) -> Found:
    """L2: durable images a second."""
    folders = [made(load, scratch) for load in SMALL]

    def found(target: Target) -> list[float]:
        return [
            reception.measure_rate(target, load, there, scratch) for load, there in zip(SMALL, folders, strict=True)
        ]

    def said(figures: list[float]) -> str:
        return " / ".join(f"{rate:.0f}" for rate in figures)

    ours = found(NODE)
    return Found(node=said(ours), peers=beside(lambda peer: said(found(peer))), reached=min(ours) >= 100)


def memory(scratch: Path) -> Found:
    """L3: what large objects on many associations take."""
    folders = made(reception.CROWD, scratch)

    def grown(target: Target) -> float:
        return reception.measure_memory(target, folders, scratch)[1]

    ours = grown(NODE)
    return Found(node=f"{ours:+.0f} MB", peers=beside(lambda peer: f"{grown(peer):+.0f} MB"), reached=ours <= 150)


def long_hours(scratch: Path) -> Found:
    """L4: what is held after the first and after the last of some rounds."""
    first, *_, last = crowd.long_hours(NODE, scratch)
    taken, descriptors, threads = (
        last.rss - first.rss,
        last.descriptors - first.descriptors,
        last.threads - first.threads,
    )
    return Found(
        node=f"{taken:+.0f} MB, {descriptors:+d} descriptors, {threads:+d} threads, {last.parts} files",
        reached=taken <= FLAT_MB and max(descriptors, threads) <= FLAT and last.parts == 0,
    )


def wake_ups(_scratch: Path) -> Found:
    """L5: from the announcement of a job to its end."""
    found = {way: statistics.quantiles(wakeup.measure(way), n=20)[-1] for way in WAKES_MS}
    return Found(
        node=" / ".join(f"{ms:.0f} ms" for ms in found.values()),
        reached=all(found[way] <= most for way, most in WAKES_MS.items()),
    )


def messages(_scratch: Path) -> Found:
    """L6: durable reports a second."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder, mllp.node(Path(folder) / "data") as port:
        found = {connections: mllp.measure(port, connections)[0] for connections in mllp.GOALS}
    return Found(
        node=" / ".join(f"{rate:.0f}" for rate in found.values()),
        reached=all(found[connections] >= goal for connections, goal in mllp.GOALS.items()),
    )


def start(scratch: Path) -> Found:
    """L7: from the command to the first C-ECHO."""

    def empty(peer: Target) -> str:
        return f"{reception.measure_start(peer, scratch):.1f} s, empty"

    ours = crowd.start_s(NODE)
    return Found(node=f"{ours:.1f} s", peers=beside(empty), reached=ours <= 3)
