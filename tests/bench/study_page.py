"""A study's page and its first picture: `python -m tests.bench.study_page FOLDER`, the data folder of a node.

Asks the console's own parts, without a network: the page's queries on that node's database, and the first picture of
each image, not yet made and made. Milliseconds, median and 95th percentile. It measures; it never fails.
`tests.bench.million` measures the same in a store of a million studies.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from db import dossier, studies
from db.engine import Database, connect
from inference.errors import NotReadable
from inference.isolation import Isolated
from node.files import Folder
from node.pictures.gallery import Gallery
from node.pictures.shelf import Shelf, Size
from node.process.clock import utc_now
from node.study import timeline

PICTURES = 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="of the database; without it, SQLite in the folder")
    options = parser.parse_args()
    database = connect(options.url or f"sqlite:///{options.folder / 'cxr.db'}")
    measured(database, options.folder)
    database.close()


def measured(database: Database, folder: Path) -> None:
    """Of the newest studies of a node."""
    with database.read() as connection:
        found = studies.newest(connection, 100)
    pages, fresh, kept = [], [], []
    print(f"\n{'a study':<38}{'median':>8}{'p95':>8}{'load':>7}")
    with tempfile.TemporaryDirectory() as shelf:
        gallery = Gallery(
            store=Folder(folder / "store"),
            database=database,
            images=Isolated(1),
            shelf=Shelf(Path(shelf), 1 << 30),
            max_pixels=50_000_000,
            now=utc_now,
        )
        gallery.ready()
        for number, study in enumerate(found):
            begin = time.perf_counter()
            with database.read() as connection:
                of = dossier.of_study(connection, study.study_instance_uid)
            if of is None:
                continue
            timeline.events(of)
            pages.append(time.perf_counter() - begin)
            for instance in of.instances[:1] if number < PICTURES else ():
                for times in (fresh, kept):
                    begin = time.perf_counter()
                    try:
                        gallery.radiograph(instance, Size.FIRST)
                    except NotReadable:
                        continue
                    times.append(time.perf_counter() - begin)
        gallery.stop()
    for words, times in (("the page's queries", pages), ("first picture, made", fresh), ("kept", kept)):
        if len(times) > 1:
            p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
            median = statistics.median(times)
            print(f"{words:<38}{1e3 * median:8.1f}{1e3 * p95:8.1f}{os.getloadavg()[0]:7.1f}", flush=True)


if __name__ == "__main__":
    main()
