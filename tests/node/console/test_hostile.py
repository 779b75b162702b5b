"""Whatever a peer, a RIS or a person calls things: on every page it is text."""

from pathlib import Path
from urllib.parse import quote

from db import audit, backlog, corrections, deliveries, jobs, models, processes, reports, results, studies, tokens
from db.engine import Connection, Database
from db.processes import Process
from db.records import JobState
from db.result_records import DeliveryState
from db.tokens import Scope
from db.vocabulary import Assertion
from tests.db.rows import NOW, add_job, add_result, arrival, message, prediction, record, score
from tests.node.console.browser import serving
from tests.node.console.conftest import PASSWORD, Clock, console
from tests.node.console.test_access import MATRIX

SCRIPT = "<script>alert(1)</script>"
QUOTED = '"><img src=x onerror=alert(2)>'
STUDY = "2.25.1"
VALUES = {
    "{study_uid}": STUDY,
    "{number:int}": "1",
    "{size}": "first",
    "{report_id}": "1",
    "{trial_id}": "1",
    "{version}": quote(QUOTED, safe=""),
    "{name}": "console.css",
}
NOT_THERE = ("/lexicon/", "/trainings/", f"/studies/{STUDY}/")
"""Addresses of what `fill` does not make: trials, trainings, and the files of a study; every other page is shown."""


def fill(connection: Connection) -> None:
    """A study, a report, a job, a delivery, a model, a process, a label and audit entries, all named by an attacker."""
    image = arrival(
        patient_name=f"{SCRIPT}^{QUOTED}", patient_id=QUOTED, accession_number=SCRIPT, calling_ae="<b>AE</b>"
    )
    study = record(connection, image)
    instance = studies.instances(connection, study.id)[0]
    job_id = add_job(connection, study.id, destination=SCRIPT)
    connection.exec_driver_sql("UPDATE job SET state = 'running', owner = 'host:1:1', attempts = 1")
    jobs.end(connection, backlog.running(connection)[0], state=JobState.DEAD, now=NOW, error_code=SCRIPT, error=QUOTED)
    result_id = add_result(connection, study.id, job_id)
    deliveries.add(connection, [result_id], SCRIPT, DeliveryState.REFUSED)
    results.add_prediction(connection, prediction(instance.id, rows=8, columns=8, scores=[score(0.9)]), NOW)
    report = {"source": SCRIPT, "report_key": QUOTED, "accession_number": SCRIPT, "patient_id": QUOTED}
    text = f"There is a mass. {SCRIPT} {QUOTED}"
    reports.record(connection, message(sender=SCRIPT, procedure=f"CHEST {SCRIPT}", text=text, **report))
    corrections.correct(
        connection,
        study_id=study.id,
        finding="Mass",
        assertion=Assertion.POSITIVE,
        before=Assertion.UNMENTIONED,
        actor=SCRIPT,
        reason=QUOTED,
        now=NOW,
    )
    models.register(connection, name=SCRIPT, version=QUOTED, path="models/x", card=_card(), now=NOW)
    models.promote(connection, QUOTED, by=SCRIPT, now=NOW)
    one = Process(key="1", roles=SCRIPT, host=QUOTED, pid=1, version=SCRIPT, started_at=NOW, beat_at=NOW)
    processes.beat(connection, one)
    tokens.add(connection, "t", name=SCRIPT, person_id=1, scopes=[Scope.READ], expires_at=None, now=NOW)
    for action in ("association.reject", "connection.refuse", SCRIPT):
        audit.append(connection, actor=SCRIPT, action=action, subject=QUOTED, now=NOW, detail={"reason": SCRIPT})


def _card() -> dict[str, object]:
    return {"metrics": {"mean_auc": 0.5}}


def test_a_name_with_a_script_is_text_on_every_page(database: Database, tmp_path: Path) -> None:
    """XSS: over every page of the matrix, so that a page that is added is looked at too."""
    with database.write() as connection:
        fill(connection)
    shown = {}
    with serving(console(database, tmp_path, Clock(NOW))) as client:
        client.log_in("administrator", PASSWORD)
        for method, path in MATRIX:
            if method == "GET" and path not in ("/healthz", "/readyz", "/metrics", "/static/{name}"):
                for name, value in VALUES.items():
                    path = path.replace(name, value)  # noqa: PLW2901
                shown[path] = client.get(path)

    assert {path: answer.status for path, answer in shown.items() if answer.status >= 500} == {}
    missed = [path for path, answer in shown.items() if answer.status == 404]
    assert [path for path in missed if not path.startswith(NOT_THERE)] == []
    pages = {path: answer.text for path, answer in shown.items() if "html" in answer.headers.get("content-type", "")}
    assert [path for path, text in pages.items() if "<script>alert" in text] == []
    assert [path for path, text in pages.items() if "<img src=x" in text or "<b>AE" in text] == []
    assert sum("&lt;script&gt;alert(1)" in answer.text for answer in shown.values()) >= 5
