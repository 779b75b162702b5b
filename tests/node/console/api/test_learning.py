"""Models and trainings over HTTP: compared, promoted by what was seen, started, watched, stopped."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from db import comparisons, models, results, snapshots, studies
from db.engine import Connection, Database
from db.tokens import Scope
from node.models import registration
from tests.db.rows import NOW, arrival, prediction, score
from tests.node.console.api.conftest import Program, a_token
from tests.node.console.browser import serving
from tests.node.console.conftest import Clock, console
from tests.testset import write_model

SHA = "ab" * 32
OUTCOME = {"compared": {"images": 12}, "objections": [], "curves": {}}


@pytest.fixture
def administrator(filled: Database, tmp_path: Path) -> Iterator[Program]:
    """A program that acts, over a node where `bad` reads, `good` is a candidate, and there is a snapshot."""
    for version, skill in (("bad", -1), ("good", 1)):
        made = write_model(tmp_path / "made" / version, version=version, skill=skill)
        registration.register(filled, made.path, tmp_path, by="anna", now=NOW)
    with filled.write() as connection:
        models.promote(connection, "bad", by="anna", now=NOW)
        snapshots.register(
            connection, sha256=SHA, folder="set", created_at=NOW, findings=("Mass",), images={}, about={}
        )
    with serving(console(filled, tmp_path, Clock(NOW))) as browser:
        yield Program(browser, a_token(filled, Scope.ADMINISTER))


@pytest.fixture
def watcher(administrator: Program, filled: Database) -> Program:
    """A program that looks."""
    return Program(administrator.browser, a_token(filled, Scope.READ))


def conclude(connection: Connection) -> int:
    """Let the comparison of `good` have an outcome; its number."""
    (asked,) = comparisons.of_candidate(connection, "good", 2)
    comparisons.conclude(connection, asked.id, OUTCOME)
    return asked.id


def test_a_candidate_is_promoted_by_a_comparison(filled: Database, administrator: Program, watcher: Program) -> None:
    """Asked for, looked at, promoted; by another than was seen it is not, and it can be taken back."""
    (offered,) = watcher.get("/snapshots").json()
    asked = [administrator.post("/models/good/comparisons", {"snapshot": offered["sha256"]}) for _ in range(2)]
    early = administrator.post("/models/good/promotion", {"comparison": asked[0].json()[0]["id"]})
    with filled.write() as connection:
        number = conclude(connection)
    (shown,) = watcher.get("/models/good/comparisons").json()
    stale = administrator.post("/models/good/promotion", {"comparison": number, "seen": "m1"})
    promoted = administrator.post("/models/good/promotion", {"comparison": number, "seen": "bad"})
    taken_back = administrator.post("/models/rollback", {"seen": "good", "reason": "a lesson"})

    assert [(each.status, len(each.json())) for each in asked] == [(202, 1), (202, 1)]
    assert (shown["current"], shown["outcome"]) == ("bad", OUTCOME)
    assert [early.status, stale.status] == [409, 409]
    assert stale.json()["detail"] == "The comparison is of other models; look again."
    assert (promoted.status, promoted.json()["over"], promoted.json()["compared"]) == (200, "bad", {"images": 12})
    assert taken_back.json() == {"from": "good", "to": "bad", "reason": "a lesson"}


def test_a_model_beside_the_one_that_reads_on_live_images(
    filled: Database, administrator: Program, watcher: Program
) -> None:
    """Of the days asked for; the model that reads has nobody beside it."""
    long_ago = NOW - timedelta(days=1)
    with filled.write() as connection:
        studies.record_arrival(connection, arrival(9, study_instance_uid="2.25.9", received_at=long_ago), long_ago)
        for instance in studies.instances(connection):
            for version, probability in (("bad", 0.1), ("good", 0.9)):
                said = prediction(instance.id, version, scores=[score(probability)])
                results.add_prediction(connection, said, NOW)
    today, two_days = (watcher.get(f"/models/good/live{days}").json() for days in ("", "?days=2"))
    alone = watcher.get("/models/bad/live")

    assert (today["current"], today["other"], today["state"], today["waiting"]) == ("bad", "good", "candidate", 0)
    assert [(each["finding"], each["images"], each["only_second"]) for each in today["findings"]] == [("Mass", 1, 1)]
    assert [(each["images"], each["share"]) for each in two_days["findings"]] == [(2, 0.0)]
    assert (alone.status, alone.json()["detail"][:37]) == (400, "There are no two models to compare; l")
    assert watcher.get("/models/none/live").status == 404


def test_what_cannot_be_compared_is_said(administrator: Program) -> None:
    """The one that reads, another snapshot, no such model."""
    with_itself = administrator.post("/models/bad/comparisons", {"snapshot": SHA})
    unknown = administrator.post("/models/good/comparisons", {"snapshot": "cd" * 32})

    assert [with_itself.status, unknown.status] == [400, 400]
    assert unknown.json()["detail"] == "There is no such snapshot, or no other model that reads."
    assert administrator.post("/models/none/comparisons", {"snapshot": SHA}).status == 404


def test_a_training_is_started_watched_and_stopped(administrator: Program, watcher: Program, tmp_path: Path) -> None:
    """With its curves; the second who stops it is told, and it can go on."""
    started = administrator.post("/trainings", {"method": "upper", "snapshot": SHA, "target": "sensitivity 0.80"})
    version = started.json()["version"]
    (tmp_path / "trainings" / version).mkdir(parents=True)
    epoch = {"event": "epoch", "epoch": 0, "validation_auc": 0.61, "validation_stratified_auc": 0.72}
    (tmp_path / "trainings" / version / "metrics.jsonl").write_text(f"{json.dumps(epoch)}\n")
    shown = watcher.get(f"/trainings/{version}").json()
    acts = [administrator.post(f"/trainings/{version}/{act}") for act in ("stop", "stop", "go-on", "go-on")]
    (listed,) = watcher.get("/trainings").json()["items"]

    assert (started.status, version) == (201, "2026-03-14-upper")
    assert started.json()["arguments"] == ["--tune", "upper", "--copies", "6", "--sensitivity", "0.8"]
    assert (shown["state"], shown["curves"]["fair"]) == ("waiting", [[1.0, 0.72]])
    assert [each.status for each in acts] == [202, 409, 202, 409]
    assert (acts[0].json()["state"], listed["state"]) == ("stopped", "waiting")
    assert watcher.get("/trainings/none").json()["detail"] == "There is no training of this name."


@pytest.mark.parametrize(
    ("what", "status", "sentence"),
    [
        ({"method": "regions"}, 400, "Name a snapshot, or the findings"),
        ({"method": "none", "snapshot": SHA}, 400, "There is no method"),
        ({"method": "upper", "snapshot": SHA, "version": "good"}, 409, "There is a model or a training"),
        ({"method": "upper", "snapshot": SHA, "target": "all"}, 400, "There is no target 'all'; there are"),
    ],
)
def test_what_cannot_be_started_is_said(
    administrator: Program, what: dict[str, str], status: int, sentence: str
) -> None:
    """In a sentence."""
    answer = administrator.post("/trainings", what)

    assert (answer.status, answer.json()["detail"][: len(sentence)]) == (status, sentence)
