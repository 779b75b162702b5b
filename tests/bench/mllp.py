"""Durable messages a second over MLLP, on 1 and on 50 connections: sent, committed and answered AA.

Run it: python tests/bench/mllp.py
"""

import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from db import migration, reports  # noqa: E402  # the project is found by the line above
from db.engine import connect  # noqa: E402
from node.hl7.intake import Intake  # noqa: E402
from node.hl7.listener import Listener  # noqa: E402
from tests.node.hl7.mllp import HOST, Client, code, oru  # noqa: E402

SECONDS = 4.0
TEXT = "~".join(["The lungs are clear. There is no pleural effusion or pneumothorax."] * 30)
GOALS = {1: 300, 50: 500}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="cxr-mllp-") as folder:
        database = connect(f"sqlite:///{folder}/cxr.db")
        migration.upgrade(database)
        intake = Intake(database=database, accession_from=("OBR-3",), now=lambda: datetime.now(UTC))
        listener = Listener(
            host=HOST,
            port=0,
            networks=[ip_network("127.0.0.0/8")],
            receive=intake.receive,
            on_reject=lambda _address, _reason: None,
        )
        listener.start()
        print(f"{'connections':>11}  {'messages/s':>10}  {'p95 ms':>7}  goal")
        for connections, goal in GOALS.items():
            rate, p95 = measure(listener.port, connections)
            print(f"{connections:>11}  {rate:>10.0f}  {1000 * p95:>7.1f}  {goal}")
        listener.stop()
        with database.read() as connection:
            print(f"{reports.message_count(connection)} messages stored, {len(oru(text=TEXT))} bytes each")
        database.close()


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
