"""From MLLP to label rows, on both databases; and what mining costs reception: `python -m tests.bench.label_store`.

Reports are made up, six sentences each, no two reports alike; half of the sentences have a number in them that makes
them new. What is printed was measured; nothing is asserted.
"""

import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db import migration, minings, reports
from db.engine import Database, connect
from tests.bench.peers import ROOT, Server, make_objects, send, wait_for_echo
from tests.db.test_reports import message, version
from tests.node.hl7.mllp import Client, code, oru
from tests.peers.databases import Postgres

REPORTS, CONNECTIONS = 4000, 8
BACKLOG, IMAGES, REPEATS = 12_000, 120, 3

SAME = """The lungs are clear. No pleural effusion or pneumothorax. Heart size is normal. No acute osseous abnormality.
Mild cardiomegaly is unchanged. There is no focal consolidation. Degenerative changes of the thoracic spine.
Bibasilar atelectasis. Small left pleural effusion. Possible infiltrate in the right lower lobe.""".replace("\n", " ")
NEW = """There is a {} mm nodule in the right upper lobe|The effusion measures {} mm and has not resolved
No nodule larger than {} mm is seen|Opacity {} cm above the diaphragm may represent pneumonia or atelectasis
Mass of {} mm in the left hilum is less likely|Pneumothorax of {} mm at the apex, previously larger"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A node in a process of its own."""

    pid: int
    hl7_port: int
    receiver: Server

    def memory(self) -> tuple[float, float]:
        """MB that the node holds, and its processes that mine."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        return resident_mb(self.pid), sum(resident_mb(pid) for pid in children)


def texts(number: int) -> Iterator[str]:
    """Reports, always the same ones."""
    chance = random.Random(0)
    same, new = re.findall(r"[^.]+\.", SAME), re.split(r"[|\n]", NEW)
    for place in range(number):
        parts = [each.strip() for each in chance.sample(same, 3)]
        parts += [f"{each.format(f'{place}.{chance.randrange(99)}')}." for each in chance.sample(new, 3)]
        chance.shuffle(parts)
        yield "FINDINGS: " + " ".join(parts[:4]) + " IMPRESSION: " + " ".join(parts[4:])


def resident_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


@contextmanager
def node(folder: Path, **environment: str) -> Iterator[Running]:
    """A running node."""
    ports = ["--dicom-port", "0", "--hl7-port", "0", "--console-port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "node", "serve", "--data", str(folder), *ports],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=os.environ | {"CXR_DICOM__MIN_FREE_MB": "0"} | environment,
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        found = re.search(r":(\d+), HL7 on \S+:(\d+),", ready)
        assert found, ready
        receiver = Server(ae_title="CXRNODE", port=int(found[1]), pid=process.pid, folder=folder, kill=process.kill)
        yield Running(pid=process.pid, hl7_port=int(found[2]), receiver=receiver)
        process.kill()


def mined(database: Database) -> int:
    """How many report versions have been mined."""
    with database.read() as connection:
        return sum(minings.counts(connection).values())


def wait_for(database: Database, number: int) -> None:
    """Until so many report versions are mined."""
    while mined(database) < number:
        time.sleep(0.1)


def measure_path(name: str, url: str | None, folder: Path) -> None:
    """Send reports as fast as they are taken, and wait for the last label."""
    environment = {"CXR_DATABASE__URL": url} if url else {}
    with node(folder, **environment) as running:
        before, _ = running.memory()
        database = connect(url or f"sqlite:///{folder / 'cxr.db'}")
        with Client(running.hl7_port) as client:
            assert code(client.ask(oru("first", accession="first"))) == "AA"
        wait_for(database, 1)  # the miner is loaded
        messages = [oru(f"M{n}", accession=f"A{n}", text=text) for n, text in enumerate(texts(REPORTS))]
        began = time.perf_counter()
        threads = [
            threading.Thread(target=ask, args=(running.hl7_port, messages[place::CONNECTIONS]))
            for place in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = time.perf_counter() - began
        wait_for(database, REPORTS + 1)
        done = time.perf_counter() - began
        after, miners = running.memory()
        database.close()
    print(
        f"{name:<11} {REPORTS / sent:>10.0f} {REPORTS / done:>10.0f} {after - before:>10.0f} {miners:>12.0f}",
        flush=True,
    )


def ask(port: int, messages: Sequence[bytes]) -> None:
    """Send messages, each after the answer to the one before."""
    with Client(port) as client:
        for each in messages:
            assert code(client.ask(each)) == "AA"


def fill(folder: Path) -> None:
    """A node's SQLite database with a backlog of reports."""
    folder.mkdir()
    database = connect(f"sqlite:///{folder / 'cxr.db'}")
    migration.upgrade(database)
    with database.write() as connection:
        for number, text in enumerate(texts(BACKLOG)):
            new = version(f"A{number}", report_key=f"F{number}", text=text, sections=())
            reports.record(connection, message(new, control_id=f"M{number}"))
    database.close()


def measure_reception(scratch: Path) -> None:
    """Images a second with no mining, and while a backlog is mined."""
    fill(scratch / "backlog")
    for side, unit in ((500, "images/s of 0.5 MB"), (2236, "images/s of 10 MB")):
        found: dict[str, list[float]] = {"0": [], "1": []}
        for repeat in range(REPEATS):
            for workers, rates in found.items():
                folder = scratch / "node"
                shutil.copytree(scratch / "backlog", folder)
                objects = make_objects(scratch / "objects", count=IMAGES, side=side, associations=1)
                os.sync()
                with node(folder, CXR_MINING__WORKERS=workers) as running:
                    wait_for_echo(running.receiver)
                    database = connect(f"sqlite:///{folder / 'cxr.db'}")
                    if workers == "1":
                        wait_for(database, 1)
                    before = mined(database)
                    seconds = send(running.receiver, objects)
                    rates.append(IMAGES / seconds)
                    if workers == "1":
                        mined_s = (mined(database) - before) / seconds
                        print(f"  while it mined {mined_s:.0f} reports/s (turn {repeat + 1})", flush=True)
                    database.close()
                shutil.rmtree(folder)
                shutil.rmtree(scratch / "objects")
        quiet, busy = (statistics.median(rates) for rates in found.values())
        print(f"{unit}: {quiet:.0f} alone, {busy:.0f} while it mines ({busy / quiet:.0%})", flush=True)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as name:
        scratch = Path(name)
        print(f"{REPORTS} reports over {CONNECTIONS} connections")
        print(f"{'database':<11} {'messages/s':>10} {'labelled/s':>10} {'+ MB, node':>10} {'MB, miner':>12}")
        measure_path("SQLite", None, scratch / "sqlite")
        server = Postgres()
        try:
            measure_path("PostgreSQL", server.create_database(), scratch / "postgres")
        finally:
            server.close()
        measure_reception(scratch)


if __name__ == "__main__":
    main()
