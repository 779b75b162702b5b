"""What the pages of the system ask is found by an index, on both databases, however much is done already."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from db import audit, backlog, deliveries, jobs, studies
from db.engine import Connection, Database
from db.records import JobState, StudyState
from db.schema import delivery
from tests.db.rows import add_job, add_result, add_study

ASKED: dict[str, tuple[Callable[[Connection], object], str]] = {
    "dead jobs": (lambda c: jobs.newest(c, 51, (JobState.DEAD,), before=1000), "ix_job_state_id"),
    "running jobs": (backlog.running, "ix_job_undone"),
    "jobs that are not done": (backlog.undone, "ix_job_undone"),
    "last sent": (lambda c: deliveries.last_sent(c, "pacs"), "ix_delivery_destination_sent_at"),
    "newest of a destination": (
        lambda c: deliveries.newest(c, 51, before=1000, destination="pacs"),
        "ix_delivery_destination_id",
    ),
    "not arrived": (deliveries.unsettled, "ix_delivery_unsettled"),
    "entries of a person": (lambda c: audit.found(c, 51, before=1000, actor="anna"), "ix_audit_actor_id"),
    "refusals": (lambda c: audit.found(c, 51, action="association.reject"), "ix_audit_action_id"),
    "entries of a study": (lambda c: audit.found(c, 51, subject="2.25.1"), "ix_audit_subject_id"),
    "studies under way": (lambda c: studies.counts(c, (StudyState.ARRIVING,)), "ix_study_state"),
}
MANY = 500
"""Deliveries to others, so that one destination's are few."""


@pytest.mark.parametrize("what", ASKED)
def test_it_is_found_by_an_index(database: Database, what: str) -> None:
    """No table is read from end to end."""
    ask, index = ASKED[what]
    with database.write() as connection:
        study_id = add_study(connection)
        result_id = add_result(connection, study_id, add_job(connection, study_id))
        others = [{"result_id": result_id, "destination": f"d{each}", "state": "sent"} for each in range(MANY)]
        connection.execute(delivery.insert(), others)
        connection.exec_driver_sql("ANALYZE delivery")
    with database.read() as connection:
        plan = _plan(connection, ask)

    assert index in plan


def _plan(connection: Connection, ask: Callable[[Connection], object]) -> str:
    """How the database answers what is asked; PostgreSQL, for which a table of one row is quick to read, must not."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    ask(connection)
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN"
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN"
        for way in ("seqscan", "sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    plans = [connection.exec_driver_sql(f"{explain} {statement}", given) for statement, given in asked]
    return "\n".join(str(row) for plan in plans for row in plan)
