"""kill -9 of a node in the middle of a backlog of reports: each is mined once, and no process is left behind."""

from pathlib import Path

import pytest

from db import backlog, migration, minings, reports
from db.engine import connect
from tests.db.test_reports import message, version
from tests.peers.cluster import Cluster
from tests.peers.processes import free_port, wait_until

REPORTS = 1200


@pytest.mark.timeout(240)
def test_backlog_is_mined_once_over_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A restart goes on after the batch that was written last."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    port = free_port()
    monkeypatch.setenv("CXR_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    database = connect(f"sqlite:///{tmp_path / 'data' / 'cxr.db'}")
    migration.upgrade(database)
    with database.write() as connection:
        for number in range(REPORTS):
            text = f"Nodule of {number} mm. No effusion of {number} ml. Possible mass {number}."
            new = version(f"A{number}", report_key=f"F{number}", text=text, sections=())
            reports.record(connection, message(new, control_id=f"M{number}"))

    def mined() -> int:
        with database.read() as connection:
            return sum(minings.counts(connection).values())

    def unfinished() -> int:
        with database.read() as connection:
            return backlog.unfinished_count(connection)

    node = Cluster(tmp_path, _toml(port))
    try:
        node.start("node")
        wait_until(lambda: mined() > 0, timeout_s=60, what="nothing is mined")
        node.kill("node")
        at_the_kill = mined()
        wait_until(lambda: not _miners_of(tmp_path), timeout_s=20, what="a process that mines was left behind")
        node.start("node")
        wait_until(lambda: mined() == REPORTS and not unfinished(), timeout_s=120, what="reports are left")
    finally:
        node.stop()

    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT count(*), count(DISTINCT report_id) FROM mining").one()
        mentions = connection.exec_driver_sql("SELECT count(*) FROM mention").scalar_one()
    database.close()
    assert 0 < at_the_kill < REPORTS
    assert (tuple(rows), mentions) == ((REPORTS, REPORTS), 3 * REPORTS)


def _miners_of(folder: Path) -> list[Path]:
    """The processes that mine for the node in this folder, known by CXR_DATA, which they inherit."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mines = b"nlp.workers" in (process / "cmdline").read_bytes()
            if mines and str(folder).encode() in (process / "environ").read_bytes():
                found.append(process)
        except OSError:  # it ended while we looked
            continue
    return found


def _toml(port: int) -> str:
    return f"""
[dicom]
port = {port}
min_free_mb = 0
[hl7]
port = 0
[console]
port = 0
[work]
tick_s = 0.05
lease_s = 2
[log]
level = "warning"
"""
