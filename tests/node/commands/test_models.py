"""`cxr models`: a person looks at models, decides which one reads, and takes it back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from db import audit, models, results, studies
from db.audit import AuditEntry
from db.engine import Database, connect
from db.learning_records import ModelState
from node.__main__ import app
from node.commands import options, promotion
from node.settings import DATABASE_FILE
from tests.db.rows import NOW, arrival, prediction, score
from tests.testset import rows, write_model, write_snapshot
from training.snapshot import Snapshot


@pytest.fixture
def data(tmp_path: Path, sqlite_database: Database) -> Path:
    """A data folder with an empty registry."""
    sqlite_database.close()
    (tmp_path / "data").mkdir()
    (tmp_path / "cxr.db").rename(tmp_path / "data" / DATABASE_FILE)
    return tmp_path / "data"


@pytest.fixture
def cxr(data: Path) -> Callable[..., Result]:
    """Run a command of this registry."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["models", *map(str, arguments), "--data", str(data)])

    return run


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Twelve test patients."""
    return write_snapshot(tmp_path / "set", rows(12))


@pytest.fixture
def two(cxr: Callable[..., Result], tmp_path: Path) -> Path:
    """A model that knows nothing reads, a good one is a candidate; where they were made."""
    for version, skill in (("bad", -1), ("good", 1)):
        made = write_model(tmp_path / "made" / version, version=version, skill=skill)
        assert cxr("register", made.path, "--by", "anna").exit_code == 0
    assert cxr("promote", "bad", "--by", "anna", "--yes").exit_code == 0
    return tmp_path / "made"


def states(data: Path) -> dict[str, ModelState]:
    """Each version's state."""
    with connect(f"sqlite:///{data / DATABASE_FILE}").read() as connection:
        return {model.version: model.state for model in models.every(connection)}


def logged(data: Path) -> AuditEntry:
    """The last entry of an audit log that holds."""
    with connect(f"sqlite:///{data / DATABASE_FILE}").read() as connection:
        assert audit.examine(connection).fault is None
        return audit.newest(connection, 1)[0]


def refused(outcome: Result) -> str:
    """The one sentence of a refusal."""
    assert outcome.exit_code == 1
    return str(outcome.exception)


def test_better_candidate_is_shown_and_promoted(cxr, two: Path, snapshot: Snapshot, data: Path, tmp_path: Path):
    """The table has each finding and the mean of both models; the log has who, what and the numbers."""
    outcome = cxr("promote", "good", "--snapshot", tmp_path / "set" / "snapshot", "--by", "berta", "--yes")

    assert outcome.exit_code == 0, outcome.output
    assert "good beside bad on 12 test images of 12 patients" in outcome.stdout
    assert "The card of bad names no snapshot of this node" in outcome.stdout
    for line in ("Effusion", "Mass", "mean"):
        assert any(each.split()[:1] == [line] and "+1.000 (+1.000 to +1.000)" in each for each in _lines(outcome))
    assert states(data) == {"bad": ModelState.RETIRED, "good": ModelState.CURRENT}
    entry = logged(data)
    assert (entry.actor, entry.action, entry.subject) == ("berta", "model.promote", "good")
    assert entry.detail["over"] == "bad"
    assert entry.detail["compared"]["snapshot"] == snapshot.sha256
    assert entry.detail["compared"]["difference"] == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_worse_candidate_is_refused_unless_forced_with_a_reason(cxr, two: Path, snapshot: Snapshot, data, tmp_path):
    """A person may insist, and the log has why and what was known against it."""
    folder = tmp_path / "set" / "snapshot"
    cxr("promote", "good", "--snapshot", folder, "--yes")

    plain = cxr("promote", "bad", "--snapshot", folder, "--yes")
    without_reason = cxr("promote", "bad", "--snapshot", folder, "--yes", "--force")
    assert states(data)["good"] is ModelState.CURRENT
    forced = cxr("promote", "bad", "--snapshot", folder, "--yes", "--force", "--reason", "for a lesson")

    assert "below 0" in refused(plain)
    assert "--reason" in refused(without_reason)
    assert forced.exit_code == 0
    assert "below 0" in forced.stderr
    assert states(data)["bad"] is ModelState.CURRENT
    entry = logged(data)
    assert (entry.detail["forced"], entry.detail["reason"]) == (True, "for a lesson")
    assert len(entry.detail["objections"]) == 1


def test_nothing_compared_needs_force(cxr, two: Path, data: Path):
    """Without a snapshot the command says that nothing was compared."""
    assert "nothing was compared" in refused(cxr("promote", "good", "--yes"))
    assert states(data)["bad"] is ModelState.CURRENT

    assert cxr("promote", "good", "--yes", "--force", "--reason", "we know it").exit_code == 0
    assert logged(data).detail["compared"] is None


def test_nobody_to_confirm_is_refused(cxr, two: Path, data: Path):
    """A script has to say --yes."""
    outcome = cxr("promote", "good", "--force", "--reason", "x")

    assert "--yes" in refused(outcome)
    assert states(data)["bad"] is ModelState.CURRENT


@pytest.mark.parametrize(("answer", "reads"), [("y\n", "good"), ("n\n", "bad")])
def test_person_is_asked(answer: str, reads: str, two: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    """On a terminal the decision is a person's answer."""
    monkeypatch.setattr(options, "at_a_terminal", lambda: True)
    arguments = ["models", "promote", "good", "--force", "--reason", "x", "--data", str(data)]

    CliRunner().invoke(app, arguments, input=answer)

    assert states(data)[reads] is ModelState.CURRENT


def test_promotion_during_the_comparison_is_not_overrun(cxr, two: Path, snapshot, data, tmp_path, monkeypatch):
    """If another model was promoted meanwhile, what was compared is not what would be replaced."""
    made = write_model(tmp_path / "made" / "third", version="third", skill=0)
    cxr("register", made.path)

    def meanwhile(question: str, *, yes: bool) -> None:
        monkeypatch.undo()
        assert cxr("promote", "third", "--force", "--reason", "first", "--yes").exit_code == 0

    monkeypatch.setattr(promotion, "confirm", meanwhile)

    assert "begin again" in refused(cxr("promote", "good", "--snapshot", tmp_path / "set" / "snapshot", "--yes"))
    assert states(data)["third"] is ModelState.CURRENT


@pytest.mark.parametrize("version", ["unknown", "bad"])
def test_unknown_and_current_model_are_not_promoted(version: str, cxr, two: Path, data: Path):
    """A mistyped version changes nothing, and the model that reads needs no promotion."""
    assert version in refused(cxr("promote", version, "--force", "--reason", "x", "--yes"))
    assert states(data)["bad"] is ModelState.CURRENT


def test_broken_candidate_is_not_promoted(cxr, two: Path, data: Path):
    """A bundle whose files are not what they were does not come into service, forced or not."""
    (data / "models" / "good" / "model.onnx").write_bytes(b"spoilt")

    assert "SHA-256" in refused(cxr("promote", "good", "--force", "--reason", "x", "--yes"))
    assert states(data)["bad"] is ModelState.CURRENT


def test_promotion_as_json(cxr, two: Path, snapshot: Snapshot, tmp_path: Path):
    """A script gets the numbers."""
    outcome = cxr("promote", "good", "--snapshot", tmp_path / "set" / "snapshot", "--yes", "--json")

    found = json.loads(outcome.stdout)
    assert (found["promoted"], found["over"]) == ("good", "bad")
    assert found["compared"]["difference"]["value"] == 1


def test_node_that_serves_a_named_bundle_is_pointed_out(cxr, two: Path, monkeypatch: pytest.MonkeyPatch):
    """Who promotes while `reading.model` is set is told that it changes nothing."""
    monkeypatch.setenv("CXR_READING__MODEL", str(two / "bad"))

    outcome = cxr("promote", "good", "--force", "--reason", "x", "--yes")

    assert "reading.model" in outcome.stderr


def test_rollback_is_one_command(cxr, two: Path, data: Path):
    """The model before reads again; who, from what and why are logged for both."""
    cxr("promote", "good", "--force", "--reason", "x", "--yes")

    outcome = cxr("rollback", "--by", "berta", "--reason", "too many alarms")

    assert "bad reads again; good is a candidate" in outcome.stdout
    assert states(data) == {"bad": ModelState.CURRENT, "good": ModelState.CANDIDATE}
    entry = logged(data)
    assert (entry.actor, entry.action, entry.subject) == ("berta", "model.reinstate", "bad")
    assert entry.detail == {"from": "good", "to": "bad", "reason": "too many alarms"}


def test_nothing_to_roll_back_to(cxr, two: Path):
    """The first model that was promoted has none before it."""
    assert "no model was promoted before" in refused(cxr("rollback"))


def test_rollback_to_a_broken_model_is_refused(cxr, two: Path, data: Path):
    """A rollback does not put a model into service that cannot read."""
    cxr("promote", "good", "--force", "--reason", "x", "--yes")
    (data / "models" / "bad" / "model.onnx").unlink()

    assert "lacks model.onnx" in refused(cxr("rollback"))
    assert states(data)["good"] is ModelState.CURRENT


def test_card_as_a_person_reads_it(cxr, two: Path):
    """Data, results with intervals, operating points, limits, and what was done with it here."""
    cxr("promote", "good", "--force", "--reason", "we know it", "--by", "berta", "--yes")

    shown = cxr("show", "good").stdout

    for words in (
        "Not for clinical use",
        "0.000 to 1.000",
        "It means nothing.",
        "we know it",
        "model.register",
        "berta",
    ):
        assert words in shown


def test_card_as_json(cxr, two: Path):
    """A machine gets all of it."""
    found = json.loads(cxr("show", "good", "--json").stdout)

    assert found["model"]["card"]["findings"] == ["Effusion", "Mass"]
    assert [entry["action"] for entry in found["history"]] == ["model.register"]
    assert found["comparisons"] == []


def test_verify_names_what_is_broken(cxr, two: Path, data: Path):
    """Each model has its sentence, and the exit code tells a script."""
    assert cxr("verify").exit_code == 0
    (data / "models" / "good" / "model.onnx").write_bytes(b"spoilt")

    outcome = cxr("verify")
    found = json.loads(cxr("verify", "--json").stdout)

    assert outcome.exit_code == 1
    assert "SHA-256 differs" in outcome.stdout
    assert [(each["version"], each["fault"] is None) for each in found] == [("bad", True), ("good", False)]


def test_registering_again_mends(cxr, two: Path, data: Path):
    """What verify names is put right from where the bundle came."""
    (data / "models" / "good" / "model.onnx").write_bytes(b"spoilt")

    outcome = cxr("register", two / "good")

    assert "registered already" in outcome.stdout
    assert cxr("verify").exit_code == 0


def test_shadow_is_switched_on_and_off(cxr, two: Path, data: Path):
    """Both are logged; without one there is nothing to switch off."""
    assert "reads in the shadow from the next study on" in cxr("shadow", "good", "--by", "berta").stdout
    assert states(data)["good"] is ModelState.SHADOW
    assert (logged(data).actor, logged(data).action) == ("berta", "model.shadow")

    assert "good reads in the shadow no more" in cxr("shadow", "--off").stdout
    assert logged(data).action == "model.shadow_off"
    assert "No model reads in the shadow" in cxr("shadow", "--off").stdout
    assert json.loads(cxr("shadow", "good", "--json").stdout) == {"shadow": "good"}


@pytest.mark.parametrize("arguments", [[], ["good", "--off"], ["bad"], ["unknown"]])
def test_shadow_that_cannot_be(arguments: list[str], cxr, two: Path):
    """The model that reads is nobody's shadow, and one has to be named."""
    assert refused(cxr("shadow", *arguments))


def test_shadow_beside_the_current_model(cxr, two: Path, data: Path):
    """Each finding has how often they agree, and a machine gets the same numbers."""
    cxr("shadow", "good")
    assert "No image was read by both yet" in cxr("compare").stdout
    _read_by_both(data, 3)

    shown = cxr("compare").stdout
    found = json.loads(cxr("compare", "--json").stdout)

    assert "good beside bad on 3 live images" in shown
    (mass,) = found["findings"]
    assert (mass["images"], mass["only_second"], mass["share"]) == (3, 1, pytest.approx(2 / 3))
    assert json.loads(cxr("compare", "--since", "2026-03-15", "--json").stdout)["findings"] == []


def test_nothing_to_compare_without_a_shadow(cxr, two: Path):
    """It says how there would be."""
    assert "cxr models shadow" in refused(cxr("compare"))


def _read_by_both(data: Path, number: int) -> None:
    """Both models have read so many images; on the first only `good` finds a mass."""
    database = connect(f"sqlite:///{data / DATABASE_FILE}")
    with database.write() as connection:
        for each in range(number):
            studies.record_arrival(connection, arrival(each), settle_at=NOW)
        for place, instance in enumerate(studies.instances(connection)):
            for version, probability in (("bad", 0.1), ("good", 0.9 if place == 0 else 0.2)):
                said = prediction(instance.id, version, scores=[score(probability)])
                results.add_prediction(connection, said, NOW)
    database.close()


def _lines(outcome: Result) -> list[str]:
    return outcome.stdout.splitlines()
