"""A large site: `python -m tests.bench.million [--rows 1000000] [--asked 40] [--kind sqlite]`.

So many studies, images, finished jobs, results, deliveries and linked, mined reports on both databases: what the
reconciler and an idle worker ask many times a minute, in milliseconds beside a thousand rows of each, and every list
and count of `cxr`, run in this process (a new one takes half a second longer to load), the 95th percentile beside 300.
Then every page of the console (see `tests.bench.pages`).
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from db import backlog, jobs
from db.engine import Connection, Database
from db.records import JobKind
from node.__main__ import app
from node.labels import tallies
from node.reconcile import Reconciler, study_failed
from node.sections.running import MiningSettings
from tests.bench import large, pages
from tests.bench.reception import processor
from tests.node.console.conftest import NOON

FEW = 1000
TARGET_MS = 300
TIMES = 20
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


def analyze(database: Database) -> None:
    """Tell the database how many rows there are: PostgreSQL does so by itself, a keeper of SQLite may."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if database.engine.dialect.name == "postgresql" else "ANALYZE")


def percentile_ms(ask: Callable[[], object], times: int = TIMES) -> float:
    """The 95th percentile, after one that is not counted."""
    ask()
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        ask()
        found.append(1000 * (time.perf_counter() - begin))
    return statistics.quantiles(found, n=20, method="inclusive")[-1]


def machines(database: Database) -> dict[str, float]:
    """What processes ask many times a minute."""
    reconciler = Reconciler(
        database=database,
        announce=lambda _id: None,
        on_dead=study_failed,
        tick_s=1,
        now=lambda: datetime.now(UTC),
    )

    def asked(ask: Callable[[Connection], object]) -> Callable[[], None]:
        def once() -> None:
            with database.read() as connection:
                ask(connection)

        return once

    return {
        "reconcile, one tick": percentile_ms(reconciler.tick),
        "is a job due? (worker)": percentile_ms(asked(lambda c: jobs.any_due(c, [JobKind.READ], datetime.now(UTC)))),
        "undone jobs (metrics)": percentile_ms(asked(backlog.undone)),
    }


def views(database: Database, folder: Path) -> dict[str, float]:
    """Each command, run until it has printed."""
    environment = {"CXR_DATA": str(folder), "CXR_DATABASE__URL": database.engine.url.render_as_string(False)}

    def run(words: list[str]) -> Callable[[], None]:
        def once() -> None:
            outcome = CliRunner().invoke(app, words, env=environment)
            assert outcome.exit_code == 0, (words, outcome.output, outcome.exception)

        return once

    return {f"cxr {' '.join(words)}": percentile_ms(run(words)) for words in VIEWS}


def count_again(database: Database) -> float:
    """What the kept counts cost, in seconds."""
    keeper = tallies.Keeper(
        database=database, tallies=lambda: tallies.every(MiningSettings()), now=lambda: datetime.now(UTC)
    )
    begin = time.perf_counter()
    keeper.run(threading.Event())
    return time.perf_counter() - begin


def show(title: str, columns: dict[str, dict[str, float]], *, judged: bool = False) -> None:
    """Print a table."""
    print(f"\n{title:<38}", *(f"{name:>16}" for name in columns), flush=True)
    for question in next(iter(columns.values())):
        times = [column[question] for column in columns.values()]
        beside = ("yes" if max(times) < TARGET_MS else "NO") if judged else ""
        print(f"{question:<38}", *(f"{ms:16.1f}" for ms in times), f"  {beside}", flush=True)


def measured(kind: str, rows: int, asked: int) -> None:
    """All of it on a database of a kind."""
    machines_of: dict[str, dict[str, float]] = {}
    for count in (FEW, rows):
        with large.opened(kind) as (database, folder):
            begin = time.perf_counter()
            large.fill(database, count, NOON)
            analyze(database)
            print(f"{kind}: {count:,} rows of each written in {time.perf_counter() - begin:.0f} s", flush=True)
            machines_of[f"{count:,}"] = machines(database)
            if count == rows:
                show(f"{kind}, asked by machines", machines_of)
                print(f"the kept counts are made in {count_again(database):.1f} s")
                show(f"seen by people, below {TARGET_MS} ms?", {"cxr": views(database, folder)}, judged=True)
                pages.measured(database, folder, rows, asked)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=40)
    parser.add_argument("--kind", choices=large.KINDS, action="append")
    options = parser.parse_args()
    print(f"{processor()}; milliseconds, the 95th percentile of {TIMES}; of pages the median and the 95th percentile")
    for kind in options.kind or large.KINDS:
        measured(kind, options.rows, options.asked)


if __name__ == "__main__":
    main()
