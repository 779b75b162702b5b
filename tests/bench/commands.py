"""Every list and count of `cxr` on a large site's database, for `tests.bench.million`.

What a command takes is the start of a process, which a site's size does not change, and its answer, which it may. The
start is that of a new process which finds nothing in an empty store; the answer is timed in this process; "in all" is
a new process on the large store, from the first byte to the last. Milliseconds: medians, of the answer the 95th
percentile as well; the answer is to be below 300. Beside each stands the load average, since others' work counts too.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from typer.testing import CliRunner

from db import migration
from db.engine import Database, connect
from node.__main__ import app
from node.settings import DATABASE_FILE
from tests.bench.peers import ROOT

AIM_MS = 300
ANSWERS = 20
PROCESSES = 5
VIEWS = (
    ["status"],
    ["studies"],
    ["instances"],
    ["jobs"],
    ["jobs", "--state", "dead"],
    ["jobs", "--unfinished-count"],
    ["results"],
    ["reports", "list"],
    ["reports", "list", "--unlinked"],
    ["reports", "count"],
    ["reports", "text", "--accession", "A501"],
    ["labels", "list"],
    ["labels", "table"],
    ["labels", "cooccurrence"],
    ["audit", "list"],
    ["models", "list"],
    ["snapshot", "list"],
    ["users", "list"],
)
"""What people look at."""


def measured(database: Database, folder: Path) -> None:
    """Run every command and print a row of each."""
    large = {"CXR_DATA": str(folder), "CXR_DATABASE__URL": database.engine.url.render_as_string(False)}
    empty = _empty(folder.parent / "empty")
    print(f"\n{'cxr ...':<34}{'start':>8}{'answer':>10}{'p95':>8}{'in all':>9}{'load':>7}")
    for words in VIEWS:
        answers = times_ms(lambda: _answer(words, large), ANSWERS)  # noqa: B023
        start = statistics.median(times_ms(lambda: _process(words, empty), PROCESSES))  # noqa: B023
        whole = statistics.median(times_ms(lambda: _process(words, large), PROCESSES))  # noqa: B023
        median, p95 = statistics.median(answers), p95_of(answers)
        reached = "yes" if p95 < AIM_MS else "NO"
        line = f"{' '.join(words):<34}{start:8.0f}{median:10.0f}{p95:8.0f}{whole:9.0f}{os.getloadavg()[0]:7.1f}"
        print(f"{line}  {reached}", flush=True)


def times_ms(ask: Callable[[], object], times: int) -> list[float]:
    """So many times, after one that is not counted; sorted."""
    ask()
    return sorted(once_ms(ask) for _ in range(times))


def once_ms(ask: Callable[[], object]) -> float:
    """Once."""
    begin = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - begin)


def p95_of(times: Sequence[float]) -> float:
    """Of several."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def _empty(folder: Path) -> dict[str, str]:
    """The environment of a node that has nothing yet."""
    folder.mkdir(exist_ok=True)
    database = connect(f"sqlite:///{folder / DATABASE_FILE}")
    migration.upgrade(database)
    database.close()
    return {"CXR_DATA": str(folder)}


def _answer(words: list[str], environment: Mapping[str, str]) -> None:
    outcome = CliRunner().invoke(app, words, env=environment)
    assert outcome.exit_code == 0, (words, outcome.output, outcome.exception)


def _process(words: list[str], environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "node", *words]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False, capture_output=True)
