"""A backlog of results to a local Orthanc, and DCMTK storescu with the same files beside it.

Results of a phantom are queued under new UIDs, study by study, as a long outage leaves them, and a node with nothing
else to do is started. Timed is from its start to the last row that says sent (or committed). storescu sends the same
files over one association to another empty Orthanc. What is printed was measured; nothing is asserted. Run by
`make bench`; `python -m tests.bench.delivery`.
"""

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import DataElement, Dataset, dcmread

from db import deliveries, jobs, migration, results, studies
from db.engine import Connection
from db.records import Arrival, JobKind, JobState
from inference import bundle as model_bundle
from node import premises, wiring
from node.database import open_database
from node.destinations import trial
from node.destinations.outbound import routes
from node.destinations.trial import Piece
from node.files import Folder
from node.models import service
from node.models.starter import install_starter
from node.parts import Node
from node.process.clock import utc_now
from node.settings import Settings, load
from tests.bench.peers import DCMTK, ENVIRONMENT, HOST
from tests.bench.reception import processor
from tests.peers.orthanc import Orthanc

PATIENCE_S = 600
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """So many studies of one image of side x side pixels, three results each."""

    studies: int
    side: int


WAYS: dict[str, dict[str, Any] | None] = {
    "cxr serve, C-STORE": {},
    "the same, committed": {"commitment": True},
    "cxr serve, STOW-RS": None,
}
BACKLOGS = (Backlog(studies=334, side=512), Backlog(studies=67, side=2048))


def main() -> None:
    """Measure and print."""
    print(f"{processor()}; report, segmentation and overlay of each study, to a local Orthanc")
    for backlog in BACKLOGS:
        for name, more in WAYS.items():
            with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder:
                measure(backlog, Path(folder), name, more)


def measure(backlog: Backlog, folder: Path, name: str, more: dict[str, Any] | None) -> None:
    """One way of delivery, and storescu beside the first of them."""
    orthanc = Orthanc(folder / "orthanc")
    settings = settings_of(folder / "data", orthanc, more)
    count, size = fill(settings, backlog)
    node = wiring.build(settings)
    orthanc.add_modality("node", ae_title=settings.dicom.ae_title, port=node.scp.port)
    wanted = "committed" if more and more.get("commitment") else "sent"
    try:
        seconds = timed(node, f"orthanc.{wanted}", count)
    finally:
        node.stop()
        orthanc.kill()
    show(name, count, size, seconds)
    if more == {}:
        show("storescu", count, size, storescu(settings.data / "store", folder))


def show(name: str, count: int, size: int, seconds: float) -> None:
    """Print a row."""
    rates = f"{count / seconds:6.0f} objects/s {size / seconds / 1e6:6.0f} MB/s"
    print(f"{count} objects, {size / 1e6:.0f} MB: {name:22} {rates}", flush=True)


def settings_of(data: Path, orthanc: Orthanc, more: dict[str, Any] | None) -> Settings:
    """A node that only delivers."""
    by_web = {"protocol": "stow", "url": orthanc.dicomweb_url}
    by_dicom = {"ae_title": orthanc.ae_title, "host": HOST, "port": orthanc.port}
    way = by_web if more is None else by_dicom | more
    options = {
        "data": data,
        "dicom.port": 0,
        "hl7.port": 0,
        "console.port": 0,
        "reading.workers": 0,
        "mining.workers": 0,
        "destinations": [{"name": "orthanc", **way}],
        "log.level": "error",
    }
    return load(None, **options)


def fill(settings: Settings, backlog: Backlog) -> tuple[int, int]:
    """Queue the backlog; how many objects and bytes there are."""
    database = open_database(settings)
    migration.upgrade(database)
    now = utc_now()
    install_starter(database, settings.data, now)
    store = premises.open_store(settings)
    model = service.load(model_bundle.load(model_bundle.STARTER), threads=0)
    count = size = 0
    with trial.pieces(model, routes(settings)[0].kinds, now, side=backlog.side) as (study_uid, pieces):
        for number in range(backlog.studies):
            copies = [renamed(piece, study_uid, number) for piece in pieces if piece.kind != "image"]
            with database.write() as connection:
                queue(connection, store, copies, number)
            count, size = count + len(copies), size + sum(len(data) for _, _, data in copies)
    store.close()
    database.close()
    return count, size


Copy = tuple[Piece, str, bytes]
"""A piece of the trial under another UID."""


def renamed(piece: Piece, study_uid: str, number: int) -> Copy:
    """The same object, of another study, under UIDs of the same length wherever they stand; its syntax stays."""
    uid = piece.outgoing.sop_instance_uid
    others = {one: f"{one[:-5]}{number:05d}" for one in (uid, study_uid)}

    def rename(_: Dataset, element: DataElement) -> None:
        if element.VR == "UI" and element.value in others:
            element.value = others[element.value]

    ds = dcmread(piece.outgoing.path)
    ds.walk(rename)
    ds.file_meta.walk(rename)
    data = BytesIO()
    ds.save_as(data, enforce_file_format=True)
    return piece, others[uid], data.getvalue()


def queue(connection: Connection, store: Folder, copies: Sequence[Copy], number: int) -> None:
    """A study that was read, with results that wait to be sent."""
    now = utc_now()
    study_uid = f"2.25.{number + 1}"
    studies.record_arrival(connection, an_arrival(study_uid, number), settle_at=None)
    study = studies.find(connection, study_uid)
    assert study is not None
    job_id = jobs.add(connection, kind=JobKind.READ, subject_id=study.id, revision=1, now=now)
    held = jobs.claim(connection, kinds=[JobKind.READ], owner="bench", now=now, lease_s=60)
    assert held is not None
    assert job_id is not None
    jobs.end(connection, held, state=JobState.DONE, now=now)
    ids = [add_result(connection, store, copy, study.id, job_id) for copy in copies]
    deliveries.add(connection, ids, "orthanc")
    jobs.add(connection, kind=JobKind.DELIVER, subject_id=study.id, revision=1, destination="orthanc", now=now)


def add_result(connection: Connection, store: Folder, copy: Copy, study_id: int, job_id: int) -> int:
    """An object in the store, and its row."""
    piece, uid, data = copy
    part = store.begin()
    part.write(data)
    path = part.commit()
    part.discard()
    return results.add_result(
        connection,
        job_id=job_id,
        study_id=study_id,
        revision=1,
        kind=piece.kind,
        model_version="bench",
        sop_class_uid=piece.outgoing.sop_class_uid,
        sop_instance_uid=uid,
        series_instance_uid="2.25.1",
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        created_at=utc_now(),
    )


def an_arrival(study_uid: str, number: int) -> Arrival:
    """An image that the node got, as far as its rows go."""
    return Arrival(
        sop_instance_uid=f"{study_uid}.1",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        study_instance_uid=study_uid,
        series_instance_uid=f"{study_uid}.2",
        patient_id="BENCH",
        patient_name="BENCH",
        accession_number="",
        study_date="",
        path="none",
        size=0,
        sha256=f"{number:064x}",
        calling_ae="BENCH",
        calling_address=HOST,
        received_at=utc_now(),
    )


def timed(node: Node, state: str, count: int) -> float:
    """Seconds from the node's start to the last row in this state."""
    begin = time.perf_counter()
    node.start()

    def all_there() -> bool:
        with node.database.read() as connection:
            return deliveries.counts(connection).get(state, 0) == count

    while not all_there():
        if time.perf_counter() - begin > PATIENCE_S:
            raise TimeoutError(f"not all are {state}")
        time.sleep(LOOK_S)
    return time.perf_counter() - begin


def storescu(store: Path, folder: Path) -> float:
    """Seconds that storescu takes for the same files, one association, an empty Orthanc."""
    orthanc = Orthanc(folder / "beside")
    options = ["-q", "-R", "+sd", "+r", "-aec", orthanc.ae_title, HOST, str(orthanc.port)]
    shutil.rmtree(store / "incoming", ignore_errors=True)
    begin = time.perf_counter()
    try:
        subprocess.run([str(DCMTK / "storescu"), *options, str(store)], env=ENVIRONMENT, check=True)
        return time.perf_counter() - begin
    finally:
        orthanc.kill()


if __name__ == "__main__":
    main()
