"""A large site's database: `python -m tests.bench.million [--rows 1000000]`.

So many studies, images, finished jobs, results, deliveries and linked, mined reports on both databases: what the
reconciler and an idle worker ask many times a minute, in milliseconds beside a thousand rows of each, and every list
and count of `cxr`, run in this process (a new one takes half a second longer to load), the 95th percentile beside 300.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from db import backlog, jobs, migration
from db.engine import Connection, Database, connect
from db.records import JobKind
from node import tallies
from node.__main__ import app
from node.reconcile import Reconciler, study_failed
from node.sections.running import MiningSettings
from tests.bench.reception import processor
from tests.peers.databases import Postgres

FEW = 1000
TARGET_MS = 300
TIMES = 20
AT = "2026-03-14 09:26:53.000000"
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows})",
    "postgresql": "WITH numbers AS (SELECT i FROM generate_series(1, {rows}) AS series(i))",
}
TENTH = "CASE WHEN i / 10 * 10 = i THEN 'X' ELSE 'A' END"
"""Of every tenth report the accession number is that of no study."""
STATEMENTS = (
    "INSERT INTO study (study_instance_uid, patient_id, patient_name, accession_number, study_date, state, revision, "
    "first_received_at, last_received_at) {numbers} "
    "SELECT '2.25.' || i, 'P' || i, 'BENCH', 'A' || i, '20260314', 'read', 1, '{at}', '{at}' FROM numbers",
    "INSERT INTO instance (study_id, sop_instance_uid, sop_class_uid, transfer_syntax_uid, series_instance_uid, path, "
    "size, sha256, calling_ae, calling_address, received_at, reason_detail) {numbers} "
    "SELECT i, '2.25.1.' || i, '1.2', '1.2', '2.25.2.' || i, '2026/03/14/' || i, 1, 'S' || i, 'CR', '127.0.0.1', "
    "'{at}', '' FROM numbers",
    "INSERT INTO job (kind, key, subject_id, revision, state, attempts, postponed, not_before, created_at, ended_at) "
    "{numbers} SELECT 'read', 'read:' || i || ':1', i, 1, 'done', 1, 0, '{at}', '{at}', '{at}' FROM numbers",
    "INSERT INTO result (job_id, study_id, revision, kind, model_version, sop_class_uid, sop_instance_uid, "
    "series_instance_uid, path, size, sha256, created_at) {numbers} SELECT i, i, 1, 'sr', 'm1', '1.2', '2.25.3.' || i, "
    "'2.25.4.' || i, '2026/03/14/r' || i, 1, 'R' || i, '{at}' FROM numbers",
    "INSERT INTO delivery (result_id, destination, state, sent_at, tries) {numbers} "
    "SELECT i, 'pacs', 'sent', '{at}', 0 FROM numbers",
    "INSERT INTO message (sending_application, sending_facility, control_id, message_type, version, raw, sha256, "
    "peer_address, answer, received_at) {numbers} "
    "SELECT 'RIS', 'H', 'M' || i, 'ORU', '2.5.1', '', 'S' || i, '127.0.0.1', 'AA', '{at}' FROM numbers",
    "INSERT INTO report (message_id, source, report_key, accession_number, patient_id, modality, procedure, "
    "examination, status, version_at, message_at, text, sections, received_at) {numbers} "
    "SELECT i, 'RIS', 'F' || i, {tenth} || i, 'P' || i, 'DX', 'XR Chest', 'chest_radiograph', 'final', '{at}', '{at}', "
    "'Clear lungs.', '[]', '{at}' FROM numbers",
    'INSERT INTO link (report_id, study_id, "by", linked_at) {numbers} '
    "SELECT i, i, 'accession', '{at}' FROM numbers WHERE i / 10 * 10 <> i",
    "INSERT INTO unlinked {numbers} SELECT i FROM numbers WHERE i / 10 * 10 = i",
    "INSERT INTO mining (report_id, lexicon_version, rules_version, language_model, policy, readability, normal, "
    "mined_at) {numbers} SELECT i, '1', '1', '', 'coded', 'mined', {false}, '{at}' FROM numbers",
    'INSERT INTO mention (mining_id, concept, code, scheme, kind, finding, assertion, sentence, start, "end", section, '
    "rule_id, fired) {numbers} SELECT i, 'effusion', '1', 'S', 'finding', 'Effusion', 'positive', 'Effusion.', 0, 8, "
    "'', 'r', '[]' FROM numbers",
    "INSERT INTO label (mining_id, finding, assertion, mention_id) {numbers} "
    "SELECT i, 'Effusion', 'positive', i FROM numbers",
    "INSERT INTO audit (at, actor, action, subject, detail, digest) {numbers} "
    "SELECT '{at}', 'node', 'bench', 'S' || i, '{{}}', '' FROM numbers",
)

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


def fill(database: Database, rows: int) -> None:
    """Write the rows with the database's own means."""
    dialect = database.engine.dialect.name
    words = {"at": AT, "tenth": TENTH, "false": "FALSE" if dialect == "postgresql" else "0"}
    words["numbers"] = NUMBERS[dialect].format(rows=rows)
    migration.upgrade(database)
    with database.write() as connection:
        for statement in STATEMENTS:
            connection.exec_driver_sql(statement.format(**words))


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


@contextmanager
def databases(postgres: Postgres) -> Iterator[tuple[Path, dict[str, Database]]]:
    """A folder, and an empty database of each kind."""
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder:
        found = {"SQLite": connect(f"sqlite:///{folder}/cxr.db"), "PostgreSQL": connect(postgres.create_database())}
        yield Path(folder), found
        for database in found.values():
            database.close()


def show(title: str, columns: dict[str, dict[str, float]], *, judged: bool = False) -> None:
    """Print a table."""
    print(f"\n{title:<34}", *(f"{name:>20}" for name in columns))
    for question in next(iter(columns.values())):
        times = [column[question] for column in columns.values()]
        beside = ("yes" if max(times) < TARGET_MS else "NO") if judged else ""
        print(f"{question:<34}", *(f"{ms:20.1f}" for ms in times), f"  {beside}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    postgres = Postgres()
    asked: dict[str, dict[str, float]] = {}
    seen: dict[str, dict[str, float]] = {}
    print(f"{processor()}; milliseconds, the 95th percentile of {TIMES}")
    try:
        for count in (FEW, rows):
            with databases(postgres) as (folder, found):
                for name, database in found.items():
                    fill(database, count)
                    analyze(database)
                    asked[f"{name} {count:,}"] = machines(database)
                    if count == rows:
                        print(f"{name}: the kept counts are made in {count_again(database):.1f} s")
                        seen[f"{name} {count:,}"] = views(database, folder)
    finally:
        postgres.close()
    show("asked by machines", asked)
    show(f"seen by people, below {TARGET_MS} ms?", seen, judged=True)


if __name__ == "__main__":
    main()
