"""How long `cxr snapshot create` takes on as many images as the paper has: 112,120, each with its report and labels.

Run it: python tests/bench/snapshots.py [IMAGES]. On SQLite, and on a PostgreSQL of its own where one is installed.
The first snapshot gives every patient its split, the second finds them given.
"""

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from db import migration, schema  # noqa: E402  # the project is found by the line above
from db.engine import Database, connect  # noqa: E402
from db.vocabulary import EIGHT  # noqa: E402
from inference.policy import Policy  # noqa: E402
from node.files import Folder  # noqa: E402
from node.learning import snapshots  # noqa: E402
from tests.bench import labels  # noqa: E402
from tests.db.rows import NOW  # noqa: E402
from tests.peers.databases import Postgres  # noqa: E402
from training.study_labels import Wanted  # noqa: E402


def main() -> None:
    """Fill, measure, print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else labels.REPORTS
    with tempfile.TemporaryDirectory(prefix="cxr-snapshots-") as folder:
        measure("SQLite", f"sqlite:///{Path(folder) / 'cxr.db'}", number, Path(folder))
    with tempfile.TemporaryDirectory(prefix="cxr-snapshots-") as folder, closing(Postgres()) as server:
        measure("PostgreSQL", server.create_database(), number, Path(folder))


def measure(name: str, url: str, number: int, data: Path) -> None:
    """Fill a database and make the same snapshot twice."""
    database = connect(url)
    migration.upgrade(database)
    labels.fill(database, number)
    look(database, number)
    store = Folder(data / "store")
    for which in ("first", "second"):
        began, busy = time.perf_counter(), time.process_time()
        made = snapshots.create(
            database,
            store,
            data=data,
            wanted=Wanted(findings=tuple(finding.name for finding in EIGHT), policy="coded"),
            policy=Policy(),
            now=NOW,
            on_batch=lambda _: None,
        )
        took, busy = time.perf_counter() - began, time.process_time() - busy
        print(f"{name}, {which}: {len(made.items)} images in {took:.2f} s, of which this process computed {busy:.2f} s")
        print(f"  SHA-256 {made.sha256}")
    store.close()
    database.close()


def look(database: Database, number: int) -> None:
    """Say of every image that it is frontal, as its reading or its import does."""
    with database.write() as connection:
        rows = [{"instance_id": i, "view": ("PA", "AP")[i % 2], "collection": ""} for i in range(1, number + 1)]
        connection.execute(schema.frontal.insert(), rows)
        connection.exec_driver_sql("ANALYZE")


if __name__ == "__main__":
    main()
