"""The pages of the system."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from db import audit, audit_sending, jobs, processes, studies
from db.engine import Database
from db.processes import Process
from db.records import JobState
from node.console import system
from node.process.heartbeat import SILENT
from tests.db.rows import NOW, add_job, add_study, arrival, claimed, later
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import PASSWORD, Clock, console
from tests.nodes import destination
from tests.peers.pacs import StorageScp


@pytest.fixture
def clock() -> Clock:
    """The time of the rows."""
    return Clock(NOW)


@pytest.fixture
def administrator(client: Browser) -> Browser:
    """A browser in which the administrator is logged in."""
    client.log_in("administrator", PASSWORD)
    return client


def a_process(pid: int = 7, **values: Any) -> Process:
    """A process that was just heard of."""
    usual: dict[str, Any] = {
        "key": f"{pid}",
        "roles": "work",
        "host": "reader1",
        "pid": pid,
        "version": "0.1.0",
        "started_at": NOW,
        "beat_at": NOW,
    }
    return Process(**usual | values)


def dead(database: Database, number: int = 1) -> list[int]:
    """So many dead jobs."""
    with database.write() as connection:
        study_id = add_study(connection)
        found = [add_job(connection, study_id, revision) for revision in range(1, number + 1)]
        connection.exec_driver_sql("UPDATE job SET state = 'dead', error_code = 'fault', error = 'It broke.'")
    return found


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172800, "2 d"), (-5, "0 s")],
)
def test_an_age_is_in_the_largest_unit_that_fits(seconds: int, words: str) -> None:
    """Two of a unit or more."""
    assert system.age(timedelta(seconds=seconds)) == words


def test_processes_are_shown_with_what_they_work_on(database: Database, administrator: Browser) -> None:
    """By host and number; one that is not heard of any more is marked."""
    with database.write() as connection:
        add_job(connection, add_study(connection))
        job = claimed(connection, owner="reader1:7:140")
        processes.beat(connection, a_process())
        processes.beat(connection, a_process(71, beat_at=NOW - SILENT - timedelta(seconds=1)))
    page = administrator.get("/system").text

    mine, other = page.split("<td>reader1</td>")[1:]
    assert f"read {job.id}" in mine
    assert "silent" not in mine
    assert "silent" in other


def test_queues_are_shown_with_their_age(database: Database, administrator: Browser) -> None:
    """Of the oldest job that could run."""
    with database.write() as connection:
        study_id = add_study(connection)
        add_job(connection, study_id, now=later(-3 * 3600))
        add_job(connection, study_id, 2)

    assert '<th scope="row">read</th><td>queued</td><td class="number">2</td><td class="number">3 h</td>' in (
        administrator.get("/system").text
    )


def test_a_dead_job_runs_again_when_an_administrator_asks(database: Database, administrator: Browser) -> None:
    """With who asked in the audit log; the second to ask is told."""
    (job_id,) = dead(database)
    page = administrator.get("/system/jobs")
    form = {"job": str(job_id), "form_token": page.form_token}
    first, second = administrator.post("/system/jobs/retry", form), administrator.post("/system/jobs/retry", form)

    assert "It broke." in page.text
    assert "Queued again: 1 job." in first.text
    assert "Somebody was faster" in second.text
    with database.read() as connection:
        assert jobs.get(connection, job_id).state is JobState.QUEUED
        (entry,) = audit.found(connection, 9, action="job.retry")
    assert (entry.actor, entry.subject, entry.detail) == ("administrator", f"job {job_id}", {"jobs": [job_id]})


def test_all_dead_jobs_run_again_at_once(database: Database, administrator: Browser) -> None:
    """Those of other pages too."""
    dead(database, 60)
    page = administrator.get("/system/jobs")
    older = administrator.get("/system/jobs?before=11")
    answer = administrator.post("/system/jobs/retry", {"job": "all", "form_token": page.form_token})

    assert page.text.count(">Run again<") == 50
    assert "/system/jobs?before=11" in page.text
    assert older.text.count(">Run again<") == 10
    assert "Queued again: 60 jobs." in answer.text


def test_a_viewer_sees_dead_jobs_and_has_no_button(database: Database, client: Browser) -> None:
    """Nor would it do anything."""
    dead(database)
    client.log_in("viewer", PASSWORD)
    page = client.get("/system/jobs")

    assert "It broke." in page.text
    assert "Run again" not in page.text
    assert "/system/audit" not in page.text
    assert client.post("/system/jobs/retry", {"job": "1", "form_token": page.form_token}).status == 403


@pytest.fixture
def with_pacs(
    database: Database, pacs: StorageScp, settings_options: Callable[..., dict[str, Any]], tmp_path: Path
) -> Iterator[Browser]:
    """An administrator's browser at a console whose node has a destination."""
    options = {"reading.model": settings_options()["reading.model"], "destinations": [destination(pacs)]}
    with serving(console(database, tmp_path, Clock(NOW), **options)) as client:
        client.log_in("administrator", PASSWORD)
        yield client


def test_a_destination_is_tried_with_a_synthetic_patient(
    with_pacs: Browser, pacs: StorageScp, database: Database
) -> None:
    """What became of each object is shown; a real study stays where it is."""
    page = with_pacs.get("/system/destinations")
    answer = with_pacs.post("/system/destinations/test", {"name": "pacs", "form_token": page.form_token})
    unknown = with_pacs.post("/system/destinations/test", {"name": "other", "form_token": page.form_token})

    assert f"PACS@127.0.0.1:{pacs.port}" in page.text
    assert "It took all objects." in answer.text
    assert {str(ds.PatientName) for ds in pacs.datasets()} == {"PHANTOM^CHEST"}
    assert unknown.status == 404
    with database.read() as connection:
        assert [each.subject for each in audit.found(connection, 9, action="destination.test")] == ["pacs"]


def test_callers_are_shown_allowed_seen_and_refused(database: Database, administrator: Browser) -> None:
    """Who may, who did lately, who was turned away and how often."""
    with database.write() as connection:
        for number, ae in enumerate(("DX1", "DX1", "DX2"), 1):
            studies.record_arrival(connection, arrival(number, calling_ae=ae, received_at=later(number)), NOW)
        detail = {"reason": "unknown calling AE title", "repeated": 41}
        audit.append(
            connection, actor="SCANNER", action="association.reject", subject="10.9.9.9", now=NOW, detail=detail
        )
    page = administrator.get("/system/callers").text

    assert page.index("DX2") < page.index("DX1")
    assert '<td class="number">2</td>' in page
    assert "10.9.9.9</td><td>unknown calling AE title</td>" in page
    assert '<td class="number">41</td>' in page


def test_the_audit_log_is_chosen_from_paged_and_verified(database: Database, administrator: Browser) -> None:
    """Its own view is in it."""
    with database.write() as connection:
        for number in range(60):
            audit.append(connection, actor="anna", action="study.view", subject=f"2.25.{number}", now=NOW)
    page = administrator.get("/system/audit?actor=anna")
    older = administrator.get("/system/audit?actor=anna&before=12")
    one = administrator.get("/system/audit?subject=2.25.7")
    chain = administrator.get("/system/audit/verification")

    assert page.text.count("<td>anna</td>") == 50
    assert "actor=anna&amp;before=" in page.text
    assert older.text.count("<td>anna</td>") <= 12
    assert one.text.count("<td>anna</td>") == 1
    assert "entries, as they were written" in chain.text
    with database.read() as connection:
        assert len(audit.found(connection, 9, action="audit.view")) == 3


def test_a_changed_entry_is_named(database: Database, administrator: Browser) -> None:
    """By its number."""
    with database.write() as connection:
        audit.append(connection, actor="anna", action="study.view", subject="2.25.1", now=NOW)
        connection.exec_driver_sql("UPDATE audit SET actor = 'berta' WHERE actor = 'anna'")

    assert "The audit log is broken at entry 2:" in administrator.get("/system/audit/verification").text


def test_the_audit_page_says_what_has_not_been_sent(database: Database, tmp_path: Path, clock: Clock) -> None:
    """How much, since when, and what the last try came to; of a node that sends it nowhere, nothing."""
    with database.write() as connection:
        audit_sending.begin(connection, NOW)
        audit_sending.claim(connection, "a", NOW)
        audit_sending.advance(connection, "a", 0, NOW, "the audit collector siem:514 does not answer")
    with serving(console(database, tmp_path, clock, **{"audit.syslog": "siem:514"})) as sending:
        sending.log_in("administrator", PASSWORD)
        told = sending.get("/system/audit").text
    with serving(console(database, tmp_path, clock)) as keeping:
        keeping.log_in("administrator", PASSWORD)
        untold = keeping.get("/system/audit").text

    assert "1 entry waits for siem:514, the oldest since" in told
    assert "The last try: the audit collector siem:514 does not answer." in told
    assert "siem" not in untold


def test_settings_are_shown_without_their_secrets(database: Database, tmp_path: Path) -> None:
    """With what each means, and the libraries that run."""
    secret = {"broker.url": "redis://:a-secret@10.0.0.1/0"}
    with serving(console(database, tmp_path, Clock(NOW), **secret)) as client:
        client.log_in("administrator", PASSWORD)
        page = client.get("/system/settings").text

    assert "dicom.max_associations" in page
    assert "Open associations in all" in page
    assert "pynetdicom" in page
    assert "a-secret" not in page


@pytest.mark.parametrize("path", ["/system/jobs", "/system/destinations", "/system/callers"])
def test_a_page_with_nothing_on_it_says_what_to_do(client: Browser, path: str) -> None:
    """Or that all is well."""
    client.log_in("viewer", PASSWORD)

    assert 'class="empty"' in client.get(path).text
