"""`cxr reports remine`, `explain` of stored reports, and what `cxr status` says of mining."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db import minings, reports
from db.engine import Database
from db.report_records import MinerIdentity, Mining, ReportSection, ReportStatus
from nlp import miner
from nlp.aggregate import Policy
from nlp.miner import Miner
from nlp.parser import MODEL
from node.__main__ import app
from node.errors import SettingsError
from tests.db.test_minings import EFFUSION, reading
from tests.db.test_reports import message, version

pytest.importorskip("spacy", reason="the extra `reports` is not installed")

OLD = MinerIdentity(lexicon_version="old", rules_version="old", language_model="old", policy="coded")
TEXTS = ("Small effusion.", "No effusion.", "Probable effusion.", "Small effusion.")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def cxr(folder: Path, *arguments: str) -> str:
    """What a command prints on the node in this folder; what goes wrong is raised."""
    return CliRunner().invoke(app, [*arguments, "--data", str(folder)], catch_exceptions=False).stdout


@pytest.fixture(autouse=True)
def _loaded_once(loaded_miner: Miner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of this module share one miner: each would take seconds to load its own."""
    monkeypatch.setattr(miner, "load", lambda *_: loaded_miner)


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """A node's database with four reports. An older miner said of the first three that there is an effusion."""
    with sqlite_database.write() as connection:
        for number, text in enumerate(TEXTS, 1):
            run = ReportSection(suffix="GDT", start=0, end=len(text))
            new = replace(version(f"A{number}", report_key=f"F{number}"), text=text, sections=(run,))
            reports.record(connection, message(new, control_id=f"M{number}"))
        minings.record(connection, [reading(each, EFFUSION, miner=OLD, at=LONG_AGO) for each in (1, 2, 3)])
    return sqlite_database


def held(database: Database) -> dict[int, Mining]:
    """The readings that hold."""
    with database.read() as connection:
        return minings.current(connection, [1, 2, 3, 4])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_remine_mines_what_the_miner_in_force_has_not_and_a_second_run_nothing(
    workers: str, database: Database, tmp_path: Path
):
    """The new labels hold, the old ones are kept."""
    said = cxr(tmp_path, "reports", "remine", "--workers", workers)
    again = cxr(tmp_path, "reports", "remine")

    assert said == "4 reports mined; their labels hold from now on.\n"
    assert again.startswith("Nothing to do")
    assert [each.state("Effusion") for each in held(database).values()] == [
        "positive",
        "negative",
        "positive",
        "positive",
    ]
    with database.read() as connection:
        assert [each.miner for each in minings.of_report(connection, 2)] == [miner.identity(MODEL, Policy.CODED), OLD]


def test_remine_goes_on_where_it_was_stopped(database: Database, tmp_path: Path):
    """--limit takes a part; the next run takes the rest."""
    first = json.loads(cxr(tmp_path, "reports", "remine", "--limit", "3", "--json"))
    second = json.loads(cxr(tmp_path, "reports", "remine", "--json"))

    assert (first["mined"], second["mined"]) == (3, 1)


def test_diff_shows_what_would_change_and_writes_nothing(database: Database, tmp_path: Path):
    """Of three reports that were mined, the second is negative now; the fourth has nothing to be compared with."""
    before = held(database)

    said = cxr(tmp_path, "reports", "remine", "--diff")
    found = json.loads(cxr(tmp_path, "reports", "remine", "--diff", "--json"))

    assert "3 reports compared, 1 would change; 1 were never mined." in said
    assert found["counts"] == [
        {"finding": "Effusion", "old": "positive", "new": "negative", "reports": 1},
        {"finding": "Normal", "old": "no", "new": "yes", "reports": 1},
    ]
    (change, normal) = found["changes"]
    assert (change["report_id"], change["rule_id"], change["sentence"]) == (2, "no", "No effusion.")
    assert (normal["finding"], normal["report_id"]) == ("Normal", 2)
    line = next(line for line in said.splitlines() if "No effusion." in line)
    assert line.split() == ["2", "Effusion", "positive", "->", "negative", "no", "No", "effusion."]
    assert held(database) == before


def test_diff_tries_another_policy(database: Database, tmp_path: Path):
    """Strict doubts what is only probable."""
    found = json.loads(cxr(tmp_path, "reports", "remine", "--diff", "--json", "--policy", "strict"))

    assert {
        (each["old"], each["new"]): each["reports"] for each in found["counts"] if each["finding"] == "Effusion"
    } == {
        ("positive", "negative"): 1,
        ("positive", "uncertain"): 1,
    }


def test_diff_tries_a_changed_file(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without its rules of negation the miner finds an effusion in "No effusion." too; nothing is written."""
    before = held(database)
    monkeypatch.undo()
    (tmp_path / "mine.toml").write_text("# no rule at all\n")
    replaced = f"rules/negation.toml={tmp_path / 'mine.toml'}"

    found = json.loads(cxr(tmp_path, "reports", "remine", "--diff", "--json", "--replace", replaced))

    assert found["counts"] == []
    assert found["miner"]["rules_version"] not in ("old", "")
    assert held(database) == before
    with pytest.raises(SettingsError, match="names no file"):
        cxr(tmp_path, "reports", "remine", "--diff", "--replace", "rules/negation.toml=nowhere.toml")
    with pytest.raises(SettingsError, match="is for --diff"):
        cxr(tmp_path, "reports", "remine", "--replace", replaced)


def test_policy_of_a_remine_is_that_of_the_settings(database: Database, tmp_path: Path):
    """Else what arrives next would be mined by another one."""
    with pytest.raises(SettingsError, match=r"mining\.policy"):
        cxr(tmp_path, "reports", "remine", "--policy", "strict")


def test_only_current_versions_are_mined_again(database: Database, tmp_path: Path):
    """What a correction has overtaken stays with the labels it had."""
    with database.write() as connection:
        fixed = replace(version("A1", report_key="F1", status=ReportStatus.CORRECTED), text="No effusion.", sections=())
        reports.record(connection, message(fixed, control_id="M9"))

    cxr(tmp_path, "reports", "remine")

    with database.read() as connection:
        assert [len(minings.of_report(connection, each)) for each in (1, 5)] == [1, 1]


def test_status_says_how_many_versions_are_not_mined(database: Database, tmp_path: Path):
    """All four before, none after."""
    before = json.loads(cxr(tmp_path, "status", "--json"))
    cxr(tmp_path, "reports", "remine")
    after = json.loads(cxr(tmp_path, "status", "--json"))

    assert (before["report_versions"], before["unmined_report_versions"]) == (4, 4)
    assert after["unmined_report_versions"] == 0


def test_status_without_a_miner_says_so(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On a host that only receives."""
    monkeypatch.setattr("nlp.parser.util.find_spec", lambda _name: None)

    assert "the miner is not installed" in cxr(tmp_path, "status")


@pytest.mark.parametrize("name", [["1"], ["A1"], ["--accession", "A1"]])
def test_explain_shows_the_labels_that_hold_of_a_stored_report(name: list[str], database: Database, tmp_path: Path):
    """By its number or its accession number: its text, and what was said of it."""
    said = cxr(tmp_path, "reports", "explain", *name)

    assert "report version 1\n\nSmall effusion.\n" in said
    assert "mined: Effusion   (policy coded, lexicon old, rules old)" in said
    assert "asserted" in said


def test_explain_mines_a_stored_report_anew_if_asked(database: Database, tmp_path: Path):
    """Or if it was never mined; nothing is written."""
    anew = json.loads(cxr(tmp_path, "reports", "explain", "2", "--again", "--json"))
    first = json.loads(cxr(tmp_path, "reports", "explain", "4", "--json"))

    assert (anew["report_id"], anew["mining"]["labels"]) == (2, {"Effusion": 0})
    assert anew["mining"]["mentions"][0]["assertion"] == "negative"
    assert anew["mining"]["mentions"][0]["section"] == "findings"
    assert first["mining"]["normal"] is False
    assert list(held(database)) == [1, 2, 3]


def test_explain_tells_a_word_from_a_name(database: Database, tmp_path: Path):
    """One word that is nobody's accession number is a report's text; a number must be there."""
    assert "mined: Cardiomegaly" in cxr(tmp_path, "reports", "explain", "Cardiomegaly.")
    with pytest.raises(SettingsError, match="no report version"):
        cxr(tmp_path, "reports", "explain", "99")
    with pytest.raises(SettingsError, match="accession number"):
        cxr(tmp_path, "reports", "explain", "--accession", "A99")


def test_settings_decide_what_is_mined_with(database: Database, tmp_path: Path):
    """A policy in the settings file is that of every command that names the file."""
    config = tmp_path / "node.toml"
    config.write_text('[mining]\npolicy = "strict"\n')

    found = json.loads(cxr(tmp_path, "reports", "explain", "Probable effusion.", "--json", "--config", str(config)))

    assert found["policy"] == "strict"
