"""Bringing in history: `cxr reports import` on synthetic reports, as CSV and as HL7, into SQLite and PostgreSQL.

Prints seconds, those of processor time (with the start of the command), reports a second, the peak memory of the
process, its writing transactions (the median and the longest), and the seconds of a second import, which finds
everything there. PostgreSQL runs with its usual durability. Run it: python -m tests.bench.history [REPORTS]
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench import corpus
from tests.bench.reception import processor

REPORTS = 20_000
ROOT = Path(__file__).parent.parent.parent
CHILD = "--child"


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == [CHILD]:
        child(*sys.argv[2:])
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else REPORTS
    print(f"{processor()}; {count} synthetic reports, one process")
    columns = f"{'seconds':>8} {'of processor':>12} {'reports/s':>10} {'peak MB':>8} {'transactions':>20}"
    print(f"{'':<16} {columns} {'again, s':>9}")
    with tempfile.TemporaryDirectory(prefix="cxr-history-") as name:
        folder = Path(name)
        sources = {"CSV": folder / "reports.csv", "HL7": folder / "reports.hl7"}
        corpus.write_csv(sources["CSV"], count)
        corpus.write_hl7(sources["HL7"], count)
        for database in ("SQLite", "PostgreSQL"):
            with url(database, folder) as where:
                migrate(where, folder)
                for kind, source in sources.items():
                    print_row(f"{database}, {kind}", count, *(measure(source, where, folder) for _ in range(2)))


def print_row(name: str, count: int, first: dict[str, float], again: dict[str, float]) -> None:
    """One line; the second import of the same file finds everything there."""
    assert (first["stored"], again["already_there"]) == (count, count)
    print(
        f"{name:<16} {first['seconds']:8.1f} {first['processor_s']:12.1f} {count / first['seconds']:10.0f}"
        f" {first['peak_mb']:8.0f} {1000 * first['median_s']:9.0f} to {1000 * first['longest_s']:4.0f} ms"
        f" {again['seconds']:9.1f}",
        flush=True,
    )


@contextmanager
def url(database: str, folder: Path) -> Iterator[str]:
    """A database of this kind, to be migrated."""
    if database == "SQLite":
        yield f"sqlite:///{folder / 'cxr.db'}"
        return
    from tests.peers.databases import Postgres  # noqa: PLC0415  only where it is measured

    try:
        server = Postgres(fsync=True)
    except pytest.skip.Exception as absent:
        print(f"PostgreSQL: {absent}")
        sys.exit(0)
    try:
        yield server.create_database()
    finally:
        server.close()


def migrate(where: str, folder: Path) -> None:
    """Make the tables."""
    command = [sys.executable, "-m", "node", "migrate", "--data", str(folder)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "CXR_DATABASE__URL": where}, check=True, capture_output=True)


def measure(source: Path, where: str, folder: Path) -> dict[str, float]:
    """Import in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.history", CHILD, str(source), str(folder)]
    environment = {**os.environ, "CXR_DATABASE__URL": where}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout) | json.loads(done.stderr.splitlines()[-1])


def child(source: str, folder: str) -> None:
    """Run the command with a clock at each transaction; what it found goes to the standard error."""
    from db.engine import Database  # noqa: PLC0415  the parent needs none of it
    from node.__main__ import app  # noqa: PLC0415

    times: list[float] = []
    write = Database.write

    @contextmanager
    def timed(self: Database) -> Iterator[object]:
        with write(self) as connection:
            began = time.perf_counter()
            yield connection
        times.append(time.perf_counter() - began)

    Database.write = timed  # type: ignore[method-assign,assignment]  # the bench's clock
    began = time.perf_counter()
    app(["reports", "import", source, "--data", folder, "--json"], standalone_mode=False)
    found = {
        "seconds": time.perf_counter() - began,
        "processor_s": time.process_time(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "longest_s": max(times),
        "median_s": statistics.median(times),
    }
    print(json.dumps(found), file=sys.stderr)


if __name__ == "__main__":
    main()
