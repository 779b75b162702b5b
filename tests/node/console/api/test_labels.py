"""Reports and labels over HTTP: looked for, looked at, corrected, judged, counted."""

from datetime import timedelta

import pytest

from db import gold, minings, schema
from db.engine import Database
from db.tokens import Scope
from tests.db.label_rows import add_report
from tests.db.rows import NOW, add_study
from tests.db.test_concordance import WEEK, N, read, report
from tests.db.test_minings import EFFUSION, reading
from tests.node.console.api.conftest import Program


@pytest.fixture
def judge(programs: dict[Scope, Program]) -> Program:
    """A program of a radiologist's."""
    return programs[Scope.LABEL]


@pytest.fixture
def mined(filled: Database) -> Database:
    """With report 2, which replaced 3 and has an effusion, and report 4 of no study here."""
    with filled.write() as connection:
        study = add_study(connection, "2.25.77")
        later = {"version_at": NOW + timedelta(hours=1)}
        add_report(connection, "7", studies=[study], text="There is a left effusion.", **later)
        add_report(connection, "7", studies=[study], text="Effusion.", status="preliminary")
        unlinked = add_report(connection, "8", text="No effusion.")
        connection.execute(schema.unlinked.insert().values(report_id=unlinked))
        minings.record(connection, [reading(2, EFFUSION)])
    return filled


def test_reports_are_found(mined: Database, reader: Program) -> None:
    """By finding and state, by words, page by page, and those that belong to no study here."""
    by_finding = reader.get("/reports?finding=effusion&state=positive").json()["items"]
    first = reader.get("/reports?words=effusion&limit=1").json()
    rest = reader.get(f"/reports?words=effusion&limit=1&after={first['next']}").json()
    (waiting,) = reader.get("/reports/unlinked?limit=1").json()["items"]

    assert [(each["report_id"], each["standing"]["states"]) for each in by_finding] == [(2, {"Effusion": "positive"})]
    assert [each["report_id"] for each in (*first["items"], *rest["items"])] == [2, 4]
    assert (waiting["report_id"], waiting["unlinked"]) == (4, "no_study")
    assert reader.get("/reports?after=x").json()["detail"] == "This is no page of the list; begin with the first."


def test_a_report_says_why_it_has_its_labels(mined: Database, reader: Program) -> None:
    """Each mention with its place and rule; labels with the row that they are from; older versions have none."""
    whole, old = reader.get("/reports/2").json(), reader.get("/reports/3").json()
    (mention,) = whole["mining"]["mentions"]
    labels = {each["finding"]: each for each in whole["labels"]}

    assert (mention["rule_id"], mention["start"], mention["end"]) == (EFFUSION.rule_id, EFFUSION.start, EFFUSION.end)
    assert labels["Effusion"] == {"finding": "Effusion", "assertion": "positive", "basis": "mining 1", "by": None}
    assert [each["id"] for each in whole["versions"]] == [2, 3]
    assert (whole["holds"], whole["study_instance_uids"]) == (True, ["2.25.77"])
    assert (old["holds"], old["labels"]) == (False, [])
    assert reader.get("/reports/99").json()["detail"] == "The node has no such report."


def test_a_correction_is_said_once_and_taken_back(mined: Database, judge: Program, reader: Program) -> None:
    """Said again nothing is written; who has seen what holds no more is told; undone, what was mined holds."""
    said = {"report_id": 2, "finding": "effusion", "assertion": "negative", "seen": "mining 1", "reason": "seen again"}
    first, second = judge.post("/labels/corrections", said), judge.post("/labels/corrections", said)
    stale = judge.post("/labels/corrections", said | {"assertion": "uncertain"})
    (line,) = reader.get("/labels?finding=Effusion").json()["items"]
    with mined.read() as connection:
        (row,) = gold.history(connection, 2)
    undone = [judge.post(f"/labels/corrections/{row.id}/undo").status for _ in range(2)]
    (again,) = reader.get("/labels?finding=Effusion&assertion=positive").json()["items"]

    assert (first.status, first.json()[0]["before"], second.json()[0]["before"]) == (201, "positive", "negative")
    assert (stale.status, stale.json()["detail"][:30]) == (409, "Effusion was changed meanwhile")
    assert (line["assertion"], line["by"], line["actor"]) == ("negative", "gold", "radiologist")
    assert undone == [204, 409]
    assert (again["by"], again["report_id"]) == ("mined", 2)


def test_labels_are_counted(mined: Database, reader: Program) -> None:
    """The paper's Table 1 and Figure 2, of eight findings or of fourteen."""
    table, pairs = reader.get("/labels/table").json(), reader.get("/labels/cooccurrence?findings=14").json()
    effusion = next(row for row in table["rows"] if row["label"] == "Effusion")

    assert (len(table["rows"]), effusion["reports"], effusion["studies"]) == (12, 1, None)
    place = pairs["findings"].index("Effusion")
    assert (len(pairs["matrix"]), pairs["matrix"][place][place]) == (14, 1)


def test_a_difference_is_judged_once(filled: Database, judge: Program, reader: Program) -> None:
    """The most urgent first; who comes second is told, and what is not there is said."""
    with filled.write() as connection:
        study = read(connection, "2.25.91", {"Effusion": 0.9, "Pneumothorax": 0.6})
        report(connection, "91", study, {"Effusion": N, "Pneumothorax": N})
    first = reader.get("/discrepancies?limit=1").json()
    rest = reader.get(f"/discrepancies?after={first['next']}").json()
    said = {"study_instance_uid": "2.25.91", "finding": "effusion", "right": "model"}
    once, twice = judge.post("/discrepancies/verdicts", said), judge.post("/discrepancies/verdicts", said)

    assert [each["found"]["finding"] for each in (*first["items"], *rest["items"])] == ["Pneumothorax", "Effusion"]
    assert (once.status, once.json()["assertion"]) == (201, "positive")
    assert (twice.status, twice.json()["detail"][:28]) == (409, "There is nothing to judge of")
    assert judge.post("/discrepancies/verdicts", said | {"study_instance_uid": "9.9"}).status == 404
    assert reader.get("/discrepancies?after=1,2,x").status == 400


def test_agreement_in_figures(filled: Database, reader: Program) -> None:
    """Kappa .4 of 50 readings, as the page has it."""
    cells = {(True, True): 20, (True, False): 5, (False, True): 10, (False, False): 15}
    usual = {"week": WEEK, "finding": "Effusion", "model_version": "m1", "sender": "CR1", "view": "PA"}
    with filled.write() as connection:
        rows = [{**usual, "present": p, "reported": r, "number": number} for (p, r), number in cells.items()]
        connection.execute(schema.concordance_count.insert(), rows)

    (found,) = reader.get("/agreement?finding=Effusion&sender=CR1").json()
    (other,) = reader.get("/agreement?finding=Effusion&view=AP").json()

    assert round(found["recent"]["kappa"]["value"], 2) == 0.4
    assert found["weeks"] == [
        {"week": f"{WEEK}", "counts": {"both": 20, "only_model": 5, "only_report": 10, "neither": 15}}
    ]
    assert (other["recent"]["kappa"], other["weeks"]) == (None, [])
