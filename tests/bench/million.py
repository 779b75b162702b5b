"""A large site: `python -m tests.bench.million [--rows 1000000] [--asked 40] [--kind sqlite] [--keep FOLDER]`.

So many studies, images, finished jobs, results, deliveries and linked, mined reports on both databases: what the
reconciler and an idle worker ask many times a minute, in milliseconds beside a thousand rows of each; every list and
count of `cxr` (see `tests.bench.commands`); every page of the console (`tests.bench.pages`); and a study's page with
its first picture (`tests.bench.study_page`). To write the rows takes minutes: `--keep` leaves them in a folder, and
goes on with those that are there. `--only commands` measures one part.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from db import backlog, jobs
from db.engine import Connection, Database
from db.records import JobKind
from node.labels import tallies
from node.reconcile import Reconciler, study_failed
from node.sections.running import MiningSettings
from tests.bench import commands, large, pages, study_page
from tests.bench.commands import p95_of, times_ms
from tests.bench.reception import processor
from tests.node.console.conftest import NOON

FEW = 1000
TIMES = 100
PARTS = ("machines", "commands", "pages", "pictures")


def machines(database: Database, rows: int) -> None:
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

    print(f"\n{f'asked by machines, {rows:,} rows':<38}{'median':>8}{'p95':>8}{'load':>7}")
    for question, ask in (
        ("reconcile, one tick", reconciler.tick),
        ("is a job due? (worker)", asked(lambda c: jobs.any_due(c, [JobKind.READ], datetime.now(UTC)))),
        ("undone jobs (metrics)", asked(backlog.undone)),
    ):
        times = times_ms(ask, TIMES)
        print(f"{question:<38}{statistics.median(times):8.1f}{p95_of(times):8.1f}{os.getloadavg()[0]:7.1f}", flush=True)


def count_again(database: Database) -> None:
    """What the kept counts cost."""
    keeper = tallies.Keeper(
        database=database, tallies=lambda: tallies.every(MiningSettings()), now=lambda: datetime.now(UTC)
    )
    begin = time.perf_counter()
    keeper.run(threading.Event())
    print(
        f"the kept counts are made in {time.perf_counter() - begin:.1f} s (0: they were made a moment ago)", flush=True
    )


def measured(kind: str, rows: int, asked: int, keep: Path | None, parts: Collection[str]) -> None:
    """Some parts of it on a database of a kind."""
    for count in (FEW, rows) if "machines" in parts else (rows,):
        with large.opened(kind, keep and keep / f"{kind}-{count}") as (database, folder):
            taken = large.prepare(database, folder, count, NOON)
            print(f"{kind}: {count:,} rows of each, written in {taken:.0f} s", flush=True)
            if "machines" in parts:
                machines(database, count)
            if count == rows:
                of_people(database, folder, rows, asked, parts)


def of_people(database: Database, folder: Path, rows: int, asked: int, parts: Collection[str]) -> None:
    """What people look at."""
    if "commands" in parts or "pages" in parts:
        count_again(database)
    if "commands" in parts:
        commands.measured(database, folder)
    if "pages" in parts:
        pages.measured(database, folder, rows, asked)
    if "pictures" in parts:
        study_page.measured(database, folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=40)
    parser.add_argument("--kind", choices=large.KINDS, action="append")
    parser.add_argument("--keep", type=Path, help="folder of the filled databases; PostgreSQL's user must get into it")
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    print(f"{processor()}; milliseconds")
    for kind in options.kind or large.KINDS:
        measured(kind, options.rows, options.asked, options.keep, options.only or PARTS)


if __name__ == "__main__":
    main()
