"""Rejection notes of a bulk retraction, as an archive gets them: `make bench ONLY=notes`.

So many studies have a report each that a local Orthanc is said to have got. They are taken back as `cxr results
retract` does it, then a node is started that has nothing else to do. Printed are the time until all are taken back,
the time from the node's start until the last note has been sent, and the processor time of a note; nothing is asserted.
`python -m tests.bench.notes --studies 1000`.
"""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

from db import deliveries, jobs, migration, results, retractions, studies
from db.deliveries import AsSent
from db.engine import Database
from db.records import JobKind, JobState
from db.retractions import Wanted
from db.vocabulary import RejectionReason
from node import premises, wiring
from node.database import open_database
from node.demonstration import phantom
from node.objects import encoding
from node.process.clock import utc_now
from node.settings import Settings
from tests.bench.delivery import an_arrival, settings_of, timed
from tests.bench.reception import processor
from tests.peers.orthanc import Orthanc

REPORT = "1.2.840.10008.5.1.4.1.1.88.34"
AT_ONCE = 20
"""Studies that one transaction takes back, as the command does."""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--studies", type=int, default=10_000)
    count = options.parse_args().studies
    print(f"{processor()}; {count} studies with a report each, taken back, to a local Orthanc")
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder:
        orthanc = Orthanc(Path(folder) / "orthanc")
        try:
            measure(settings_of(Path(folder) / "data", orthanc, {}), count)
        finally:
            orthanc.kill()


def measure(settings: Settings, count: int) -> None:
    """Take them back, then tell of it."""
    database = open_database(settings)
    migration.upgrade(database)
    fill(settings, database, count)
    begin = time.perf_counter()
    take_back(database)
    print(f"taken back in {time.perf_counter() - begin:.1f} s", flush=True)
    database.close()
    node = wiring.build(settings)
    processor_s = time.process_time()
    try:
        seconds = timed(node, "orthanc.sent", 2 * count)
    finally:
        node.stop()
    each_ms = (time.process_time() - processor_s) / count * 1000
    print(f"told in {seconds:.1f} s: {count / seconds:.0f} notes/s, {each_ms:.0f} ms of a core a note")


def fill(settings: Settings, database: Database, count: int) -> None:
    """The rows of studies that were read and sent; their reports are one file in the store."""
    store = premises.open_store(settings)
    file = encoding.encode(phantom.dataset(rows=64, columns=64))
    path, sha256, now = store.put(file), hashlib.sha256(file).hexdigest(), utc_now()
    store.close()
    form = {"sop_class_uid": REPORT, "sha256": sha256}
    with database.write() as connection:
        job_id = 0
        for number in range(1, count + 1):
            studies.record_arrival(connection, an_arrival(f"2.25.{number}", number), settle_at=None)
            study = studies.find(connection, f"2.25.{number}")
            assert study is not None
            if not job_id:
                job_id = jobs.add(connection, kind=JobKind.READ, subject_id=study.id, now=now) or 0
                held = jobs.claim(connection, kinds=[JobKind.READ], owner="bench", now=now, lease_s=60)
                assert held is not None
                jobs.end(connection, held, state=JobState.DONE, now=now)
            uid = f"2.25.{number}.5"
            result_id = results.add_result(
                connection,
                job_id=job_id,
                study_id=study.id,
                revision=1,
                kind="sr",
                model_version="bench",
                sop_instance_uid=uid,
                series_instance_uid=f"2.25.{number}.4",
                path=path,
                size=len(file),
                created_at=now,
                **form,
            )
            deliveries.add(connection, [result_id], "orthanc")
            (delivery,) = deliveries.of_result(connection, result_id)
            as_sent = AsSent(sop_instance_uid=uid, transfer_syntax_uid=encoding.NATIVE[0], **form)
            deliveries.sent(connection, delivery.id, as_sent, now)


def take_back(database: Database) -> None:
    """As `cxr results retract --model bench` does."""
    wanted = Wanted(model_version="bench")
    with database.read() as connection:
        ids = retractions.study_ids(connection, wanted)
    for start in range(0, len(ids), AT_ONCE):
        with database.write() as connection:
            for study_id in ids[start : start + AT_ONCE]:
                retractions.retract(connection, study_id, wanted, RejectionReason.QUALITY, utc_now())


if __name__ == "__main__":
    main()
