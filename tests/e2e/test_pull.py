"""`cxr pull` from Orthanc, by each of its protocols."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import JPEGLSLossless, generate_uid
from typer.testing import CliRunner

from db import studies
from db.records import StudyState
from node.__main__ import app
from node.wiring import Node
from tests.nodes import StartNode, chest
from tests.peers.orthanc import Orthanc

PROTOCOLS = ("cget", "cmove", "dicomweb")


def file_of(ds: FileDataset) -> bytes:
    """A data set as a DICOM file."""
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def data_set_of(file: bytes) -> bytes:
    """What comes after the File Meta Information."""
    ds_begin = 132 + 12 + int.from_bytes(file[140:144], "little")
    return file[ds_begin:]


def settings_file(folder: Path, orthanc: Orthanc, node: Node, protocol: str) -> Path:
    """The running node's settings with Orthanc as a source."""
    source = {"ae_title": "ORTHANC", "host": orthanc.host, "port": orthanc.port}
    if protocol == "dicomweb":
        source = {"url": orthanc.dicomweb_url}
    lines = [f"data = {str(folder / 'data')!r}", "[dicom]", "min_free_mb = 0", "[study]", "quiet_s = 0"]
    lines += ["[[sources]]", 'name = "archive"', f"protocol = {protocol!r}", "studies_per_minute = 100000"]
    lines += [f"{key} = {value!r}" for key, value in source.items()]
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
    orthanc.add_modality("node", ae_title="CXRNODE", port=node.scp.port)
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
    config = settings_file(tmp_path, orthanc, node, protocol)

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
        assert data_set_of(kept) == data_set_of(orthanc.file(each.sop_instance_uid))
