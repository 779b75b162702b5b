"""From files into the database: each report once, whatever happens."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db import jobs, reports
from db.engine import Database, connect
from db.records import JobKind
from node.history import importer
from node.history.entry import Entry
from node.history.importer import Tally
from node.hl7.framing import frame
from node.hl7.intake import Intake, Received
from tests.conftest import ROOT
from tests.node.history.readers import NOW, entries, reader
from tests.node.hl7.mllp import oru
from tests.peers.processes import wait_until


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database with the tables of this version."""
    database = connect(migrated_url)
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for files."""
    path = tmp_path / "archive"
    path.mkdir()
    return path


def bring_in(database: Database, *paths: Path, **options: str) -> Tally:
    """Import as the command does."""
    found = reader(**options).read(paths)
    return importer.store(found, database, lambda: NOW, lambda _tally: None)


def counted(tally: Tally) -> tuple[int, int, int, int]:
    """Read, stored, already there, refused."""
    return tally.read, tally.stored, tally.already_there, tally.refused_count


def receive(database: Database, *messages: bytes) -> None:
    """What the listener does with messages."""
    intake = Intake(database=database, accession_from=("OBR-3",), now=lambda: datetime.now(UTC))
    intake.receive([Received(content=message, peer_address="10.0.0.1") for message in messages])


def test_reports_of_all_kinds_are_stored_once(database: Database, folder: Path) -> None:
    """The second import finds them all."""
    (folder / "a.hl7").write_bytes(b"".join(frame(oru(f"M{number}", accession=f"H{number}")) for number in range(300)))
    rows = "".join(f"C{number},Clear lungs {number}.\n" for number in range(300))
    (folder / "b.csv").write_text("accession,findings\n" + rows)
    (folder / "T1.txt").write_text("Clear lungs.")
    (folder / "bad.hl7").write_bytes(oru().replace(b"ORU^", b"ADT^"))

    first, again = bring_in(database, folder), bring_in(database, folder)

    assert counted(first) == (602, 601, 0, 1)
    assert counted(again) == (602, 0, 601, 1)
    with database.read() as connection:
        assert reports.count(connection) == reports.message_count(connection) == 601
        stored = [reports.current(connection, accession) for accession in ("H7", "C7", "T1")]
    assert [report.text for report in stored if report] == ["Clear lungs.", "FINDINGS: Clear lungs 7.", "Clear lungs."]


def test_a_message_that_came_over_mllp_is_not_stored_again(database: Database, folder: Path) -> None:
    """Nor the other way round, whatever the file did to its line ends."""
    kept = oru("M1").replace(b"\r", b"\r\n") + b"\n" + oru("M2").replace(b"\r", b"\n")
    (folder / "kept.hl7").write_bytes(kept)
    receive(database, oru("M1"))

    tally = bring_in(database, folder)
    receive(database, oru("M2"))

    assert counted(tally) == (2, 1, 1, 0)
    with database.read() as connection:
        assert reports.count(connection) == 2


def test_a_row_without_a_time_does_not_outrank_a_message(database: Database, folder: Path) -> None:
    """However late it is imported."""
    receive(database, oru("M1", accession="A1", text="As signed.", at="20100101120000+0000"))
    (folder / "a.csv").write_text("accession,text\nA1,As exported.\n")

    bring_in(database, folder, facility="HOSPITAL")

    with database.read() as connection:
        current = reports.current(connection, "A1")
        assert [each.text for each in reports.versions(connection, "A1")] == ["As exported.", "As signed."]
        assert len(connection.execute(reports.current_versions()).all()) == 1
    assert current
    assert current.text == "As signed."


def test_what_is_new_is_to_be_mined(database: Database, folder: Path) -> None:
    """One job waits for all of it; an import that brings nothing asks for nothing."""
    (folder / "a.csv").write_text("uid,text\n" + "".join(f"{number},x\n" for number in range(300)))
    bring_in(database, folder)
    with database.read() as connection:
        (job,) = jobs.newest(connection, 10)
        newest = reports.count(connection)
    with database.write() as connection:
        held = jobs.claim(connection, kinds=(JobKind.MINE,), owner="test", now=NOW + timedelta(hours=1), lease_s=60)

    bring_in(database, folder)

    with database.read() as connection:
        assert [each.id for each in jobs.newest(connection, 10)] == [job.id]
    assert held
    assert (held.kind, held.subject_id) == (JobKind.MINE, newest)


def test_a_report_that_the_database_refuses_leaves_the_others(database: Database, folder: Path) -> None:
    """Its group is written again, each alone."""
    (folder / "a.csv").write_text("uid,text\n1,a\n2,b\n3,c\n")
    found = entries(folder)
    second = found[1].arrival
    assert second
    object.__setattr__(second, "control_id", None)

    tally = importer.store(found, database, lambda: NOW, lambda _tally: None)

    assert counted(tally) == (3, 2, 0, 1)
    assert tally.refused[importer.NOT_TAKEN].places == [f"{folder / 'a.csv'} line 3"]


def test_places_are_remembered_up_to_a_number() -> None:
    """A million refusals are counted and do not fill the memory."""
    refused = [Entry(place=str(number), refusal="because") for number in range(5000)]

    tally = importer.store(refused, connect("sqlite://"), lambda: NOW, lambda _tally: None)

    assert tally.refused["because"].count == 5000
    assert len(tally.refused["because"].places) == importer.PLACES


def command(data: Path, source: Path) -> Sequence[str]:
    """The import as a process."""
    return [sys.executable, "-m", "node", "reports", "import", str(source), "--data", str(data)]


def test_an_import_killed_at_any_point_is_begun_again(sqlite_database: Database, tmp_path: Path) -> None:
    """Two kills, then it runs to its end: no report is missing, none is there twice, all are to be mined."""
    source, number = tmp_path / "a.hl7", 4000
    source.write_bytes(b"".join(oru(f"M{each}", accession=f"A{each}") for each in range(number)))

    def stored() -> int:
        with sqlite_database.read() as connection:
            return reports.count(connection)

    for enough in (1, 1500):
        with subprocess.Popen(command(tmp_path, source), cwd=ROOT, stderr=subprocess.DEVNULL) as running:
            wait_until(lambda enough=enough: stored() >= enough, timeout_s=60, what="nothing is stored")
            os.kill(running.pid, signal.SIGKILL)
        assert stored() < number
    before = stored()
    done = subprocess.run(command(tmp_path, source), cwd=ROOT, check=True, capture_output=True, text=True)

    assert f"{number} read: {number - before} stored, {before} already there, 0 refused" in done.stdout
    with sqlite_database.read() as connection:
        assert reports.count(connection) == reports.message_count(connection) == number
        assert {job.subject_id for job in jobs.newest(connection, 10)} == {number}
    sqlite_database.close()
    with sqlite3.connect(tmp_path / "cxr.db") as raw:
        assert raw.execute("SELECT count(DISTINCT accession_number) FROM report").fetchone() == (number,)
    raw.close()
