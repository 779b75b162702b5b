"""A study's page and its first picture: `python -m tests.bench.study_page FOLDER`, the data folder of a node.

Asks the console's own parts, without a network: the page's queries on that node's database, and the first picture of
each image, not yet made and made. Milliseconds, median and 95th percentile. It measures; it never fails.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from db import dossier, studies
from db.engine import connect
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
    with database.read() as connection:
        found = studies.newest(connection, 100)
    pages, fresh, kept = [], [], []
    with tempfile.TemporaryDirectory() as shelf:
        gallery = Gallery(
            store=Folder(options.folder / "store"),
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
    database.close()
    for words, times in (("the page's queries", pages), ("first picture, made", fresh), ("kept", kept)):
        if len(times) > 1:
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"{words:22} {1e3 * statistics.median(times):7.1f} ms, 95th percentile {1e3 * p95:7.1f} ms")


if __name__ == "__main__":
    main()
