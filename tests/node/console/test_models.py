"""The pages of models: what they show, and what an administrator does there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db import audit, backlog, models, people, results, snapshots, studies
from db.engine import Database
from db.learning_records import ModelState
from db.people_records import Role
from db.records import JobKind
from tests import candidates
from tests.db.rows import arrival, prediction, score
from tests.node.console.browser import Answer, Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console
from tests.working import worker_of


@pytest.fixture
def data(tmp_path: Path, database: Database, password_hash: str) -> Path:
    """A node's data folder: `bad` reads, `good` is a candidate, and there is a snapshot of twelve test patients."""
    folder = tmp_path / "data"
    candidates.register(database, folder, tmp_path / "made", NOON)
    with database.write() as connection:
        people.add(connection, name="berta", password_hash=password_hash, role=Role.ADMINISTRATOR, now=NOON)
    return folder


@pytest.fixture
def first(database: Database, data: Path) -> Iterator[Browser]:
    """A browser in which an administrator is logged in."""
    with serving(console(database, data)) as client:
        client.log_in("administrator", PASSWORD)
        yield client


@pytest.fixture
def second(first: Browser) -> Browser:
    """Another administrator's."""
    client = Browser(first.port)
    client.log_in("berta", PASSWORD)
    return client


def sent(client: Browser, page: str, action: str, **form: str) -> Answer:
    """Send a form of a page."""
    return client.post(action, form | {"form_token": client.get(page).form_token})


def compared(database: Database, data: Path, client: Browser, version: str = "good") -> None:
    """Ask for a comparison, and let a worker make it."""
    with database.read() as connection:
        (snapshot,) = snapshots.newest(connection)
    asked = sent(client, f"/models/{version}", f"/models/{version}/compare", snapshot=snapshot.sha256)
    assert asked.status == 303
    handler = candidates.comparing(database, data)
    assert worker_of(database, JobKind.COMPARE, handler, lambda: NOON).run_one([JobKind.COMPARE])


def promotion(database: Database, version: str = "good") -> dict[str, str]:
    """What the form of a compared candidate sends."""
    from db import comparisons  # noqa: PLC0415

    with database.read() as connection:
        found = comparisons.of_candidate(connection, version, 1)[0]
    return {"over": found.current, "comparison": str(found.id), "confirmed": "yes"}


def states(database: Database) -> dict[str, ModelState]:
    """Each model's."""
    with database.read() as connection:
        return {each.version: each.state for each in models.every(connection)}


def test_a_model_shows_its_card_beside_the_paper(first: Browser) -> None:
    """Results with intervals, the paper's row, operating points, limits, and who did what with it here."""
    listed, shown = first.get("/models").text, first.get("/models/good").text

    assert listed.index(">bad<") < listed.index(">good<")  # who reads stands first
    for words in ("0.500", "0.000 to 1.000", "0.7362", "It means nothing.", "Not for clinical use", "register", "anna"):
        assert words in shown
    assert first.get("/models/none").status == 404


def test_a_candidate_beside_the_model_that_reads(database: Database, data: Path, first: Browser) -> None:
    """It is waited for, then shown with the interval of the difference and both curves; asked again it is the same."""
    with database.read() as connection:
        (snapshot,) = snapshots.newest(connection)
    sent(first, "/models/good", "/models/good/compare", snapshot=snapshot.sha256)
    waiting = first.get("/models/good/comparison").text
    compared(database, data, first)
    shown = first.get("/models/good").text

    assert 'hx-trigger="every 2s"' in waiting
    assert "12 test images of 12 patients" in shown
    assert "+1.000" in shown
    assert shown.count('class="line line-1"') == 4  # of two findings, each with its legend
    assert 'name="insist"' not in shown


def test_two_administrators_promote_at_once(database: Database, data: Path, first: Browser, second: Browser) -> None:
    """One wins, the other is told that another model reads by now, and the log has it once."""
    compared(database, data, first)
    form = promotion(database)

    answers = [sent(each, "/models/good", "/models/good/promote", **form) for each in (first, second)]

    assert [each.status for each in answers] == [303, 409]
    assert "Another model reads now than before" in answers[1].text
    assert states(database) == {"bad": ModelState.RETIRED, "good": ModelState.CURRENT}
    with database.read() as connection:
        entries = [each for each in audit.newest(connection, 20) if each.action == "model.promote"]
    assert [(each.actor, each.subject, each.detail["over"]) for each in entries] == [("administrator", "good", "bad")]


def test_a_worse_candidate_takes_a_reason(database: Database, data: Path, first: Browser) -> None:
    """Refused, refused without a reason, and promoted by who insists; the reason is in the log."""
    with database.write() as connection:
        models.promote(connection, "good", by="anna", now=NOON)
    compared(database, data, first, "bad")
    form = promotion(database, "bad")
    act = "/models/bad/promote"

    plain = sent(first, "/models/bad", act, **form)
    silent = sent(first, "/models/bad", act, **form, insist="yes")
    unconfirmed = sent(first, "/models/bad", act, **(form | {"confirmed": ""}), insist="yes", reason="a lesson")
    assert states(database)["good"] is ModelState.CURRENT
    insisted = sent(first, "/models/bad", act, **form, insist="yes", reason="a lesson")

    assert [each.status for each in (plain, silent, unconfirmed, insisted)] == [409, 409, 409, 303]
    assert "lies below 0" in plain.text
    assert 'name="insist"' in plain.text
    assert "says why" in silent.text
    assert states(database)["bad"] is ModelState.CURRENT
    with database.read() as connection:
        entry = audit.newest(connection, 1)[0]
    assert (entry.detail["forced"], entry.detail["reason"]) == (True, "a lesson")


def test_a_comparison_of_other_models_promotes_nothing(database: Database, data: Path, first: Browser) -> None:
    """A form that names another candidate's comparison, or one with a model that reads no more."""
    compared(database, data, first)
    form = promotion(database)
    with database.write() as connection:
        models.register(connection, name="tiny", version="third", path="models/third", card={}, now=NOON)

    answer = sent(first, "/models/third", "/models/third/promote", **form)

    assert answer.status == 409
    assert "The comparison is of other models" in answer.text
    assert states(database)["bad"] is ModelState.CURRENT


def test_a_rollback_is_of_the_model_that_one_saw(database: Database, first: Browser, second: Browser) -> None:
    """Two who roll back at once go one back, not two."""
    with database.write() as connection:
        models.promote(connection, "good", by="anna", now=NOON.replace(hour=13))
    form = {"current": "good", "reason": "too many alarms", "confirmed": "yes"}

    answers = [sent(each, "/models", "/models/rollback", **form) for each in (first, second)]

    assert [each.status for each in answers] == [303, 409]
    assert states(database) == {"bad": ModelState.CURRENT, "good": ModelState.CANDIDATE}


def test_a_broken_model_is_not_promoted(database: Database, data: Path, first: Browser) -> None:
    """A sentence says what is broken."""
    compared(database, data, first)
    (data / "models" / "good" / "model.onnx").write_bytes(b"spoilt")

    answer = sent(first, "/models/good", "/models/good/promote", **promotion(database))

    assert answer.status == 409
    assert "SHA-256 differs" in answer.text


def test_a_shadow_beside_live_today(database: Database, first: Browser) -> None:
    """Only studies of today count; switched off, it reads no more."""
    assert sent(first, "/models/good", "/models/good/shadow").status == 303
    empty = first.get("/models").text
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1, received_at=NOON), settle_at=NOON)
        old = NOON.replace(year=2025)
        studies.record_arrival(connection, arrival(2, received_at=old, study_instance_uid="2.25.9"), settle_at=old)
        for instance in studies.instances(connection):
            for version, probability in (("bad", 0.1), ("good", 0.9)):
                said = prediction(instance.id, version, scores=[score(probability)])
                results.add_prediction(connection, said, NOON)
    shown = first.get("/models").text
    sent(first, "/models", "/models/shadow/off")

    assert "No image of today was read by both yet" in empty
    assert '<th scope="row">Mass</th><td class="number">1</td><td class="number">0.0 %</td>' in shown
    assert states(database)["good"] is ModelState.CANDIDATE
    with database.read() as connection:
        assert backlog.unfinished_count(connection, JobKind.SHADOW) == 0


def test_a_model_of_the_settings_is_pointed_out(database: Database, data: Path) -> None:
    """Who promotes while `reading.model` is set is told that it changes nothing."""
    with serving(console(database, data, fixed_model=True)) as client:
        client.log_in("administrator", PASSWORD)

        assert all("reading.model" in client.get(path).text for path in ("/models", "/models/good"))


def test_an_empty_registry_says_what_to_do(database: Database, client: Browser) -> None:
    """Nobody who only looks is offered a button."""
    client.log_in("viewer", PASSWORD)

    shown = client.get("/models").text

    assert "There is no model yet" in shown
    assert shown.count("<form") == 1  # the logout
