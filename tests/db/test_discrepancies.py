"""The list of what is to be judged: its order, its pages and its plan, on both databases."""

from typing import Any

import pytest
from sqlalchemy import event

from db import discrepancies, schema
from db.engine import Connection, Database
from db.urgency import rank
from tests.db.rows import NOW, add_study
from tests.db.test_concordance import N, P, U, differences, read, report


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
        while page := discrepancies.unjudged(connection, before=place, limit=2):
            pages.append([each.found.study_id for each in page])
            last = page[-1].found
            assert last.rank is not None
            place = (last.rank, last.study_id, last.finding)

    assert pages == [[5, 4], [3, 2], [1]]


def test_a_difference_names_its_study_and_the_sentence(database: Database) -> None:
    """What a radiologist needs to judge it."""
    with database.write() as connection:
        report(connection, "1", read(connection, "2.25.1", {"Effusion": 0.75}), {"Effusion": N})

        (found,) = discrepancies.unjudged(connection, finding="Effusion")
        none = discrepancies.unjudged(connection, finding="Mass")

    assert (found.study_instance_uid, found.patient_name, found.sentence) == (
        "2.25.1",
        "DOE^JANE",
        "A secret sentence.",
    )
    assert (found.found.rank, found.found.view, found.found.sender) == (2.5, "PA", "MODALITY")
    assert none == []


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
    discrepancies.unjudged(connection, **which)
    event.remove(connection, "before_cursor_execute", note)
    statement, parameters = seen[0]
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
    explain = "EXPLAIN " if postgres else "EXPLAIN QUERY PLAN "
    return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + statement, parameters))
