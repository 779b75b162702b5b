"""Durable messages a second over MLLP, on 1 and on 50 connections: sent, committed by a running node, answered AA.

The disk is measured in the same run: one connection waits for one flush a message and cannot be faster than that.
Run it: python tests/bench/mllp.py
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.node.hl7.mllp import Client, code, oru  # noqa: E402  # the project is found by the line above

SECONDS = 4.0
TEXT = "~".join(["The lungs are clear. There is no pleural effusion or pneumothorax."] * 30)
GOALS = {1: 300, 50: 500}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="cxr-mllp-") as name:
        folder = Path(name)
        print(f"messages of {len(oru(text=TEXT))} bytes; the disk alone does {flushes(folder):.0f} flushes/s")
        print(f"{'connections':>11}  {'messages/s':>10}  {'p95 ms':>7}  {'goal':>5}")
        with node(folder / "data") as port:
            for connections, goal in GOALS.items():
                rate, p95 = measure(port, connections)
                print(f"{connections:>11}  {rate:>10.0f}  {1000 * p95:>7.1f}  {goal:>5}")


def flushes(folder: Path) -> float:
    """How often a second the disk writes 8 KiB behind a file and flushes it."""
    descriptor = os.open(folder / "flushes", os.O_CREAT | os.O_WRONLY)
    began = time.perf_counter()
    for _ in range(200):
        os.write(descriptor, bytes(8192))
        os.fdatasync(descriptor)
    os.close(descriptor)
    return 200 / (time.perf_counter() - began)


@contextmanager
def node(data: Path) -> Iterator[int]:
    """A running node; its HL7 port."""
    ports = ["--dicom-port", "0", "--hl7-port", "0", "--console-port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "node", "serve", "--data", str(data), *ports],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        ready = re.search(r"HL7 on \S+:(\d+)", process.stdout.readline())
        assert ready
        yield int(ready[1])
        process.terminate()


def measure(port: int, connections: int) -> tuple[float, float]:
    """Messages a second in all, and the 95th percentile of one's time to its answer, in seconds."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    senders = [
        threading.Thread(target=send, args=(port, f"C{connections}-{number}", end, times))
        for number in range(connections)
    ]
    began = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    elapsed = time.perf_counter() - began
    return len(times) / elapsed, sorted(times)[int(len(times) * 0.95)]


def send(port: int, name: str, end: float, times: list[float]) -> None:
    """Send one message after the other until `end`."""
    with Client(port) as client:
        number = 0
        while (began := time.perf_counter()) < end:
            number += 1
            message = oru(f"{name}-{number}", accession=f"{name}-{number}", text=TEXT)
            assert code(client.ask(message)) == "AA"
            times.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
