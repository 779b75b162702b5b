"""The whole path in one process: a modality pushes, the PACS gets results; no peer but pynetdicom."""

import json
from io import BytesIO

from pydicom import DataElement, config
from pynetdicom import AE
from typer.testing import CliRunner

from db import audit, results, studies
from db.records import JobKind, JobState, StudyState
from db.vocabulary import Reason
from node.__main__ import app
from tests.nodes import StartNode, all_jobs, chest, data_set, push, study_of, wait_for_study
from tests.peers.pacs import OUT_OF_RESOURCES, SUCCESS, StorageScp
from tests.peers.processes import HOST, wait_until


def test_chest_radiograph_comes_back_as_report_segmentation_and_overlay(start_node: StartNode, pacs: StorageScp):
    """A radiologist finds a report, a segmentation and an overlay in the image's own study, in new series."""
    node = start_node(pacs=pacs)
    ds = chest()

    assert push(node, ds) == [SUCCESS]
    assert pacs.wait_for(3)

    received = {each.Modality: each for each in pacs.datasets()}
    assert sorted(received) == ["OT", "SEG", "SR"]
    assert {each.StudyInstanceUID for each in received.values()} == {ds.StudyInstanceUID}
    assert ds.SeriesInstanceUID not in {each.SeriesInstanceUID for each in received.values()}
    assert {each.PatientID for each in received.values()} == {ds.PatientID}


def test_either_database_serves(start_node: StartNode, pacs: StorageScp, database_url: str):
    """On SQLite and on PostgreSQL a study comes back, a repetition is one, and a late image makes a revision."""
    node = start_node(pacs=pacs, **{"database.url": database_url})
    first = chest()
    second = chest(StudyInstanceUID=first.StudyInstanceUID)

    assert push(node, first, first) == [SUCCESS, SUCCESS]
    assert pacs.wait_for(3)
    wait_for_study(node, first, StudyState.READ)
    assert push(node, second) == [SUCCESS]

    assert pacs.wait_for(8)
    assert study_of(node, first).revision == 2


def test_stored_bytes_are_the_bytes_that_were_sent(start_node: StartNode):
    """What a modality pushed is kept bit for bit."""
    node = start_node()
    ds = chest()
    encoded = BytesIO()
    ds.save_as(encoded, enforce_file_format=True)

    push(node, ds)

    with node.database.read() as connection:
        (instance,) = studies.instances(connection)
    stored = node.store.path(instance.path).read_bytes()
    assert data_set(stored) == data_set(encoded.getvalue())
    assert stored[:128] == bytes(128)


def test_same_instance_again_answers_success_and_makes_no_second_job(start_node: StartNode, pacs: StorageScp):
    """A modality that repeats itself is told all is well, and the study is not read twice."""
    node = start_node(pacs=pacs)
    ds = chest()
    push(node, ds)
    assert pacs.wait_for(3)
    wait_for_study(node, ds, StudyState.READ)

    assert push(node, ds) == [SUCCESS]

    assert study_of(node, ds).revision == 1
    assert [job.kind for job in all_jobs(node)] == [JobKind.DELIVER, JobKind.READ]
    assert len(list((node.settings.data / "store").rglob("*.dcm"))) == 4


def test_other_bytes_under_a_known_uid_are_kept_and_not_read(start_node: StartNode):
    """A second image that claims the UID of the first is not lost, and says why it is not read."""
    node = start_node()
    ds = chest()
    push(node, ds)
    wait_for_study(node, ds, StudyState.READ)
    ds.AccessionNumber = "OTHER"

    assert push(node, ds) == [SUCCESS]

    with node.database.read() as connection:
        first, second = studies.instances(connection)
    assert (first.reason, second.reason) == (None, Reason.DUPLICATE_UID)
    assert study_of(node, ds).revision == 1


def test_late_image_makes_a_new_report_that_names_the_one_before(start_node: StartNode, pacs: StorageScp):
    """A second frontal image, minutes later, gives a new report with the old one as its predecessor."""
    node = start_node(pacs=pacs)
    first = chest()
    push(node, first)
    assert pacs.wait_for(3)
    (old_report,) = (each for each in pacs.datasets() if each.Modality == "SR")
    wait_for_study(node, first, StudyState.READ)
    second = chest(StudyInstanceUID=first.StudyInstanceUID, SeriesInstanceUID=first.SeriesInstanceUID)

    push(node, second)
    assert pacs.wait_for(3 + 5)

    reports = [each for each in pacs.datasets() if each.Modality == "SR"]
    (new_report,) = (each for each in reports if each.SOPInstanceUID != old_report.SOPInstanceUID)
    (predecessor,) = new_report.PredecessorDocumentsSequence
    (reference,) = predecessor.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert reference.ReferencedSOPInstanceUID == old_report.SOPInstanceUID
    assert study_of(node, first).revision == 2
    shown = CliRunner().invoke(app, ["results", "--json", "--data", str(node.settings.data)])
    assert [each["superseded_by"] for each in json.loads(shown.stdout)] == [2] * 3 + [None] * 5


def test_revision_that_was_overtaken_is_not_read(start_node: StartNode, pacs: StorageScp):
    """Where a second image came before the first was read, one report tells of both."""
    receiver = start_node(pacs=pacs, **{"reading.workers": 0, "work.delivery_workers": 0})
    first = chest()
    push(receiver, first)
    wait_until(lambda: study_of(receiver, first).revision == 1, timeout_s=20, what="no first revision")
    push(receiver, chest(StudyInstanceUID=first.StudyInstanceUID))
    wait_until(lambda: study_of(receiver, first).revision == 2, timeout_s=20, what="no second revision")
    receiver.stop()

    node = start_node(pacs=pacs)
    assert pacs.wait_for(5)
    wait_for_study(node, first, StudyState.READ)

    assert [each.Modality for each in pacs.datasets()].count("SR") == 1
    assert [job.error_code for job in all_jobs(node) if job.kind is JobKind.READ] == [None, "superseded"]


def test_late_lateral_image_makes_no_new_report(start_node: StartNode, pacs: StorageScp):
    """A lateral view that comes after the report changes nothing in the PACS, and says why it was not read."""
    node = start_node(pacs=pacs)
    frontal = chest()
    push(node, frontal)
    assert pacs.wait_for(3)
    lateral = chest(StudyInstanceUID=frontal.StudyInstanceUID, ViewPosition="LL")
    lateral.PatientOrientation = ["P", "F"]

    push(node, lateral)
    wait_until(lambda: study_of(node, frontal).revision == 2, timeout_s=20, what="no second revision")
    wait_for_study(node, frontal, StudyState.READ)

    with node.database.read() as connection:
        reasons = [instance.reason for instance in studies.instances(connection)]
        assert len(results.every(connection)) == 3
    assert reasons == [None, Reason.NOT_FRONTAL]


def test_study_without_a_frontal_chest_ends_with_its_reason(start_node: StartNode, pacs: StorageScp):
    """A hand is not read: the study says so and nothing is sent."""
    node = start_node(pacs=pacs)
    ds = chest(BodyPartExamined="HAND")
    del ds.AnatomicRegionSequence

    push(node, ds)
    wait_for_study(node, ds, StudyState.NOT_READ)

    (job,) = all_jobs(node)
    assert (job.state, job.error_code) == (JobState.DONE, Reason.NOT_CHEST)
    assert pacs.received == {}


def test_image_that_cannot_be_decoded_fails_with_reason_and_the_next_is_read(start_node: StartNode):
    """A broken image is shown to a person, and the worker goes on."""
    node = start_node()
    broken, good = chest(), chest()
    broken.PixelData = broken.PixelData[:100]

    assert push(node, broken, good) == [SUCCESS, SUCCESS]
    wait_for_study(node, broken, StudyState.FAILED)
    wait_for_study(node, good, StudyState.READ)

    (failed,) = (job for job in all_jobs(node) if job.state is JobState.FAILED)
    assert failed.error_code == Reason.UNDECODABLE
    assert failed.error


def test_pacs_outage_delays_delivery_and_nothing_else(start_node: StartNode, pacs: StorageScp):
    """While the PACS is down studies are received and read; when it is back, it gets everything once."""
    pacs.stop()
    node = start_node(pacs=pacs)
    first, second = chest(), chest()

    assert push(node, first) == [SUCCESS]
    wait_for_study(node, first, StudyState.READ)
    assert push(node, second) == [SUCCESS]
    wait_for_study(node, second, StudyState.READ)
    pacs.start()

    assert pacs.wait_for(6)
    assert len(pacs.order) == 6


def test_pacs_out_of_resources_gets_the_same_objects_later(start_node: StartNode, pacs: StorageScp):
    """A full PACS is asked again, and gets byte-identical objects."""
    pacs.status = OUT_OF_RESOURCES
    node = start_node(pacs=pacs)
    ds = chest()
    push(node, ds)
    wait_until(lambda: len(pacs.order) >= 3, timeout_s=20, what="the PACS was not asked")
    pacs.status = SUCCESS

    assert pacs.wait_for(3)

    with node.database.read() as connection:
        kept = {result.sop_instance_uid: result.path for result in results.every(connection)}
    for uid, file in pacs.received.items():
        assert data_set(file) == data_set(node.store.path(kept[uid]).read_bytes())


def test_study_waits_for_its_quiet_period(start_node: StartNode, pacs: StorageScp):
    """Two images of one study, sent on two associations within the quiet period, make one report."""
    node = start_node(pacs=pacs, **{"study.quiet_s": 1.5})
    first = chest()
    second = chest(StudyInstanceUID=first.StudyInstanceUID)

    push(node, first)
    push(node, second)
    assert pacs.wait_for(5)

    assert study_of(node, first).revision == 1
    assert [each.Modality for each in pacs.datasets()].count("SR") == 1


def test_work_left_by_a_stopped_node_is_done_by_the_next(start_node: StartNode, pacs: StorageScp):
    """A node that only received hands over its studies to the one that is started after it."""
    receiver = start_node(pacs=pacs, **{"reading.workers": 0, "work.delivery_workers": 0})
    ds = chest()
    push(receiver, ds)
    receiver.stop()

    start_node(pacs=pacs)

    assert pacs.wait_for(3)


def test_unknown_caller_and_wrong_title_are_rejected_and_audited(start_node: StartNode):
    """An AE that is not on the list gets no association, and the audit log has its name."""
    peer = {"ae_title": "CT1", "addresses": ["127.0.0.1"]}
    node = start_node(**{"dicom.peers": [peer]})

    for calling, called in (("STRANGER", "CXRNODE"), ("CT1", "OTHERNODE")):
        ae = AE(ae_title=calling)
        ae.add_requested_context("1.2.840.10008.1.1")
        assert ae.associate(HOST, node.scp.port, ae_title=called).is_rejected

    with node.database.read() as connection:
        entries = [entry for entry in audit.newest(connection, 10) if entry.action == "association.reject"]
        assert audit.examine(connection).fault is None
    assert [entry.actor for entry in entries] == ["CT1", "STRANGER"]


def test_same_study_and_model_give_byte_identical_results(start_node: StartNode, pacs: StorageScp, tmp_path):
    """Two nodes that read the same study name their results alike."""
    ds = chest()
    for folder in ("one", "two"):
        node = start_node(**{"data": tmp_path / folder})
        push(node, ds)
        wait_for_study(node, ds, StudyState.READ)
        with node.database.read() as connection:
            uids = [result.sop_instance_uid for result in results.every(connection)]
        if folder == "one":
            first = uids

    assert uids == first


def test_hostile_identifiers_are_refused_and_leave_nothing(start_node: StartNode):
    """A path in place of a UID is answered with 0xA900; no file and no row is left."""
    node = start_node()
    path, missing = chest(), chest()
    uid = "../../etc/passwd"
    path["StudyInstanceUID"] = DataElement(0x0020000D, "UI", uid, validation_mode=config.IGNORE)
    missing.StudyInstanceUID = ""

    assert push(node, path) == [0xA900]
    assert push(node, missing) == [0xA900]

    assert not list((node.settings.data / "store").rglob("*.*"))
    with node.database.read() as connection:
        assert studies.instances(connection) == []


def test_hostile_text_is_stored_as_text(start_node: StartNode):
    """SQL, HTML and control characters in a header neither break the node nor reach a page as they are."""
    node = start_node()
    ds = chest(PatientID="'; DROP TABLE study;--", AccessionNumber="<b>\x07")

    assert push(node, ds) == [SUCCESS]

    assert study_of(node, ds).patient_id == "'; DROP TABLE study;--"
    assert study_of(node, ds).accession_number == "<b>"
