"""How long the views of the label store take for as many reports as the paper has: 112,120, each with a study.

Run it: python tests/bench/labels.py [REPORTS]. On SQLite, and on a PostgreSQL of its own where one is installed.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import Table  # noqa: E402  # the project is found by the line above

from db import census, labels, migration, schema, tally  # noqa: E402
from db.engine import Connection, Database, connect  # noqa: E402
from db.report_search import Wanted, find  # noqa: E402
from db.vocabulary import FINDINGS  # noqa: E402
from node.labels.ledger import Ledger  # noqa: E402
from tests.db.rows import NOW  # noqa: E402
from tests.peers.databases import Postgres  # noqa: E402

REPORTS = 112_120
BATCH = 5_000
TEXT = "The heart size is normal. There is no pleural effusion or pneumothorax. " * 14
PATTERNS = 8_000
"""Reports repeat each other: so many different sets of labels."""
STATES = ("positive", "negative", "negative", "negative", "uncertain")
Pattern = list[tuple[str, str]]


def main() -> None:
    """Fill, measure, print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else REPORTS
    print(
        f"{number} reports, each with a study, an image, {len(TEXT)} characters and 0 to 8 labels, of {PATTERNS} sets"
    )
    with tempfile.TemporaryDirectory(prefix="cxr-labels-") as folder:
        measure("SQLite", f"sqlite:///{Path(folder) / 'cxr.db'}", number)
    with closing(Postgres()) as server:
        measure("PostgreSQL", server.create_database(), number)


def measure(name: str, url: str, number: int) -> None:
    """Fill a database and time each view of it."""
    database = connect(url)
    migration.upgrade(database)
    began = time.perf_counter()
    fill(database, number)
    print(f"{name}: filled in {time.perf_counter() - began:.0f} s")
    names = tuple(FINDINGS)
    views: dict[str, Callable[[Connection], object]] = {
        "labels of every report": lambda connection: sum(1 for _ in labels.of_reports(connection)),
        "labels of every study": lambda connection: sum(1 for _ in labels.of_studies(connection)),
        "labels of one study": lambda connection: list(labels.of_studies(connection, study_instance_uid="2.25.77")),
        "labels of one report": lambda connection: list(labels.of_reports(connection, accession_number="A77")),
        "cxr labels table": lambda connection: tally.summed(census.whole(connection), names),
        "labels page, 8": lambda connection: tally.summed(census.at_once(connection), names[:8]),
        "labels page, 14": lambda connection: tally.summed(census.at_once(connection), names),
        "reports page": lambda connection: find(connection, Wanted(), limit=50),
        "reports page, a finding": lambda connection: find(connection, Wanted(finding="Hernia"), limit=50),
        "reports page, a word": lambda connection: find(connection, Wanted(words=("nowhere",)), limit=50),
        "reports page, a patient": lambda connection: find(connection, Wanted(patient_id="P77"), limit=50),
    }
    began = time.perf_counter()
    Ledger(database=database).catch_up()
    print(f"  labels of every report written down in {time.perf_counter() - began:.0f} s")
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")  # as its autovacuum does
    for view, run in views.items():
        with database.read() as connection:
            began, busy = time.perf_counter(), time.process_time()
            run(connection)
            took, busy = time.perf_counter() - began, time.process_time() - busy
            print(f"  {view:<24} {took:6.2f} s, of which this process computed {busy:6.2f} s")
    database.close()


def fill(database: Database, number: int) -> None:
    """Write so many reports with all that belongs to them."""
    chance = random.Random(8)
    patterns = [chance.sample(sorted(FINDINGS), chance.randint(0, 8)) for _ in range(PATTERNS)]
    said = [[(name, chance.choice(STATES)) for name in pattern] for pattern in patterns]
    with database.write() as connection:
        message = {
            "id": 1,
            "sending_application": "RIS",
            "sending_facility": "HOSPITAL",
            "control_id": "1",
            "message_type": "ORU^R01",
            "version": "2.5.1",
            "raw": b"",
            "sha256": "",
            "peer_address": "",
            "answer": "AA",
            "received_at": NOW,
        }
        connection.execute(schema.message.insert(), message)
    for first in range(1, number + 1, BATCH):
        ids = range(first, min(first + BATCH, number + 1))
        with database.write() as connection:
            for table, rows in batch([(i, chance.choice(said)) for i in ids]):
                connection.execute(table.insert(), rows)
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def batch(patterns: list[tuple[int, Pattern]]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """The rows of these reports, table by table."""
    ids = [i for i, _ in patterns]
    yield schema.study, [_study(i) for i in ids]
    yield schema.instance, [_instance(i) for i in ids]
    yield schema.report, [_report(i) for i in ids]
    yield schema.link, [{"report_id": i, "study_id": i, "by": "accession", "linked_at": NOW} for i in ids]
    said = [(i, name, state) for i, pattern in patterns for name, state in pattern]
    normal = set(ids) - {i for i, _, state in said if state != "negative"}
    yield schema.mining, [_mining(i, normal=i in normal) for i in ids]
    mentions = [(16 * i + tuple(FINDINGS).index(name), i, name, state) for i, name, state in said]
    yield schema.mention, [_mention(*each) for each in mentions]
    yield (
        schema.label,
        [
            {"mining_id": i, "finding": name, "assertion": state, "mention_id": mention_id}
            for mention_id, i, name, state in mentions
        ],
    )


def _study(i: int) -> dict[str, Any]:
    return {
        "id": i,
        "study_instance_uid": f"2.25.{i}",
        "patient_id": f"P{i // 4}",
        "patient_name": "DOE^JANE",
        "accession_number": f"A{i}",
        "study_date": "20260314",
        "state": "read",
        "revision": 1,
        "settle_at": None,
        "first_received_at": NOW,
        "last_received_at": NOW,
    }


def _instance(i: int) -> dict[str, Any]:
    return {
        "id": i,
        "study_id": i,
        "sop_instance_uid": f"2.25.9{i}",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "series_instance_uid": f"2.25.8{i}",
        "path": f"{i}.dcm",
        "size": 1,
        "sha256": f"{i:064x}",
        "calling_ae": "MODALITY",
        "calling_address": "127.0.0.1",
        "received_at": NOW,
        "reason_detail": "",
    }


def _report(i: int) -> dict[str, Any]:
    return {
        "id": i,
        "message_id": 1,
        "source": "HOSPITAL",
        "report_key": f"F{i}",
        "accession_number": f"A{i}",
        "study_instance_uid": None,
        "patient_id": f"P{i // 4}",
        "modality": "CR",
        "procedure": "CHEST 2 VIEWS",
        "examination": "chest_radiograph",
        "status": "final",
        "version_at": NOW,
        "message_at": NOW,
        "text": TEXT,
        "sections": [],
        "received_at": NOW,
    }


def _mining(i: int, *, normal: bool) -> dict[str, Any]:
    return {
        "id": i,
        "report_id": i,
        "lexicon_version": "lexicon",
        "rules_version": "rules",
        "language_model": "model",
        "policy": "coded",
        "readability": "mined",
        "normal": normal,
        "mined_at": NOW,
    }


def _mention(mention_id: int, i: int, name: str, state: str) -> dict[str, Any]:
    return {
        "id": mention_id,
        "mining_id": i,
        "concept": name,
        "code": "1",
        "scheme": "SCT",
        "kind": "disease",
        "finding": name,
        "assertion": state,
        "sentence": "There is no such finding.",
        "start": 0,
        "end": 8,
        "section": "findings",
        "rule_id": "no",
        "fired": [],
    }


if __name__ == "__main__":
    main()
