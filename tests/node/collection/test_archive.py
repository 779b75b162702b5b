"""Folders of DICOM files go through the intake of C-STORE, each file once."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmwrite
from typer.testing import CliRunner

from db import frontals, links, studies
from db.engine import Database, connect
from db.records import StudyState
from node.__main__ import app
from tests.db.label_rows import add_report, mine
from tests.nodes import chest


def run(*arguments: object, code: int = 0) -> str:
    """What a command prints."""
    outcome = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert outcome.exit_code == code, outcome.output
    return outcome.stdout


def imported(folder: Path, data: Path, *options: str, code: int = 0) -> dict[str, Any]:
    """What `cxr import dicom --json` says."""
    found: dict[str, Any] = json.loads(run("import", "dicom", folder, "--data", data, "--json", *options, code=code))
    return found


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two patients' studies in folders, one with a lateral view; a text and a CT beside."""
    folder = tmp_path / "archive"
    (folder / "deeper").mkdir(parents=True)
    first = chest(PatientID="P1", AccessionNumber="A1")
    lateral = chest(PatientID="P1", StudyInstanceUID=first.StudyInstanceUID, ViewPosition="LL")
    dcmwrite(folder / "1.dcm", first, enforce_file_format=True)
    dcmwrite(folder / "deeper" / "2.dcm", lateral, enforce_file_format=True)
    dcmwrite(
        folder / "deeper" / "3",
        chest(PatientID="P2", AccessionNumber="A2", ViewPosition="AP"),
        enforce_file_format=True,
    )
    dcmwrite(folder / "ct.dcm", chest(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), enforce_file_format=True)
    (folder / "notes.txt").write_text("none of this is an image")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a node that has not begun yet."""
    return tmp_path / "data"


def database_of(data: Path) -> Database:
    """The node's database."""
    return connect(f"sqlite:///{data / 'cxr.db'}")


def test_files_are_kept_to_learn_from(archive: Path, data: Path) -> None:
    """Each image is stored bit for bit, looked at, and not queued for reading; what is refused says why."""
    said = imported(archive, data, code=1)

    assert (said["read"], said["stored"], said["already_there"], said["refused"]) == (5, 3, 0, 2)
    assert {each["reason"] for each in said["reasons"]} == {
        "it is not DICOM",
        "its SOP class is not taken (CT Image Storage)",
    }
    with database_of(data).read() as connection:
        assert studies.counts(connection) == {StudyState.KEPT: 2}
        assert studies.unsettled_count(connection) == 0
        assert sorted(image.view for image in frontals.images(connection)) == ["AP", "PA"]
        stored = studies.instances(connection)
    assert [each.reason for each in stored if each.reason] == ["not_frontal"]
    assert {each.calling_ae for each in stored} == {"IMPORT"}
    content = (archive / "1.dcm").read_bytes()
    assert any((data / "store" / each.path).read_bytes()[-5000:] == content[-5000:] for each in stored)


def test_begun_again_it_goes_on(archive: Path, data: Path) -> None:
    """What is there is passed over; only what is new is stored."""
    imported(archive, data, code=1)
    dcmwrite(archive / "4.dcm", chest(PatientID="P3"), enforce_file_format=True)

    said = imported(archive, data, code=1)

    assert (said["stored"], said["already_there"], said["refused"]) == (1, 3, 2)


def test_read_has_the_studies_read(archive: Path, data: Path) -> None:
    """With --read they settle as if a modality had sent them, also those that were kept before."""
    imported(archive, data, code=1)

    imported(archive, data, "--read", code=1)

    with database_of(data).read() as connection:
        assert studies.counts(connection) == {StudyState.ARRIVING: 2}
        assert studies.unsettled_count(connection) == 2


def test_reports_that_waited_are_linked(archive: Path, data: Path) -> None:
    """A kept study never settles, so the import links it to the reports that are here."""
    run("import", "dicom", archive / "1.dcm", "--data", data)
    with database_of(data).write() as connection:
        mine(connection, add_report(connection, "2", patient_id="P2"), {})

    imported(archive / "deeper", data)

    with database_of(data).read() as connection:
        (study,) = [each for each in studies.newest(connection, 10) if each.patient_id == "P2"]
        assert links.counts(connection) == {"linked": 1}
        assert study.state is StudyState.KEPT


def test_a_full_disk_ends_it_with_a_sentence(archive: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused file by file for want of room."""
    monkeypatch.setenv("CXR_DICOM__MIN_FREE_MB", str(2**40))
    outcome = CliRunner().invoke(app, ["import", "dicom", str(archive), "--data", str(data)])

    assert outcome.exit_code != 0
    assert "make room and begin again" in str(outcome.exception)


def test_nothing_there(tmp_path: Path, data: Path) -> None:
    """A folder that is missing or empty is a mistake, not a success."""
    outcome = CliRunner().invoke(app, ["import", "dicom", str(tmp_path / "missing"), "--data", str(data)])
    assert "is not there" in str(outcome.exception)
    (tmp_path / "empty").mkdir()
    outcome = CliRunner().invoke(app, ["import", "dicom", str(tmp_path / "empty"), "--data", str(data)])
    assert "no file" in str(outcome.exception)
