"""What is promised of faults and loads, measured, as one table: `python -m tests.bench.reliability [R4 L1 ...]`.

Each row is a fault or a load, what is to be reached, what the node did, and what peers did that run here and can be
given the same. It is Markdown, for docs/reliability.md, which says of each row what is promised and which test holds
it. All of it takes some ten minutes, on a machine that does nothing else; nothing is asserted.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench import faults, loads
from tests.bench.found import Found
from tests.bench.reception import processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault or a load, what is to be reached, and how it is measured in a folder for what is needed."""

    what: str
    goal: str
    measure: Callable[[Path], Found]


ROWS = {
    "R1": Row(
        what="kill -9 of the receiver, 20 times in 2,000 stores of 8 senders",
        goal="0 lost, 0 double, 0 partial",
        measure=faults.receiver,
    ),
    "R2": Row(what="synchronised before 0x0000 (strace)", goal="object, folder, rows", measure=faults.synced),
    "R3": Row(
        what="kill -9 of receivers, reconciler, workers and Redis in turn",
        goal="every job ended in 120 s, each result once",
        measure=faults.everything,
    ),
    "R4": Row(
        what="Redis killed twice in 600 jobs, without persistence",
        goal="0 lost, drained in 30 s; C-STORE p95 +10 ms",
        measure=faults.redis,
    ),
    "R5": Row(
        what="PACS down for 10 min of the node's clock",
        goal="0 lost, sent in 300 s; C-STORE p95 +10 ms",
        measure=faults.pacs,
    ),
    "R6": Row(
        what="PostgreSQL killed, and away for 60 s",
        goal="0xA700, never 0x0000; resumes in 5 s",
        measure=faults.postgresql,
    ),
    "R7": Row(what="disk full", goal="0xA7xx alone; resumes in 5 s", measure=faults.disk),
    "R8": Row(
        what="the same kills, while a RIS sends one report after the other",
        goal="0 lost, 0 stored twice",
        measure=faults.reports,
    ),
    "L1": Row(what="100 associations at once, each with a C-ECHO", goal="100 in 6 s", measure=loads.at_once),
    "L2": Row(what="durable stores of 0.5 MB a second, 1 / 10 associations", goal="100 / 100", measure=loads.rates),
    "L3": Row(what="memory for 20 associations x 10 MB", goal="+150 MB", measure=loads.memory),
    "L4": Row(
        what="2,000 stores: memory, descriptors, threads, temporary files", goal="flat", measure=loads.long_hours
    ),
    "L5": Row(
        what="announcement of a job to its end, p95, embedded / cluster", goal="20 ms / 50 ms", measure=loads.wake_ups
    ),
    "L6": Row(what="durable reports a second, 1 / 50 connections", goal="300 / 500", measure=loads.messages),
    "L7": Row(what="start to the first C-ECHO with 10,000 instances", goal="3 s", measure=loads.start),
}
HEAD = ("", "injected or measured", "to reach", "the node", "peers", "reached")
REACHED = {True: "yes", False: "**no**", None: "not measured"}


def line(*cells: str) -> str:
    """A row in Markdown."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def measured(row: Row, scratch: Path) -> Found:
    """What the row finds, or why nothing can be found here."""
    try:
        return row.measure(scratch)
    except pytest.skip.Exception as reason:
        return Found(node=f"not here: {reason}", reached=None)
    except (OSError, RuntimeError, AssertionError) as error:
        return Found(node=f"{type(error).__name__}: {error}", reached=None)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW", help=f"of {', '.join(ROWS)}")
    names = parser.parse_args().rows or ROWS
    print(f"{processor()}\n\n{line(*HEAD)}\n{line(*['---'] * len(HEAD))}", flush=True)
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as scratch:
        for name in names:
            row = ROWS[name]
            found = measured(row, Path(scratch))
            print(line(name, row.what, row.goal, found.node, found.peers, REACHED[found.reached]), flush=True)


if __name__ == "__main__":
    main()
