"""A large site's database: `python -m tests.bench.million [--rows 1000000]`.

So many studies, finished jobs and linked reports, on both databases, beside a thousand of each: what the reconciler and
an idle worker ask many times a minute, and what people look at. Milliseconds, the median of five.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from db import jobs, links, migration, minings, reports, studies
from db.engine import Connection, Database, connect
from db.records import JobKind, JobState
from node.reconcile import Reconciler, study_failed
from tests.bench.reception import processor
from tests.peers.databases import Postgres

FEW = 1000
AT = "2026-03-14 09:26:53.000000"
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows})",
    "postgresql": "WITH numbers AS (SELECT i FROM generate_series(1, {rows}) AS series(i))",
}
STATEMENTS = (
    "INSERT INTO study (study_instance_uid, patient_id, patient_name, accession_number, study_date, state, revision, "
    "first_received_at, last_received_at) {numbers} "
    "SELECT '2.25.' || i, 'P' || i, 'BENCH', 'A' || i, '20260314', 'read', 1, '{at}', '{at}' FROM numbers",
    "INSERT INTO job (kind, key, subject_id, revision, state, attempts, postponed, not_before, created_at, ended_at) "
    "{numbers} SELECT 'read', 'read:' || i || ':1', i, 1, 'done', 1, 0, '{at}', '{at}', '{at}' FROM numbers",
    "INSERT INTO message (sending_application, sending_facility, control_id, message_type, version, raw, sha256, "
    "peer_address, answer, received_at) {numbers} "
    "SELECT 'RIS', 'H', 'M' || i, 'ORU', '2.5.1', '', 'S' || i, '127.0.0.1', 'AA', '{at}' FROM numbers",
    "INSERT INTO report (message_id, source, report_key, accession_number, patient_id, modality, procedure, "
    "examination, status, version_at, message_at, text, sections, received_at) {numbers} "
    "SELECT i, 'RIS', 'F' || i, 'A' || i, 'P' || i, 'DX', 'XR Chest', 'chest_radiograph', 'final', '{at}', '{at}', "
    "'Clear lungs.', '[]', '{at}' FROM numbers",
    "INSERT INTO link (report_id, study_id, \"by\", linked_at) {numbers} SELECT i, i, 'accession', '{at}' FROM numbers",
)

Ask = Callable[[Connection], object]
QUESTIONS: dict[str, Ask] = {
    "is a job due? (worker)": lambda connection: jobs.any_due(connection, [JobKind.READ], datetime.now(UTC)),
    "cxr studies": lambda connection: studies.newest(connection, 20),
    "cxr jobs": lambda connection: jobs.newest(connection, 20),
    "cxr jobs --state dead": lambda connection: jobs.newest(connection, 20, [JobState.DEAD]),
    "cxr jobs --unfinished-count": jobs.unfinished_count,
    "cxr reports list": lambda connection: links.listed(connection, limit=20),
    "cxr reports list --unlinked": lambda connection: links.listed(connection, unlinked_only=True, limit=20),
    "reports of one number": lambda connection: reports.current_of_each(connection, "A500"),
    "counts of studies": studies.counts,
    "counts of jobs": jobs.counts,
    "counts of reports by link": links.counts,
    "counts of readings": minings.counts,
}


def fill(database: Database, rows: int) -> None:
    """Write the rows with the database's own means."""
    numbers = NUMBERS[database.engine.dialect.name].format(rows=rows)
    migration.upgrade(database)
    with database.write() as connection:
        for statement in STATEMENTS:
            connection.exec_driver_sql(statement.format(numbers=numbers, at=AT))
    if database.engine.dialect.name == "postgresql":  # as its autovacuum does; SQLite is left as a node leaves it
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")


def median_ms(ask: Callable[[], object]) -> float:
    """Of five, after one that is not counted."""
    ask()
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def asked(database: Database) -> dict[str, float]:
    """Each question's time."""
    reconciler = Reconciler(
        database=database,
        announce=lambda _id: None,
        on_dead=study_failed,
        tick_s=1,
        now=lambda: datetime.now(UTC),
    )
    found = {"reconcile, one tick": median_ms(reconciler.tick)}
    for name, ask in QUESTIONS.items():

        def once(ask: Ask = ask) -> None:
            with database.read() as connection:
                ask(connection)

        found[name] = median_ms(once)
    return found


@contextmanager
def databases(postgres: Postgres) -> Iterator[dict[str, Database]]:
    """An empty one of each kind."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder:
        found = {"SQLite": connect(f"sqlite:///{folder}/cxr.db"), "PostgreSQL": connect(postgres.create_database())}
        yield found
        for database in found.values():
            database.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    postgres = Postgres()
    columns: dict[str, dict[str, float]] = {}
    try:
        for count in (FEW, rows):
            with databases(postgres) as found:
                for name, database in found.items():
                    fill(database, count)
                    columns[f"{name} {count:,}"] = asked(database)
    finally:
        postgres.close()
    print(f"{processor()}; ms, median of five")
    print(f"{'':<30}", *(f"{name:>20}" for name in columns))
    for question in next(iter(columns.values())):
        print(f"{question:<30}", *(f"{column[question]:20.1f}" for column in columns.values()))


if __name__ == "__main__":
    main()
