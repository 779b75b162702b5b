"""Model beside reports: rows worked out by hand, kept in step with whatever changes, on both databases."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, literal, select

from db import concordance, frontals, linking, results, retractions, schema, standing, studies
from db.concordance import Counted, Group
from db.engine import Connection, Database
from db.learning_records import Frontal
from db.retractions import Wanted
from db.urgency import rank
from db.vocabulary import Assertion, RejectionReason
from tests.db.label_rows import add_report, mine, say
from tests.db.rows import NOW, add_job, add_result, add_study, prediction, score

P, N, U = Assertion.POSITIVE, Assertion.NEGATIVE, Assertion.UNCERTAIN
WEEK = date(2026, 3, 9)
"""The Monday before NOW, a Saturday."""


def read(connection: Connection, uid: str, probabilities: Mapping[str, float], version: str = "m1") -> int:
    """A study that a model has read, every operating point at 0.5; its row id."""
    study_id = add_study(connection, uid)
    foresee(connection, study_id, probabilities, version)
    number = study_id * 10
    add_result(connection, study_id, add_job(connection, study_id), number, model_version=version)
    return study_id


def foresee(connection: Connection, study_id: int, probabilities: Mapping[str, float], version: str) -> None:
    """What a model says of the study's image."""
    (image,) = studies.instances(connection, study_id)
    scores = [score(value, name) for name, value in probabilities.items()]
    results.add_prediction(connection, prediction(image.id, version, scores=scores), NOW)
    frontals.record(connection, [Frontal(instance_id=image.id, view="PA")])


def report(connection: Connection, key: str, study_id: int, states: Mapping[str, Assertion], **values: Any) -> int:
    """A mined report of a study."""
    report_id = add_report(connection, key, studies=[study_id], **values)
    mine(connection, report_id, states)
    standing.refresh(connection, [report_id])
    return report_id


def differences(connection: Connection, **which: Any) -> list[tuple[int, str]]:
    """Study and finding of what is to be looked at, in order."""
    return [(each.found.study_id, each.found.finding) for each in concordance.discrepancies(connection, **which)]


def test_differences_come_by_urgency_then_by_confidence(database: Database) -> None:
    """A pneumothorax before all else; what a report does not mention is not there; uncertain is nothing to judge."""
    with database.write() as connection:
        first = read(connection, "2.25.1", {"Effusion": 0.9, "Pneumothorax": 0.51, "Mass": 0.1})
        second = read(connection, "2.25.2", {"Effusion": 0.6, "Mass": 0.2, "Nodule": 0.9})
        report(connection, "1", first, {"Pneumothorax": N, "Mass": P})
        report(connection, "2", second, {"Nodule": U, "Mass": N})

        found = differences(connection)

    # Ranks: 4.02, 3.8, 2.8, 2.2; the nodule of the second is uncertain in its report.
    assert found == [(first, "Pneumothorax"), (first, "Mass"), (first, "Effusion"), (second, "Effusion")]


def test_a_page_begins_where_the_last_one_ended(database: Database) -> None:
    """By rank, study and finding, so that nothing comes twice."""
    with database.write() as connection:
        for number in range(1, 6):
            study_id = read(connection, f"2.25.{number}", {"Effusion": 0.75})
            report(connection, str(number), study_id, {"Effusion": N})
        pages, place = [], None
        while page := concordance.discrepancies(connection, before=place, limit=2):
            pages.append([each.found.study_id for each in page])
            last = page[-1].found
            assert last.rank is not None
            place = (last.rank, last.study_id, last.finding)

    assert pages == [[5, 4], [3, 2], [1]]


def test_a_difference_names_its_study_and_the_sentence(database: Database) -> None:
    """What a radiologist needs to judge it."""
    with database.write() as connection:
        report(connection, "1", read(connection, "2.25.1", {"Effusion": 0.75}), {"Effusion": N})

        (found,) = concordance.discrepancies(connection, finding="Effusion")
        none = concordance.discrepancies(connection, finding="Mass")

    assert (found.study_instance_uid, found.patient_name, found.sentence) == (
        "2.25.1",
        "DOE^JANE",
        "A secret sentence.",
    )
    assert (found.found.rank, found.found.view, found.found.sender) == (2.5, "PA", "MODALITY")
    assert none == []


def test_what_a_person_judged_is_no_difference_any_more(database: Database) -> None:
    """Even where the person says what mining said; taken into the counts as the person says."""
    with database.write() as connection:
        first = read(connection, "2.25.1", {"Effusion": 0.9})
        second = read(connection, "2.25.2", {"Effusion": 0.9})
        report_id = report(connection, "1", first, {"Effusion": N})
        report(connection, "2", second, {"Effusion": N})
        say(connection, "Effusion", N, report_id=report_id)
        say(connection, "Effusion", P, study_id=second)

        left, counts = differences(connection), concordance.counted(connection, Group())

    assert left == []
    assert {(each.present, each.reported): each.number for each in counts} == {(True, False): 1, (True, True): 1}


def test_a_report_that_came_after_the_result_is_left_out(database: Database) -> None:
    """It may repeat what the node said: no difference to judge, and not counted."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.9})
        sent = select(schema.result.c.id, literal("pacs"), literal("sent"))
        connection.execute(schema.delivery.insert().from_select(["result_id", "destination", "state"], sent))
        report(connection, "1", study_id, {"Effusion": N}, received_at=NOW + timedelta(hours=1))
        kept = concordance.of_study(connection, study_id, "Effusion")

        assert kept is not None
        assert (kept.repeated, kept.rank) == (True, None)
        assert concordance.counted(connection, Group()) == []


def test_counts_follow_what_holds(database: Database) -> None:
    """A label that changes goes from one cell to another; a result that is taken back takes its readings along."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.9, "Mass": 0.1})
        report_id = report(connection, "1", study_id, {"Effusion": N})
        before = _cells(connection)
        mine(connection, report_id, {"Effusion": P}, lexicon_version="lex3", mined_at=NOW + timedelta(hours=1))
        standing.refresh(connection, [report_id])
        after = _cells(connection)
        retractions.retract(connection, study_id, Wanted(), RejectionReason.QUALITY, NOW)
        concordance.refresh(connection, [study_id])
        gone = _cells(connection)

    assert before == {("Effusion", True, False): 1, ("Mass", False, False): 1}
    assert after == {("Effusion", True, True): 1, ("Mass", False, False): 1}
    assert gone == {}


def _cells(connection: Connection) -> dict[tuple[str, bool, bool], int]:
    return {
        (each.finding, each.present, each.reported): each.number for each in concordance.counted(connection, Group())
    }


def test_the_model_of_the_newest_result_counts(database: Database) -> None:
    """Not a shadow model, and not the one before."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.1})
        foresee(connection, study_id, {"Effusion": 0.2}, "shadow")
        foresee(connection, study_id, {"Effusion": 0.9}, "m2")
        job_id = add_job(connection, study_id, 2)
        add_result(connection, study_id, job_id, 2, revision=2, model_version="m2")
        report(connection, "1", study_id, {"Effusion": N})
        found = concordance.of_study(connection, study_id, "Effusion")

        assert found is not None
        assert (found.model_version, found.probability, found.present) == ("m2", 0.9, True)
        assert concordance.groups(connection) == {"model_version": ["m2"], "sender": ["MODALITY"], "view": ["PA"]}


def test_counts_are_of_a_group_and_of_weeks(database: Database) -> None:
    """The week begins on Monday."""
    with database.write() as connection:
        report(connection, "1", read(connection, "2.25.1", {"Effusion": 0.9}), {"Effusion": P})

        mine_ = concordance.counted(connection, Group(finding="Effusion", view="PA"), since=WEEK)
        others = concordance.counted(connection, Group(view="AP"))
        later = concordance.counted(connection, Group(), since=WEEK + timedelta(days=7))

    assert mine_ == [Counted(week=WEEK, finding="Effusion", present=True, reported=True, number=1)]
    assert others == later == []


def test_a_link_that_comes_late_is_found_by_the_sweep(database: Database) -> None:
    """The studies for which a sweep changes anything are said."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.9})
        report_id = add_report(connection, "1", accession_number="A1")
        mine(connection, report_id, {"Effusion": N})
        standing.refresh(connection, [report_id])
        nothing = differences(connection)
        changed = linking.link_everything(connection, NOW)
        missing = concordance.absent(connection, after=0, limit=10)
        concordance.refresh(connection, changed)

        assert (nothing, changed, missing) == ([], [study_id], [study_id])
        assert differences(connection) == [(study_id, "Effusion")]
        assert concordance.absent(connection, after=0, limit=10) == []


@pytest.mark.parametrize(
    ("probability", "point", "expected"),
    [(0.75, 0.5, 2.5), (0.25, 0.5, 2.5), (0.5, 0.5, 2.0), (1.0, 1.0, 2.0), (0.0, 0.5, 2.999)],
)
def test_confidence_is_how_far_the_probability_is_past_the_point(
    probability: float, point: float, expected: float
) -> None:
    """Of what room there is; never as much as the next urgency."""
    assert rank("Effusion", probability, point) == pytest.approx(expected)


@pytest.mark.parametrize("which", [{}, {"before": (2.5, 10, "Effusion")}])
def test_the_list_is_read_off_its_index(database: Database, which: dict[str, Any]) -> None:
    """Both databases: no sort, no scan of what agrees."""
    with database.write() as connection:
        rows = [compared(add_study(connection, f"2.25.{each}"), differs=each % 10 == 0) for each in range(1, 40)]
        connection.execute(schema.concordance.insert(), rows)
    with database.read() as connection:
        plan = plan_of(connection, which)

    assert "ix_concordance_rank" in plan
    assert "SORT" not in plan.upper()
    assert "TEMP B-TREE" not in plan.upper()


def compared(study_id: int, *, differs: bool) -> dict[str, object]:
    """The row of a study whose report has no effusion."""
    return {
        "study_id": study_id,
        "finding": "Effusion",
        "model_version": "m1",
        "read_at": NOW,
        "probability": 0.9 if differs else 0.1,
        "operating_point": 0.5,
        "reported": False,
        "by_person": False,
        "repeated": False,
        "sender": "MODALITY",
        "view": "PA",
        "rank": 2.8 if differs else None,
    }


def plan_of(connection: Connection, which: dict[str, Any]) -> str:
    """How the database goes about the list."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "concordance.rank IS NOT NULL" in statement:
            seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    concordance.discrepancies(connection, **which)
    event.remove(connection, "before_cursor_execute", note)
    statement, parameters = seen[0]
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
    explain = "EXPLAIN " if postgres else "EXPLAIN QUERY PLAN "
    return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + statement, parameters))
