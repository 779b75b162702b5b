"""The pages of trainings: started, watched, stopped."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import audit, jobs, snapshots, training_runs
from db.engine import Database
from db.learning_records import RunState
from db.records import JobKind, JobState
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console
from tests.node.console.test_models import sent

SHA = "ab" * 32


@pytest.fixture
def administrator(database: Database, tmp_path: Path) -> Iterator[Browser]:
    """A browser in which an administrator is logged in, over a node with a snapshot."""
    with database.write() as connection:
        snapshots.register(
            connection, sha256=SHA, folder="set", created_at=NOON, findings=("Mass",), images={}, about={}
        )
    with serving(console(database, tmp_path)) as client:
        client.log_in("administrator", PASSWORD)
        yield client


def test_a_training_is_started_from_the_page(database: Database, administrator: Browser) -> None:
    """Its version is the day's; what it was started with, and by whom, is kept."""
    before = administrator.get("/trainings").text
    answer = sent(administrator, "/trainings", "/trainings", snapshot=SHA, method="upper", target="sensitivity 0.80")

    assert "No training was started yet" in before
    assert (answer.status, answer.headers["location"]) == (303, "/trainings/2026-03-01-upper")
    with database.read() as connection:
        (run,) = training_runs.newest(connection, 5)
        (job,) = jobs.newest(connection, 5)
        entry = audit.newest(connection, 1)[0]
    assert run.arguments == ("--tune", "upper", "--copies", "6", "--sensitivity", "0.8")
    assert (run.snapshot, run.wanted, run.started_by, job.kind) == (SHA, (), "administrator", JobKind.TRAIN)
    assert (entry.actor, entry.action, entry.subject) == ("administrator", "training.start", run.version)


def test_a_training_of_what_is_here_now(database: Database, administrator: Browser) -> None:
    """Its snapshot is made of the findings that were ticked."""
    form = {"method": "regions", "version": "spring", "finding-Mass": "yes", "finding-Effusion": "yes"}
    sent(administrator, "/trainings", "/trainings", **form)

    with database.read() as connection:
        (run,) = training_runs.newest(connection, 5)
    assert (run.snapshot, set(run.wanted)) == (None, {"Mass", "Effusion"})
    assert "is made first" in administrator.get("/trainings/spring").text


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"method": "regions"}, "Name a snapshot, or the findings"),
        ({"method": "none", "snapshot": SHA}, "There is no method"),
        ({"method": "upper", "snapshot": SHA, "version": "a/b"}, "A version has up to 64"),
        ({"method": "upper", "snapshot": SHA, "version": "spring"}, "of the version spring already"),
        ({"method": "upper", "snapshot": "cd"}, "There is no such snapshot"),
    ],
)
def test_what_cannot_be_started_is_said(administrator: Browser, form: dict[str, str], sentence: str) -> None:
    """On the page, with its form."""
    sent(administrator, "/trainings", "/trainings", method="upper", snapshot=SHA, version="spring")

    answer = sent(administrator, "/trainings", "/trainings", **form)

    assert answer.status == 409
    assert sentence in answer.text
    assert "Start a training" in answer.text


def test_a_training_is_watched(database: Database, administrator: Browser, tmp_path: Path) -> None:
    """The page shows how far it is and its curves, and renews itself until it has ended."""
    sent(administrator, "/trainings", "/trainings", method="upper", snapshot=SHA, version="spring")
    waiting = administrator.get("/trainings/spring").text
    with database.write() as connection:
        job = jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOON, lease_s=60)
    folder = tmp_path / "trainings" / "spring"
    folder.mkdir(parents=True)
    (folder / "progress.json").write_text(json.dumps({"what": "Epoch 2 of at most 3", "done": 9, "total": 12}))
    steps = [{"event": "step", "step": number, "loss": 2 / number} for number in range(1, 10)]
    epoch = {"event": "epoch", "epoch": 0, "validation_auc": 0.6, "validation_stratified_auc": 0.7, "minutes_left": 3.5}
    lines = [json.dumps(event) for event in (*steps, epoch)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + '\n{"event": "step", "st')  # one is being written
    running = administrator.get("/trainings/spring/progress").text
    assert job is not None
    with database.write() as connection:
        jobs.end(connection, job, state=JobState.FAILED, now=NOON, error="The disk is full.")
    failed = administrator.get("/trainings/spring").text

    assert "It begins when" in waiting
    assert "Epoch 2 of at most 3: 9 of 12; the epochs that may come take 3.5 minutes" in running
    assert '<th scope="row">9</th><td class="number">0.222</td>' in running
    assert '<th scope="row">1</th><td class="number">0.700</td><td class="number">0.600</td>' in running
    assert 'hx-trigger="every 2s"' in running
    assert "The disk is full." in failed
    assert 'hx-trigger="every 2s"' not in failed
    assert "Go on" in failed


def test_two_people_stop_a_training(database: Database, administrator: Browser) -> None:
    """The second is told; then it goes on, once."""
    sent(administrator, "/trainings", "/trainings", method="upper", snapshot=SHA, version="spring")
    page = "/trainings/spring"

    stops = [sent(administrator, page, f"{page}/stop") for _ in range(2)]
    goes = [sent(administrator, page, f"{page}/go-on") for _ in range(2)]

    assert [each.status for each in (*stops, *goes)] == [303, 409, 303, 409]
    assert "somebody has stopped it" in stops[1].text
    with database.read() as connection:
        assert training_runs.newest(connection, 1)[0].state is RunState.WAITING


def test_a_training_whose_folder_is_gone(database: Database, administrator: Browser) -> None:
    """The page says so; an unknown one is not here."""
    sent(administrator, "/trainings", "/trainings", method="upper", snapshot=SHA, version="spring")
    with database.write() as connection:
        training_runs.tell(connection, 1, {"what": "Measuring", "done": 1, "total": 2})

    assert "Its folder is gone" in administrator.get("/trainings/spring").text
    assert administrator.get("/trainings/none").status == 404
