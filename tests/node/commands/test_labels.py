"""`cxr labels`: what it prints, writes and refuses, on a store that was counted by hand."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from db import audit
from db.engine import Database, connect
from node.__main__ import app
from node.labels.spreadsheets import harmless
from node.settings import DATABASE_FILE
from tests.db.label_rows import P, add_report, fill, mine
from tests.db.rows import add_study


def cxr(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["labels", *(str(argument) for argument in arguments)])


def parsed(*arguments: object) -> Any:
    """Its output as JSON."""
    outcome = cxr(*arguments, "--json")
    assert outcome.exit_code == 0, outcome.output
    return json.loads(outcome.stdout)


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def empty(tmp_path: Path, migrated_file: Path) -> Path:
    """The data folder of a new node."""
    shutil.copy(migrated_file, tmp_path / DATABASE_FILE)
    return tmp_path


@pytest.fixture
def database(empty: Path):
    """Its database."""
    database = connect(f"sqlite:///{empty / 'cxr.db'}")
    yield database
    database.close()


@pytest.fixture
def filled(empty: Path, database: Database) -> Path:
    """The data folder of a node with the store of `fill`."""
    with database.write() as connection:
        fill(connection)
    return empty


@pytest.mark.parametrize("name", ["list", "table", "cooccurrence"])
def test_new_node_has_no_labels_and_says_so(name: str, empty: Path):
    """Every view of an empty store prints, in words and in JSON."""
    assert cxr(name, "--data", empty).exit_code == 0
    parsed(name, "--data", empty)


def test_list_has_the_newest_report_first_with_where_each_label_is_from(filled: Path):
    """Nine mentions of five reports, and one Normal; the gold one says who."""
    found = parsed("list", "--data", filled)

    assert [(each["accession_number"], each["finding"], each["assertion"]) for each in found] == [
        ("A9", "Edema", "positive"),
        ("A5", "Effusion", "negative"),
        ("A5", "Nodule", "uncertain"),
        ("A4", "Effusion", "positive"),
        ("A2", "Mass", "negative"),
        ("A2", "Normal", "positive"),
        ("A1", "Atelectasis", "positive"),
        ("A1", "Effusion", "positive"),
        ("A1", "Pneumothorax", "negative"),
    ]
    gold = found[3]
    assert (gold["by"], gold["actor"], gold["mining_id"]) == ("gold", "dr.lee", None)
    assert (found[0]["by"], found[0]["lexicon_version"], found[0]["study_instance_uid"]) == ("mined", "lex2", None)
    assert found[4]["study_instance_uid"] == "2.25.2"
    assert "dr.lee" in cxr("list", "--data", filled).stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--finding", "effusion", "--assertion", "positive"], ["A4", "A1"]),
        (["--finding", "Normal"], ["A9", "A5", "A4", "A2", "A1"]),
        (["--finding", "Normal", "--assertion", "positive"], ["A2"]),
        (["--finding", "Mass", "--assertion", "unmentioned"], ["A9", "A5", "A4", "A1"]),
        (["--accession", "A5"], ["A5", "A5"]),
        (["--limit", "1"], ["A9"]),
    ],
    ids=str,
)
def test_list_chooses(options: list[str], expected: list[str], filled: Path):
    """By finding in whatever letters, by state, by accession number; so many at most."""
    assert [each["accession_number"] for each in parsed("list", "--data", filled, *options)] == expected


def test_list_of_a_study_puts_its_reports_together(filled: Path):
    """Study one has two reports: the stronger label of each finding, with the report it is from."""
    found = parsed("list", "--data", filled, "--study", "2.25.1")

    first, second = (parsed("list", "--data", filled, "--accession", name)[0]["report_id"] for name in ("A1", "A5"))
    assert [(each["finding"], each["assertion"], each["report_id"]) for each in found] == [
        ("Atelectasis", "positive", first),
        ("Effusion", "positive", first),
        ("Nodule", "uncertain", second),
        ("Pneumothorax", "negative", first),
    ]


def test_list_writes_all_into_a_csv_file(filled: Path):
    """No limit there, and the columns of the JSON."""
    outcome = cxr("list", "--data", filled, "--csv", filled / "out.csv")

    found = rows(filled / "out.csv")
    assert outcome.stdout.startswith("9 labels written to")
    assert list(found[0]) == list(parsed("list", "--data", filled)[0])


def test_formulas_of_a_sender_are_text_in_a_csv_file(empty: Path, database: Database):
    """An accession number that a spreadsheet would run begins with an apostrophe; JSON has it as it is."""
    evil = '=HYPERLINK("http://example.org")'
    with database.write() as connection:
        mine(connection, add_report(connection, "1", accession_number=evil), {"Mass": P})

    cxr("list", "--data", empty, "--csv", empty / "out.csv")

    assert rows(empty / "out.csv")[0]["accession_number"] == f"'{evil}"
    assert parsed("list", "--data", empty)[0]["accession_number"] == evil


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_what_a_spreadsheet_would_compute_becomes_text(cell: str):
    """OWASP's list of beginnings."""
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["A-1", "", None, 5, -5])
def test_other_cells_stay_as_they_are(cell: object):
    """Numbers are numbers."""
    assert harmless(cell) == cell


def test_table_counts_and_says_what_is_missing(filled: Path):
    """The printed table has its numbers and the warning that it is not whole."""
    shown = cxr("table", "--data", filled).stdout
    found = parsed("table", "--data", filled)
    cxr("table", "--data", filled, "--csv", filled / "out.csv")

    total = {"label": "Total", "reports": 5, "overlap": 1, "uncertain": 1, "negative": 3}
    total |= {"gold": 1, "studies": 3, "images": 4}
    assert found["rows"][-1] == total
    assert {name: int(cell) for name, cell in rows(filled / "out.csv")[-1].items() if name != "label"} == {
        name: number for name, number in total.items() if name != "label"
    }
    assert found["counted"]["miners"][0][0]["lexicon_version"] == "lex2"
    assert "5 of 7 reports have labels: 2 with a finding" in shown
    assert "NOT WHOLE: 1 report is not mined yet." in shown
    assert "Left out: 1 cancelled, 1 of another examination." in shown
    assert "lexicon lex2, rules rul1, policy coded" in shown


def test_table_of_fourteen_has_fourteen(filled: Path):
    """And the four rows below."""
    assert len(parsed("table", "--data", filled, "--findings", "14")["rows"]) == 14 + 4


def test_cooccurrence_is_a_matrix_and_a_picture(filled: Path):
    """Effusion and atelectasis are together once; the picture is there."""
    found = parsed("cooccurrence", "--data", filled)
    outcome = cxr(
        "cooccurrence", "--data", filled, "--plot", filled / "out.svg", "--csv", filled / "out.csv", "--findings", "14"
    )

    effusion, atelectasis = (found["findings"].index(name) for name in ("Effusion", "Atelectasis"))
    assert found["matrix"][effusion][atelectasis] == 1
    assert outcome.exit_code == 0
    row = next(row for row in rows(filled / "out.csv") if row["finding"] == "Effusion")
    assert (row["reports"], row["alone"], row["Atelectasis"], row["Edema"]) == ("2", "1", "1", "0")
    assert "2 (50 % with another)" in (filled / "out.svg").read_text("utf-8")


def test_correction_of_a_report_says_what_was_before(filled: Path, database: Database):
    """The answer names the state before and its source; the second one names the first person."""
    common = ("correct", "--data", filled, "--accession", "A1", "--finding", "effusion", "--reason", "Jane's old film")
    first = cxr(*common, "--assertion", "negative", "--by", "dr.lee")
    second = cxr(*common, "--assertion", "uncertain", "--by", "dr.kim")

    assert "Effusion of report" in first.stdout
    assert "is negative now, by dr.lee; it was positive (as mined)" in first.stdout
    assert "it was negative (said by dr.lee on " in second.stdout
    line = next(each for each in parsed("list", "--data", filled, "--accession", "A1") if each["finding"] == "Effusion")
    assert (line["assertion"], line["by"], line["actor"]) == ("uncertain", "gold", "dr.kim")
    with database.read() as connection:
        entries = audit.newest(connection, 2)
        assert audit.examine(connection).fault is None
    assert [entry.actor for entry in entries] == ["dr.kim", "dr.lee"]
    assert "Jane" not in str(entries)
    assert "A1" not in str(entries)


def test_correction_of_a_study_is_by_the_user_of_the_system(filled: Path, monkeypatch: pytest.MonkeyPatch):
    """Without --by it is whoever is logged in; a study whose report is cancelled can be labelled."""
    monkeypatch.setenv("LOGNAME", "radiologist")
    outcome = cxr("correct", "--data", filled, "--study", "2.25.3", "--finding", "Mass", "--assertion", "positive")

    assert "is positive now, by radiologist; it was unmentioned (not mined)" in outcome.stdout
    (line,) = parsed("list", "--data", filled, "--study", "2.25.3")
    assert (line["finding"], line["assertion"], line["report_id"]) == ("Mass", "positive", None)


def test_correction_before_any_report_is_of_the_study(empty: Path, database: Database):
    """An accession number of a study without report means the study."""
    with database.write() as connection:
        study_id = add_study(connection)

    outcome = cxr(
        "correct", "--data", empty, "--accession", "A1", "--finding", "Mass", "--assertion", "positive", "--by", "me"
    )

    again = parsed(
        "correct", "--data", empty, "--accession", "A1", "--finding", "Mass", "--assertion", "negative", "--by", "me"
    )

    assert f"Mass of study {study_id} is positive now" in outcome.stdout
    assert again == [{"of": f"study {study_id}", "finding": "Mass", "before": "positive", "after": "negative"}]


def test_normal_is_said_once_its_findings_are_gone(filled: Path):
    """A report with a finding cannot be Normal; when the findings are corrected it can."""
    common = ("correct", "--data", filled, "--by", "me", "--accession", "A9")
    refused = cxr(*common, "--finding", "Normal", "--assertion", "positive")
    cxr(*common, "--finding", "Edema", "--assertion", "negative")
    accepted = cxr(*common, "--finding", "normal", "--assertion", "positive")

    assert "has Edema positive: correct that before it can be Normal" in str(refused.exception)
    assert "Normal of report" in accepted.stdout
    assert parsed("list", "--data", filled, "--accession", "A9", "--finding", "Normal")[0]["assertion"] == "positive"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--finding", "Mas", "--accession", "A1"], "there is no finding 'Mas'; there are Atelectasis, Cardiomegaly"),
        (["--finding", "Mass", "--accession", "A77"], "no report and no study has arrived under this accession number"),
        (["--finding", "Mass", "--accession", " "], "an accession number cannot be empty"),
        (["--finding", "Mass", "--accession", "A3"], "its labels are not used; name the study with --study"),
        (["--finding", "Mass", "--study", "1.2"], "no study with this Study Instance UID has arrived"),
        (["--finding", "Mass"], "say what to correct"),
        (["--finding", "Mass", "--study", "1.2", "--accession", "A1"], "say what to correct"),
        (["--finding", "Mass", "--accession", "A1", "--by", " "], "--by is empty"),
        (["--finding", "Normal", "--accession", "A1"], "Normal is positive or negative"),
    ],
    ids=str,
)
def test_wrong_corrections_are_refused_with_a_sentence(
    options: list[str], sentence: str, filled: Path, database: Database
):
    """What is wrong and what to do; nothing is written."""
    outcome = cxr("correct", "--data", filled, "--assertion", "uncertain", *options)

    assert sentence in str(outcome.exception)
    with database.read() as connection:
        assert len(audit.newest(connection, 5)) == 1  # that of the store itself


@pytest.mark.parametrize("values", [{"source": "CLINIC"}, {"patient_id": "P2"}], ids=["sender", "patient"])
def test_an_accession_number_of_two_is_not_guessed_at(values: dict[str, str], filled: Path, database: Database):
    """Two senders, or two patients, with the same number: the study has to be named."""
    with database.write() as connection:
        add_report(connection, "77", accession_number="A1", **values)

    outcome = cxr("correct", "--data", filled, "--accession", "A1", "--finding", "Mass", "--assertion", "positive")

    assert "several patients or senders" in str(outcome.exception)


def test_list_wants_a_study_or_an_accession_number(filled: Path):
    """Not both."""
    assert "not both" in str(cxr("list", "--data", filled, "--study", "1.2", "--accession", "A1").exception)


def test_a_correction_is_undone_once(filled: Path):
    """The uncertain effusion that was mined of report 4 holds again; a second time there is nothing to undo."""
    (gold,) = (each["gold_id"] for each in parsed("list", "--data", filled) if each["by"] == "gold")
    first = cxr("undo", "--gold", gold, "--by", "dr.kim", "--data", filled)
    second = cxr("undo", "--gold", gold, "--by", "dr.kim", "--data", filled)

    (found,) = parsed("list", "--data", filled, "--accession", "A4")
    assert (found["finding"], found["assertion"], found["by"]) == ("Effusion", "uncertain", "mined")
    assert first.stdout == "Taken back by dr.kim.\n"
    assert second.exit_code != 0
