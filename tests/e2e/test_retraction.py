"""Results that are taken back: the archive hears of what it got, and of nothing else, whatever happens in between."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import FileDataset
from typer.testing import CliRunner, Result

from db import audit, backlog, deliveries, jobs, results, retractions
from db.deliveries import AsSent
from db.engine import Connection, Database, connect
from db.records import JobKind, JobState, StudyState
from db.result_records import ResultKind
from db.retractions import Wanted
from node.__main__ import app
from node.files import Folder
from node.objects import encoding
from node.parts import Node
from node.settings import DATABASE_FILE
from tests.conftest import ROOT
from tests.db.rows import NOW, add_job, add_result, arrival, claimed, record
from tests.nodes import StartNode, chest, data_set, destination, push, wait_for_study
from tests.peers import cluster
from tests.peers.orthanc import Orthanc
from tests.peers.pacs import OUT_OF_RESOURCES, SUCCESS, StorageScp
from tests.peers.processes import wait_until

KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.88.59"
STUDIES = 1000
NOTES, KILLS = 60, 3


def retract(folder: Path, *arguments: object) -> Result:
    """Run the command on a node's data."""
    words = ["results", "retract", "--by", "admin", "--data", folder, *arguments]
    return CliRunner().invoke(app, [str(word) for word in words])


def notes(pacs: StorageScp) -> list[FileDataset]:
    """The rejection notes that arrived."""
    return [ds for ds in pacs.datasets() if ds.SOPClassUID == KEY_OBJECT]


def named(note: FileDataset) -> set[str]:
    """The objects that a note takes back."""
    return {
        str(sop.ReferencedSOPInstanceUID)
        for study in note.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }


def unfinished(node: Node) -> int:
    """How many jobs have not ended."""
    with node.database.read() as connection:
        return backlog.unfinished_count(connection)


def test_archive_is_told_what_it_got(start_node: StartNode, pacs: StorageScp):
    """A note in the same study names every object that arrived; here all of it stays, marked, and audited."""
    node = start_node(pacs=pacs)
    first, second = chest(), chest()
    push(node, first)
    push(node, second)
    assert pacs.wait_for(6)
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")
    arrived = {str(ds.SOPInstanceUID) for ds in pacs.datasets() if ds.StudyInstanceUID == first.StudyInstanceUID}

    outcome = retract(node.settings.data, "--study", first.StudyInstanceUID, "--reason", "113037", "--yes")

    assert outcome.exit_code == 0, outcome.output
    assert pacs.wait_for(7)
    (note,) = notes(pacs)
    assert note.StudyInstanceUID == first.StudyInstanceUID
    assert note.ConceptNameCodeSequence[0].CodeValue == "113037"
    assert named(note) == arrived
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")
    with node.database.read() as connection:
        kept = results.every(connection)
        (entry,) = audit.of_subject(connection, first.StudyInstanceUID, "results.")
    assert len(kept) == 7
    assert {each.sop_instance_uid for each in kept if each.retracted_at} == arrived
    assert (entry.actor, entry.detail["reason"], entry.detail["objects"]) == ("admin", "patient_safety", 3)
    listed = CliRunner().invoke(app, ["results", "--data", str(node.settings.data)])
    assert listed.output.count("(patient_safety)") == 3


def test_archive_that_was_down_is_told_nothing_of_what_never_went(start_node: StartNode, pacs: StorageScp):
    """What waits for a destination that was not tried yet is withdrawn, and there is nothing to tell."""
    node = start_node(pacs=pacs, **{"work.delivery_workers": 0})
    ds = chest()
    push(node, ds)
    wait_for_study(node, ds, StudyState.READ)

    outcome = retract(node.settings.data, "--study", ds.StudyInstanceUID, "--reason", "quality", "--yes", "--json")

    assert json.loads(outcome.stdout)["retracted"][0]["withdrawn"] == 3
    node.stop()
    again = start_node(pacs=pacs)
    wait_until(lambda: unfinished(again) == 0, timeout_s=20, what="jobs have not ended")
    assert pacs.order == []


def test_half_of_a_delivery_is_taken_back(start_node: StartNode, pacs: StorageScp):
    """An archive that is out of resources gets no more of what was taken back; the note comes when it has room."""
    node = start_node(pacs=pacs)
    pacs.status = OUT_OF_RESOURCES
    ds = chest()
    push(node, ds)
    wait_until(lambda: len(pacs.order) > 0, timeout_s=20, what="nothing was tried")

    retract(node.settings.data, "--study", ds.StudyInstanceUID, "--reason", "quality", "--yes")
    pacs.status = SUCCESS

    assert pacs.wait_for(1)
    wait_until(lambda: unfinished(node) == 0, timeout_s=60, what="jobs have not ended")
    with node.database.read() as connection:
        objects = {each.sop_instance_uid for each in results.every(connection) if each.kind != ResultKind.REJECTION}
    (note,) = notes(pacs)
    assert named(note) == objects
    assert set(pacs.received) - objects == {str(note.SOPInstanceUID)}


def test_late_image_after_a_retraction(start_node: StartNode, pacs: StorageScp):
    """A new report does not name one that was taken back; a lateral view alone makes none at all."""
    node = start_node(pacs=pacs)
    ds = chest()
    push(node, ds)
    assert pacs.wait_for(3)
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")
    retract(node.settings.data, "--study", ds.StudyInstanceUID, "--reason", "quality", "--yes")
    assert pacs.wait_for(4)
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")

    push(node, chest(StudyInstanceUID=ds.StudyInstanceUID, ViewPosition="LL"))
    wait_until(lambda: reads(node) == 2 and unfinished(node) == 0, timeout_s=20, what="it was not looked at")
    assert len(pacs.received) == 4
    push(node, chest(StudyInstanceUID=ds.StudyInstanceUID))

    assert pacs.wait_for(9)
    report = pacs.datasets()[4]
    assert report.Modality == "SR"
    assert "PredecessorDocumentsSequence" not in report


def reads(node: Node) -> int:
    """How many reading jobs there were."""
    with node.database.read() as connection:
        return sum(job.kind is JobKind.READ for job in jobs.newest(connection, 100))


def test_dry_run_changes_nothing(start_node: StartNode, pacs: StorageScp):
    """It shows how much it would be; without --yes a script is refused."""
    node = start_node(pacs=pacs)
    ds = chest()
    push(node, ds)
    assert pacs.wait_for(3)
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")
    folder = node.settings.data

    shown = json.loads(retract(folder, "--since", "2020-01-01", "--reason", "quality", "--dry-run", "--json").stdout)
    refused = retract(folder, "--since", "2020-01-01", "--reason", "quality")

    assert (shown["studies"], shown["objects"], shown["retracted"]) == (1, 3, [])
    assert shown["destinations"] == [{"studies": 1, "objects": 3, "destination": "pacs", "waiting": 0}]
    assert "--yes" in str(refused.exception)
    with node.database.read() as connection:
        assert all(each.retracted_at is None for each in results.every(connection))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--reason", "quality"), "say which results"),
        (("--reason", "whim", "--since", "2026-03-14"), "--reason is one of"),
        (("--reason", "quality", "--since", "noon"), "--since takes a time"),
        (("--reason", "quality", "--study", "2.25.404"), "no study has this UID"),
    ],
)
def test_unclear_request_is_refused(arguments: tuple[str, ...], words: str, sqlite_database: Database, tmp_path: Path):
    """One plain sentence says what is missing."""
    assert words in str(retract(tmp_path, *arguments).exception)


def test_orthanc_gets_the_note_into_the_same_study(start_node: StartNode, orthanc: Orthanc):
    """The note lies beside what it takes back, names the objects that are there, and is committed to like them."""
    there = {"name": "orthanc", "ae_title": orthanc.ae_title, "host": orthanc.host, "port": orthanc.port}
    node = start_node(destinations=[there | {"commitment": True}])
    orthanc.add_modality("node", ae_title="CXRNODE", port=node.scp.port)
    ds = chest()
    push(node, ds)
    orthanc.wait_for_instances(3)
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")
    with node.database.read() as connection:
        objects = {each.sop_instance_uid for each in results.every(connection)}

    retract(node.settings.data, "--study", ds.StudyInstanceUID, "--reason", "quality", "--yes")

    wait_until(lambda: len(orthanc.instances(ds.StudyInstanceUID)) == 4, timeout_s=20, what="no note arrived")
    wait_until(lambda: unfinished(node) == 0, timeout_s=20, what="jobs have not ended")
    with node.database.read() as connection:
        (built,) = [each for each in results.every(connection) if each.kind == ResultKind.REJECTION]
    note = pydicom.dcmread(node.store.path(built.path))
    assert pydicom.dcmread(BytesIO(orthanc.file(built.sop_instance_uid))) == note
    assert named(note) == objects
    with node.database.read() as connection:
        assert deliveries.counts(connection) == {"orthanc.committed": 4}


def sent_results(connection: Connection, folder: Path, studies_count: int) -> dict[str, str]:
    """Studies with a report each that the PACS got, all as one file; the reports by Study Instance UID."""
    store = Folder(folder / "store")
    file = encoding.encode(chest())
    stored = {"path": store.put(file), "size": len(file), "sha256": hashlib.sha256(file).hexdigest()}
    store.close()
    taken, job_id = {}, None
    for number in range(1, studies_count + 1):
        uid = f"2.25.{number}"
        new = arrival(study_instance_uid=uid, sop_instance_uid=f"{uid}.9", sha256=f"{number:064x}")
        study = record(connection, new, None)
        if job_id is None:
            job_id = add_job(connection, study.id)
            jobs.end(connection, claimed(connection), state=JobState.DONE, now=NOW)
        result_id = add_result(connection, study.id, job_id, number, **stored)
        deliveries.add(connection, [result_id], "pacs")
        (parcel,) = deliveries.parcels(connection, study.id, 1, "pacs")
        result = parcel.result
        form = AsSent(
            sop_class_uid=result.sop_class_uid,
            sop_instance_uid=result.sop_instance_uid,
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            sha256=result.sha256,
        )
        deliveries.sent(connection, parcel.delivery.id, form, NOW)
        taken[uid] = result.sop_instance_uid
    return taken


@pytest.fixture
def many(sqlite_database: Database, tmp_path: Path) -> Path:
    """The data folder of a node that has sent the results of many studies."""
    with sqlite_database.write() as connection:
        sent_results(connection, tmp_path, STUDIES)
    return tmp_path


def test_notes_and_kills_in_between(sqlite_database: Database, tmp_path: Path, pacs: StorageScp):
    """A node that is killed again and again while it tells of a bulk retraction sends each study one note, and all."""
    with sqlite_database.write() as connection:
        taken = sent_results(connection, tmp_path, NOTES)
    assert retract(tmp_path, "--model", "m1", "--reason", "quality", "--yes").exit_code == 0
    settings = {
        "dicom": {"port": 0},
        "hl7": {"port": 0},
        "console": {"port": 0},
        "mining": {"workers": 0},
        "work": {"tick_s": 0.05, "lease_s": 1},
        "destinations": [destination(pacs)],
    }
    with cluster.running(tmp_path, f'data = "{tmp_path}"\n{cluster.toml(**settings)}', "node") as nodes:
        for kill in range(1, KILLS + 1):
            assert pacs.wait_for(NOTES * kill // (KILLS + 2), timeout_s=60)
            nodes.kill("node")
            nodes.start("node")
        assert pacs.wait_for(NOTES, timeout_s=60)

        def ended() -> bool:
            with sqlite_database.read() as connection:
                return backlog.unfinished_count(connection) == 0

        wait_until(ended, timeout_s=60, what="notes are left")

    assert sorted(named(note) == {taken[str(note.StudyInstanceUID)]} for note in notes(pacs)) == [True] * NOTES
    assert len(set(pacs.order)) == NOTES
    with sqlite_database.read() as connection:
        built = {each.sop_instance_uid: each for each in results.every(connection) if each.kind == ResultKind.REJECTION}
        assert deliveries.counts(connection) == {"pacs.sent": 2 * NOTES}
    stored = {uid: (tmp_path / "store" / each.path).read_bytes() for uid, each in built.items()}
    assert {uid: data_set(file) for uid, file in stored.items()} == {
        uid: data_set(file) for uid, file in pacs.received.items()
    }


def left(folder: Path) -> int:
    """How many studies have results that stand."""
    database = connect(f"sqlite:///{folder / DATABASE_FILE}")
    with database.read() as connection:
        studies = retractions.extent(connection, Wanted(model_version="m1")).studies
    database.close()
    return studies


def test_many_studies_and_a_kill_in_between(many: Path):
    """The same command goes on after a kill: each study is taken back once, and audited once."""
    command: list[Any] = [sys.executable, "-m", "node", "results", "retract", "--model", "m1", "--reason", "quality"]
    command += ["--yes", "--by", "admin", "--data", many]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: left(many) < STUDIES, timeout_s=60, what="nothing was taken back")
    process.kill()
    process.wait()
    assert 0 < left(many) < STUDIES

    outcome = retract(many, "--model", "m1", "--reason", "quality", "--yes")

    assert outcome.exit_code == 0, outcome.output
    assert left(many) == 0
    database = connect(f"sqlite:///{many / DATABASE_FILE}")
    with database.read() as connection:
        told = Counter(job.subject_id for job in jobs.newest(connection, 10 * STUDIES) if job.kind is JobKind.RETRACT)
        entries = Counter(entry.subject for entry in audit.newest(connection, 10 * STUDIES))
        assert audit.examine(connection).fault is None
    database.close()
    assert (len(told), set(told.values())) == (STUDIES, {1})
    assert (len(entries), set(entries.values())) == (STUDIES, {1})
