"""Real radiographs and odd files, from DCMTK as the modality through the node to Orthanc as the PACS."""

from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from db import studies
from db.records import JobState, StudyState
from db.vocabulary import Reason
from node.dicom.acceptance import STORAGE_CLASSES
from node.objects.encoding import transcoded
from node.parts import Node
from tests.nodes import StartNode, all_jobs
from tests.peers.dcmtk import Storescu, Tool
from tests.peers.orthanc import Orthanc
from tests.peers.processes import wait_until

pytestmark = pytest.mark.timeout(300)
FRONTAL = {"reading.accept_unknown_view": True, "reading.accept_unknown_body_part": True}


def settled(node: Node) -> bool:
    """True when nothing is left to do."""
    with node.database.read() as connection:
        return not studies.unsettled_count(connection) and all(
            job.state in (JobState.DONE, JobState.FAILED, JobState.DEAD) for job in all_jobs(node)
        )


def test_every_real_chest_radiograph_comes_back_to_orthanc(
    start_node: StartNode,
    orthanc: Orthanc,
    storescu: Storescu,
    dciodvfy: Tool,
    dsrdump: Tool,
    shared_data: Path,
    tmp_path: Path,
):
    """Each frontal chest radiograph gets report, segmentation and overlay in its own study, all valid DICOM.

    Two of the files are one image in two transfer syntaxes, under one SOP Instance UID: the second is kept.
    """
    pacs = {"name": "orthanc", "ae_title": orthanc.ae_title, "host": orthanc.host, "port": orthanc.port}
    node = start_node(destinations=[pacs], **FRONTAL)
    files = sorted((shared_data / "dicom" / "real_cxr").iterdir())

    sent = storescu(files, port=node.scp.port, called_ae="CXRNODE")
    wait_until(lambda: settled(node), timeout_s=100, what="the node still works")

    with node.database.read() as connection:
        received = studies.newest(connection, 100)
        stored = studies.instances(connection)
    assert len(stored) == len(files), sent.stdout
    again = [instance for instance in stored if instance.reason is Reason.DUPLICATE_UID]
    assert len(again) == len(stored) - len({instance.sop_instance_uid for instance in stored})
    assert {instance.reason for instance in stored} <= {None, Reason.DUPLICATE_UID}
    assert {study.state for study in received} == {StudyState.READ}
    for study in received:
        images = sum(instance.study_id == study.id and instance.reason is None for instance in stored)
        modalities = sorted(each.modality for each in orthanc.instances(study.study_instance_uid))
        assert modalities == sorted(["SR"] + ["OT", "SEG"] * images)
    for number, each in enumerate(orthanc.instances()):
        file = tmp_path / f"{number}.dcm"
        # The validator knows no deflated file.
        file.write_bytes(transcoded(orthanc.file(each.sop_instance_uid), ExplicitVRLittleEndian))
        assert "Error" not in dciodvfy(file).stdout
        if each.modality == "SR":
            text = dsrdump(file).stdout
            assert "Imaging Measurement Report" in text or "Diagnostic Imaging Report" in text


@pytest.mark.filterwarnings("ignore")  # pydicom warns of what is odd in these files; the node silences it too
def test_every_other_file_is_refused_or_ends_with_a_reason(
    start_node: StartNode, storescu: Storescu, shared_data: Path
):
    """Odd, malformed and foreign objects end as refused or as stored with a reason; nothing hangs or is lost."""
    node = start_node()
    folders = ("projection_other", "charset_tiny", "misc_mit_pydicom")
    files = [file for folder in folders for file in sorted((shared_data / "dicom" / folder).iterdir())]

    acknowledged = 0
    for start in range(0, len(files), 20):
        sent = storescu(files[start : start + 20], port=node.scp.port, called_ae="CXRNODE", timeout_s=60)
        acknowledged += sent.stdout.count("Received Store Response (Success)")
    wait_until(lambda: settled(node), timeout_s=100, what="the node still works")

    with node.database.read() as connection:
        stored = studies.instances(connection)
        found = {study.id: study for study in studies.newest(connection, 1000)}
    assert acknowledged >= len(stored) > 25
    assert {instance.sop_class_uid for instance in stored} <= {str(uid) for uid in STORAGE_CLASSES}
    for instance in stored:
        assert node.store.path(instance.path).stat().st_size > instance.size
        assert instance.reason in Reason or found[instance.study_id].state is StudyState.READ
    assert all(job.state in (JobState.DONE, JobState.FAILED) for job in all_jobs(node))
