"""The worklist of a large site: `python -m tests.bench.worklist [--studies 1000000] [--asked 40] [--database sqlite]`.

So many studies with instances, read jobs, findings, results and deliveries, on each database. Server time of the page
as a browser gets it, over a connection to a console of its own, and of the part that renews itself; milliseconds.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db import migration, people
from db.engine import Database, connect
from db.people_records import Role
from node.identity import passwords
from tests.bench.reception import processor
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console
from tests.peers.databases import Postgres

NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows})",
    "postgresql": "WITH numbers AS (SELECT i FROM generate_series(1, {rows}) AS series(i))",
}
AT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', 1600000000 + 30 * i, 'unixepoch')",
    "postgresql": "to_timestamp(1600000000 + 30 * i)",
}
"""A study every half minute."""
STATE = "CASE WHEN i % 50 = 7 THEN 'not_read' WHEN i % 20011 = 9 THEN 'failed' ELSE 'read' END"
STATEMENTS = (
    "INSERT INTO study (study_instance_uid, patient_id, patient_name, sought_name, accession_number, study_date, "
    "state, revision, first_received_at, last_received_at, calling_ae) {numbers} "
    "SELECT '2.25.' || i, 'P' || (i % 300000), "
    "'NAME' || (i % 5000) || '^ANNA', 'name' || (i % 5000) || ' anna', 'A' || i, '20260314', {state}, 1, {at}, {at}, "
    "CASE WHEN i % 1000 = 3 THEN 'MOBILE' ELSE 'DXROOM' || (i % 4) END FROM numbers",
    "INSERT INTO job (kind, key, subject_id, revision, state, attempts, postponed, not_before, created_at, ended_at, "
    "error) {numbers} SELECT 'read', 'read:' || i || ':1', i, 1, 'done', 1, 0, {at}, {at}, {at}, "
    "CASE WHEN i % 50 = 7 THEN 'The view is not frontal (PA or AP).' END FROM numbers",
    "INSERT INTO positive (study_id, finding, probability, received_at) {numbers} "
    "SELECT i, 'Effusion', 0.5 + (i % 50) / 100.0, {at} FROM numbers WHERE i % 7 = 1 AND i % 50 <> 7",
    "INSERT INTO positive (study_id, finding, probability, received_at) {numbers} "
    "SELECT i, 'Pneumothorax', 0.5 + (i % 50) / 100.0, {at} FROM numbers WHERE i % 97 = 1 AND i % 50 <> 7",
    "INSERT INTO result (job_id, study_id, revision, kind, model_version, sop_class_uid, sop_instance_uid, "
    "series_instance_uid, path, size, sha256, created_at) {numbers} SELECT i, i, 1, 'sr', 'm1', '1.2', '2.26.' || i, "
    "'2.27.' || i, 'r' || i, 10, 's', {at} FROM numbers WHERE i % 50 <> 7",
    "INSERT INTO delivery (result_id, destination, state) {numbers} SELECT result.id, 'pacs', "
    "CASE WHEN i % 40009 = 2 THEN 'refused' ELSE 'committed' END FROM numbers "
    "JOIN result ON result.study_id = numbers.i",
)
QUESTIONS = {
    "the newest": "/studies",
    "a state": "/studies?state=failed",
    "not delivered": "/studies?state=undelivered",
    "a state that is looked for": "/studies?state=sent",
    "a finding": "/studies?finding=Pneumothorax",
    "finding, sender and day": "/studies?finding=Effusion&ae=MOBILE&from=2020-10-01",
    "a sender": "/studies?ae=MOBILE",
    "an accession number": "/studies?accession=A500",
    "a name": "/studies?patient=name12",
    "half a million back": "/studies?before={half}",
    "the part that renews itself": "/worklist/rows",
}


def fill(database: Database, studies: int) -> None:
    """Write the rows with the database's own means; the schema is there."""
    kind = database.engine.dialect.name
    with database.write() as connection:
        for statement in STATEMENTS:
            numbers = NUMBERS[kind].format(rows=studies)
            words = statement.format(numbers=numbers, at=AT[kind], state=STATE)
            connection.exec_driver_sql(words.replace("%", "%%") if kind == "postgresql" else words)
    if kind == "postgresql":  # as its autovacuum does; SQLite is left as a node leaves it
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")


def times_ms(browser: Browser, path: str, asked: int) -> list[float]:
    """Of so many times the page, after one that is not counted."""
    found = []
    for _ in range(asked + 1):
        begin = time.perf_counter()
        answer = browser.get(path)
        found.append(1000 * (time.perf_counter() - begin))
        assert answer.status == 200, answer.text
    return sorted(found[1:])


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Database]:
    """A migrated database of a kind."""
    postgres = Postgres() if kind == "postgresql" else None
    try:
        database = connect(postgres.create_database() if postgres else f"sqlite:///{folder}/cxr.db")
        migration.upgrade(database)
        yield database
        database.close()
    finally:
        if postgres:
            postgres.close()


def measured(database: Database, folder: Path, studies: int, asked: int) -> None:
    """Fill, ask and print."""
    fill(database, studies)
    with database.write() as connection:
        people.add(connection, name="anna", password_hash=passwords.hashed(PASSWORD), role=Role.VIEWER, now=NOON)
    with serving(console(database, folder)) as browser:
        browser.log_in("anna", PASSWORD)
        for name, path in QUESTIONS.items():
            times = times_ms(browser, path.format(half=studies // 2), asked)
            p95 = times[min(len(times) - 1, round(0.95 * len(times)))]
            print(f"{database.engine.dialect.name:<12}{name:<30}{statistics.median(times):10.1f}{p95:10.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=40)
    parser.add_argument("--database", choices=list(NUMBERS), action="append")
    options = parser.parse_args()
    print(f"{processor()}; {options.studies:,} studies; ms, p50 and p95 of {options.asked}")
    for kind in options.database or list(NUMBERS):
        with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder, opened(kind, Path(folder)) as database:
            measured(database, Path(folder), options.studies, options.asked)


if __name__ == "__main__":
    main()
