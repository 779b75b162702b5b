"""`cxr status, studies, instances, jobs, results, retry, config, models, migrate`: on an empty and on a filled node."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from db import jobs, processes
from db.engine import Database, connect
from db.processes import Process
from db.records import JobKind, JobState, StudyState
from node.__main__ import app
from node.process.clock import utc_now
from tests.db.rows import NOW
from tests.nodes import StartNode, chest, push, wait_for_study
from tests.peers.pacs import StorageScp

LISTS = ("status", "studies", "instances", "jobs", "results")


def cxr(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def parsed(*arguments: object) -> Any:
    """Its output as JSON."""
    outcome = cxr(*arguments)
    assert outcome.exit_code == 0, outcome.output
    return json.loads(outcome.stdout)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """The data folder of a node that has received nothing."""
    assert cxr("migrate", "--data", tmp_path).exit_code == 0
    return tmp_path


@pytest.fixture
def filled(start_node: StartNode, pacs: StorageScp) -> tuple[Path, Any]:
    """The data folder of a node that has read and delivered one study, and that study's image."""
    node = start_node(pacs=pacs)
    ds = chest()
    push(node, ds)
    assert pacs.wait_for(3)
    wait_for_study(node, ds, StudyState.READ)
    node.stop()
    return node.settings.data, ds


@pytest.mark.parametrize("name", LISTS)
def test_empty_node_has_empty_lists(name: str, empty: Path):
    """On a new node every list is empty, says so in words, and parses as JSON."""
    shown = cxr(name, "--data", empty)

    assert (shown.exit_code, bool(shown.output.strip())) == (0, True)
    found = parsed(name, "--data", empty, "--json")
    assert (found["studies"] if name == "status" else found) in ([], {})


@pytest.mark.parametrize("name", LISTS)
def test_unmigrated_database_is_one_plain_sentence(name: str, tmp_path: Path):
    """A database of an older version says to migrate."""
    (tmp_path / "cxr.db").touch()

    assert "run cxr migrate" in str(cxr(name, "--data", tmp_path).exception)


def test_schema_is_stepped_back_and_brought_up_again(empty: Path):
    """As a person does who goes back to an older version; other commands then say what to do."""
    back = cxr("migrate", "--back-to", "0018", "--yes", "--data", empty)
    status = cxr("status", "--data", empty)
    up = cxr("migrate", "--data", empty)

    assert (back.exit_code, "is at revision 0018" in back.output) == (0, True)
    assert "at revision 0018" in str(status.exception)
    assert (up.exit_code, cxr("status", "--data", empty).exit_code) == (0, 0)


@pytest.mark.parametrize("revision", ["0000", "head", "-1"])
def test_schema_is_stepped_back_to_what_there_is(revision: str, empty: Path):
    """A revision that is none is refused with those that there are."""
    assert "there are 0001, " in str(cxr("migrate", "--back-to", revision, "--yes", "--data", empty).exception)


def test_schema_is_not_stepped_back_under_a_running_node(empty: Path):
    """Its processes would work on tables that are not there."""
    database = connect(f"sqlite:///{empty / 'cxr.db'}")
    words = {"key": "a", "roles": "scp", "host": "h", "pid": 1, "version": "1", "started_at": NOW, "beat_at": utc_now()}
    with database.write() as connection:
        processes.beat(connection, Process(**words))
    database.close()

    assert "1 processes" in str(cxr("migrate", "--back-to", "0018", "--yes", "--data", empty).exception)


@pytest.mark.parametrize("name", ["migrate", "status"])
def test_schema_of_a_newer_version_is_one_plain_sentence(name: str, empty: Path):
    """Who installed an older version without stepping back is told how to."""
    with sqlite3.connect(empty / "cxr.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    assert "a newer version made" in str(cxr(name, "--data", empty).exception)


@pytest.mark.parametrize("name", LISTS)
def test_folder_without_a_node_is_said_and_not_made(name: str, tmp_path: Path):
    """A mistyped folder is named in the answer, and is not there afterwards."""
    typo = tmp_path / "dta"

    assert "no node has worked in" in str(cxr(name, "--data", typo).exception)

    assert not typo.exists()


def test_filled_node_shows_all_there_is(filled: tuple[Path, Any]):
    """Study, instance, jobs and results of a read study are shown, and agree."""
    data, ds = filled

    (study,) = parsed("studies", "--data", data, "--json")
    (instance,) = parsed("instances", "--data", data, "--json")
    found = parsed("jobs", "--data", data, "--json")
    results = parsed("results", "--data", data, "--json")
    status = parsed("status", "--data", data, "--json")

    assert (study["study_instance_uid"], study["state"]) == (ds.StudyInstanceUID, "read")
    assert (study["progress"], study["calling_ae"]) == ("sent", instance["calling_ae"])
    assert study["findings"] == _found(data)
    assert instance["sop_instance_uid"] == ds.SOPInstanceUID
    assert {job["kind"]: job["state"] for job in found} == {"read": "done", "deliver": "done"}
    assert [each["deliveries"][0]["state"] for each in results] == ["sent"] * 3
    assert status["studies"] == {"read": 1}
    assert status["jobs"] == {"deliver.done": 1, "read.done": 1}
    assert status["deliveries"] == {"pacs.sent": 3}
    assert cxr("instances", "--data", data, "--uids").stdout == f"{ds.SOPInstanceUID}\n"
    assert len(cxr("results", "--data", data, "--uids").stdout.split()) == 3
    assert parsed("results", "--data", data, "--json", "--limit", "1") == results[-1:]
    assert cxr("jobs", "--data", data, "--unfinished-count").stdout == "0\n"
    for name in LISTS:
        assert cxr(name, "--data", data).exit_code == 0


def _found(data: Path) -> dict[str, float]:
    """What the only prediction says is at or above its operating point."""
    with connect(f"sqlite:///{data / 'cxr.db'}").read() as connection:
        (scores,) = connection.exec_driver_sql("SELECT scores FROM prediction").scalars()
    return {
        score["finding"]: score["probability"]
        for score in json.loads(scores)
        if score["probability"] >= score["operating_point"]
    }


def test_failed_job_is_queued_again_by_its_number(filled: tuple[Path, Any]):
    """`cxr retry` puts a failed job back, once, and says so."""
    data, _ = filled
    database = connect(f"sqlite:///{data / 'cxr.db'}")
    job_id = _fail_a_job(database)
    database.close()

    first, second = (cxr("retry", job_id, "--data", data) for _ in range(2))

    assert (first.exit_code, first.stdout) == (0, f"Queued again: {job_id}\n")
    assert "no such job is failed or dead" in str(second.exception)
    assert cxr("jobs", "--data", data, "--unfinished-count").stdout == "1\n"


def test_all_failed_jobs_are_queued_again(empty: Path):
    """With their numbers, for machines."""
    database = connect(f"sqlite:///{empty / 'cxr.db'}")
    job_id = _fail_a_job(database)
    database.close()

    assert parsed("retry", "--all", "--data", empty, "--json") == [job_id]


def _fail_a_job(database: Database) -> int:
    with database.write() as connection:
        jobs.add(connection, kind=JobKind.READ, subject_id=1, revision=9, now=NOW)
        job = jobs.claim(connection, kinds=[JobKind.READ], owner="x", now=NOW, lease_s=1)
        assert job is not None
        jobs.end(connection, job, state=JobState.FAILED, now=NOW, error_code="undecodable", error="Broken.")
        return job.id


@pytest.mark.parametrize("arguments", [(), ("3", "--all")], ids=str)
def test_retry_wants_one_job_or_all(arguments: tuple[str, ...], empty: Path):
    """A retry of nothing in particular is not guessed at."""
    assert "name one job, or give --all" in str(cxr("retry", *arguments, "--data", empty).exception)


def test_models_shows_the_shipped_one_in_service(empty: Path):
    """On a new node the shipped model reads."""
    (model,) = parsed("models", "list", "--data", empty, "--json")

    assert (model["state"], model["promoted_by"]) == ("current", "installation")
    assert cxr("models", "list", "--data", empty).exit_code == 0


def test_config_shows_every_setting_and_no_secret(tmp_path: Path):
    """Every setting is shown, those of peers and destinations too; the database's password is not."""
    file = tmp_path / "node.toml"
    file.write_text(
        'database.url = "postgresql://node:s3cret@db/cxr"\n'
        '[[destinations]]\nname = "pacs"\nae_title = "P"\nhost = "h"\nport = 1\n'
    )

    shown = cxr("config", "show", "--config", file)
    values = parsed("config", "show", "--config", file, "--json")

    named = set(re.findall(r"^([a-z_0-9\[\].]+)", shown.output, re.MULTILINE))
    assert "s3cret" not in shown.output + json.dumps(values)
    assert values["database"]["url"] == "**********"
    assert {f"dicom.{key}" for key in values["dicom"] if key != "peers"} <= named
    assert {f"destinations[0].{key}" for key in values["destinations"][0]} <= named
    assert {"host", "data", "dicom.peers[0].ae_title", "study.quiet_s"} <= named


def test_one_study_is_shown_and_sent_again(filled: tuple[Path, Any]):
    """What its page has; a second asking is told."""
    data, ds = filled
    uid = ds.StudyInstanceUID

    shown = parsed("studies", "show", uid, "--data", data, "--json")
    first = parsed("studies", "send", uid, "--to", "pacs", "--data", data, "--json")
    second = parsed("studies", "send", uid, "--to", "pacs", "--data", data, "--json")
    again = parsed("studies", "read", uid, "--data", data, "--json")

    assert [each["what"] for each in shown["events"]][:2] == ["Received", "Settled"]
    assert "Sent to pacs" in cxr("studies", "show", uid, "--data", data).output
    assert (first["changed"], second["changed"], again["changed"]) == (True, False, True)
    assert "no study has this UID" in str(cxr("studies", "show", "1.2.3", "--data", data).exception)
