"""A study that was not read: where the hospital wants it, the PACS hears so, and why."""

from pydicom.dataset import FileDataset
from typer.testing import CliRunner

from db import results
from db.records import Job, JobKind, JobState, StudyState
from db.result_records import ResultKind
from node.__main__ import app
from node.objects.language import language
from node.parts import Node
from tests.nodes import StartNode, all_jobs, chest, push, study_of, wait_for_study
from tests.peers.pacs import StorageScp
from tests.peers.processes import wait_until

REPORTING = {"reading.report_unread": True}


def lateral(**elements: object) -> FileDataset:
    """A lateral view."""
    return chest(ViewPosition="LL", PatientOrientation=["P", "F"], **elements)


def texts(report: FileDataset) -> str:
    """All that a report says, as one text."""
    return "\n".join(str(element.value) for element in report.iterall() if element.keyword == "TextValue")


def predecessors(report: FileDataset) -> list[str]:
    """The reports that a report takes the place of."""
    return [
        str(sop.ReferencedSOPInstanceUID)
        for study in report.get("PredecessorDocumentsSequence", [])
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    ]


def kinds(node: Node) -> list[str]:
    """The kinds of what was built, in order."""
    with node.database.read() as connection:
        return [each.kind for each in results.every(connection)]


def test_reports_speak_the_language_of_the_setting(start_node: StartNode, pacs: StorageScp):
    """A study that was not read and one that was, in German: their sentences, and the language as a code."""
    node = start_node(pacs=pacs, **REPORTING, **{"reading.language": "de"})

    push(node, lateral())
    assert pacs.wait_for(1)
    push(node, chest())
    assert pacs.wait_for(4)

    unread, report = (each for each in pacs.datasets() if each.Modality == "SR")
    assert language("de").not_processed in texts(unread)
    codes = {str(element.value) for element in report.iterall() if element.keyword == "CodeValue"}
    assert language("de").code in codes
    assert language("en").code not in codes


def test_lateral_view_gets_a_report_that_it_was_not_read(start_node: StartNode, pacs: StorageScp):
    """The reason stands in the study; a frontal image later is read, and its report takes the place of the first."""
    node = start_node(pacs=pacs, **REPORTING)
    ds = lateral()
    push(node, ds)
    assert pacs.wait_for(1)
    wait_for_study(node, ds, StudyState.NOT_READ)
    (unread,) = pacs.datasets()
    assert unread.StudyInstanceUID == ds.StudyInstanceUID
    assert "frontal" in texts(unread)

    push(node, chest(StudyInstanceUID=ds.StudyInstanceUID))

    assert pacs.wait_for(4)
    report = pacs.datasets()[1]
    assert predecessors(report) == [unread.SOPInstanceUID]
    assert kinds(node) == [ResultKind.NOT_PROCESSED, ResultKind.SR, ResultKind.SEG, ResultKind.OVERLAY]


def test_without_the_setting_nothing_is_said(start_node: StartNode, pacs: StorageScp):
    """By default a study that is not read gets no object."""
    node = start_node(pacs=pacs)
    ds = lateral()

    push(node, ds)

    wait_for_study(node, ds, StudyState.NOT_READ)
    assert kinds(node) == []


def test_undecodable_image_is_told_once(start_node: StartNode, pacs: StorageScp):
    """A person who asks again makes no second note; the job still says what is wrong."""
    node = start_node(pacs=pacs, **REPORTING)
    ds = chest()
    ds.PixelData = ds.PixelData[:100]
    push(node, ds)
    assert pacs.wait_for(1)
    wait_for_study(node, ds, StudyState.FAILED)

    retry(node)

    assert (read_job(node).state, kinds(node)) == (JobState.FAILED, [ResultKind.NOT_PROCESSED])
    assert study_of(node, ds).state is StudyState.FAILED


def test_image_that_is_read_after_all(start_node: StartNode, pacs: StorageScp):
    """A retry that reads what could not be read sends results that take the place of the note."""
    node = start_node(pacs=pacs, **REPORTING, **{"reading.max_pixels": 1000})
    ds = chest()
    push(node, ds)
    assert pacs.wait_for(1)
    wait_for_study(node, ds, StudyState.FAILED)
    (note,) = pacs.datasets()
    node.stop()
    node = start_node(pacs=pacs, **REPORTING)

    retry(node)

    assert pacs.wait_for(4)
    assert predecessors(pacs.datasets()[1]) == [note.SOPInstanceUID]


def read_job(node: Node) -> Job:
    """The reading job."""
    (job,) = [job for job in all_jobs(node) if job.kind is JobKind.READ]
    return job


def retry(node: Node) -> None:
    """A person asks for the failed reading again; wait until it has ended."""
    before = read_job(node).attempts
    outcome = CliRunner().invoke(app, ["retry", str(read_job(node).id), "--data", str(node.settings.data)])
    assert outcome.exit_code == 0
    wait_until(
        lambda: read_job(node).attempts > before and read_job(node).ended_at is not None,
        timeout_s=20,
        what="it was not tried again",
    )
