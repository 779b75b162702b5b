"""`cxr pull` from Orthanc, by each of its protocols."""

import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import JPEGLSLossless, generate_uid
from typer.testing import CliRunner

from db import links, studies
from db.engine import connect
from db.records import StudyState
from db.schema import unlinked
from node.__main__ import app
from node.errors import SettingsError
from tests.db.label_rows import add_report
from tests.nodes import StartNode, chest, data_set
from tests.peers.orthanc import Orthanc
from tests.peers.processes import wait_until

STUDIES = 12
ROOT = Path(__file__).parent.parent.parent
PROTOCOLS = ("cget", "cmove", "dicomweb")


def file_of(ds: FileDataset) -> bytes:
    """A data set as a DICOM file."""
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def settings_file(folder: Path, orthanc: Orthanc, protocol: str, **more: Any) -> Path:
    """A node's settings with Orthanc as a source, which answers the questions of those alone whom it knows."""
    orthanc.add_modality("asks", ae_title="CXRNODE", port=1)
    source: dict[str, Any] = {"ae_title": "ORTHANC", "host": orthanc.host, "port": orthanc.port}
    if protocol == "dicomweb":
        source = {"url": orthanc.dicomweb_url}
    lines = [f"data = {str(folder / 'data')!r}", "[dicom]", "min_free_mb = 0", "[study]", "quiet_s = 0"]
    lines += ["[[sources]]", 'name = "archive"', f"protocol = {protocol!r}", "studies_per_minute = 100000"]
    lines += [f"{key} = {value!r}" for key, value in (source | more).items()]
    file = folder / "pull.toml"
    file.write_text("\n".join(lines))
    return file


def pulled(*arguments: str | Path, status: int = 0) -> dict[str, Any]:
    """What `cxr pull --json` says."""
    result = CliRunner().invoke(app, ["pull", *map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == status, result.output
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pull_from_orthanc_keeps_studies_bit_for_bit(
    protocol: str, orthanc: Orthanc, start_node: StartNode, tmp_path: Path
):
    """A study with two images, one compressed, comes as Orthanc has it; the SR in it and a CT do not."""
    node = start_node()
    first = chest(AccessionNumber="A1", StudyInstanceUID=generate_uid())
    second = chest(
        AccessionNumber="A1",
        StudyInstanceUID=first.StudyInstanceUID,
        SeriesInstanceUID=generate_uid(),
        SOPInstanceUID=generate_uid(),
    )
    second.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
    other = chest(AccessionNumber="A2", StudyInstanceUID=generate_uid(), SOPInstanceUID=generate_uid())
    for ds in (first, second, other):
        orthanc.post("/instances", file_of(ds))
    config = settings_file(tmp_path, orthanc, protocol)
    orthanc.add_modality("asks", ae_title="CXRNODE", port=node.scp.port)

    dry = pulled("--accession", "A1", "--dry-run", "--config", config)
    summary = pulled("--accession", "A1", "--config", config)
    again = pulled("--accession", "A1", "--config", config)

    assert dry["would_come"] == 1
    assert dry["studies"][0]["study_instance_uid"] == first.StudyInstanceUID
    assert (summary["brought_in"], summary["new_instances"]) == (1, 2)
    assert (again["here"], again["brought_in"]) == (1, 0)
    with node.database.read() as connection:
        study = studies.find(connection, first.StudyInstanceUID)
        assert study is not None
        instances = studies.instances(connection, study.id)
        assert len(studies.newest(connection, 10)) == 1
    assert study.state == StudyState.KEPT
    for each in instances:
        kept = (tmp_path / "data" / "store" / each.path).read_bytes()
        assert data_set(kept) == data_set(orthanc.file(each.sop_instance_uid))


@pytest.mark.parametrize("protocol", ["cget", "dicomweb"])
def test_killed_pull_goes_on(protocol: str, orthanc: Orthanc, migrated_file: Path, tmp_path: Path):
    """A pull that is killed in the middle is begun again and brings in the rest, each object once."""
    (tmp_path / "data").mkdir()
    database = connect(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'data' / 'cxr.db')}")
    with database.write() as connection:
        for number in range(STUDIES):
            first = chest(PatientID="P1", AccessionNumber=f"A{number}", **uids())
            same = {"PatientID": "P1", "StudyInstanceUID": first.StudyInstanceUID}
            second = chest(AccessionNumber=f"A{number}", **uids() | same)
            for ds in (first, second):
                orthanc.post("/instances", file_of(ds))
            report_id = add_report(connection, str(number))
            connection.execute(unlinked.insert().values(report_id=report_id))
    config = settings_file(tmp_path, orthanc, protocol)

    def here() -> int:
        with database.read() as connection:
            return len(studies.instance_uids(connection))

    command = [sys.executable, "-m", "node", "pull", "--missing", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_until(lambda: here() >= 7, timeout_s=60, what="nothing came")
        finally:
            process.kill()
    between = here()
    summary = pulled("--missing", "--config", config)
    again = pulled("--missing", "--config", config)

    with database.read() as connection:
        assert links.counts(connection) == {"linked": STUDIES}
        assert set(studies.counts(connection)) == {StudyState.KEPT}
        assert len(studies.instances(connection)) == 2 * STUDIES
    assert between < 2 * STUDIES
    assert summary["new_instances"] == 2 * STUDIES - between
    assert again["asked"] == 0
    database.close()


def test_outside_of_its_hours_a_pull_says_when_it_may_run(orthanc: Orthanc, migrated_file: Path, tmp_path: Path):
    """Nothing is asked then, unless a person says now."""
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_file, tmp_path / "data" / "cxr.db")
    begins = datetime.now().astimezone() + timedelta(hours=6)
    hours = f"{begins:%H:%M}-{begins + timedelta(hours=1):%H:%M}"
    config = settings_file(tmp_path, orthanc, "cget", window=hours)

    with pytest.raises(SettingsError, match=f"archive may be asked {hours}, next at {begins:%Y-%m-%d %H:%M}; begin"):
        pulled("--accession", "A1", "--config", config)
    summary = pulled("--accession", "A1", "--now", "--config", config)

    assert summary["not_found"] == 1


def uids() -> dict[str, str]:
    """The UIDs of an object in a study of its own."""
    return {name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
