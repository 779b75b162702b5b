"""What is few among many is found by an index of these few, on both databases, whatever the planner has counted."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from db import backlog, clock_steps, deliveries, holdings, jobs, links, losses, studies, training_runs
from db.clock_steps import Longest
from db.engine import Connection, Database
from db.records import Absence, Holding, JobKind, JobState
from tests.bench.large import fill
from tests.db.rows import NOW

ROWS = 20_000
SMALL = "training_run|snapshot|model"
WHOLE = re.compile(rf"Seq Scan on (?!{SMALL})\w+|SCAN (?:job|study|instance|result|report|link|delivery)(?! USING)\b")
"""A table that is read from end to end, and does not stay small."""

Ask = Callable[[Connection], object]
SOUGHT: dict[str, tuple[str, Ask]] = {
    "due jobs": ("ix_job_undone", lambda c: jobs.due(c, NOW)),
    "a due job for a worker": ("ix_job_undone", lambda c: jobs.any_due(c, [JobKind.READ, JobKind.DELIVER], NOW)),
    "a lease that ran out": ("ix_job_undone", lambda c: jobs.any_expired(c, NOW)),
    "leases that ran out, taken back": ("ix_job_undone", lambda c: jobs.expire(c, NOW)),
    "a claim": ("ix_job_undone", lambda c: jobs.claim(c, kinds=[JobKind.READ], owner="w", now=NOW, lease_s=60)),
    "what is not done": ("ix_job_undone", backlog.undone),
    "how much is not done": ("ix_job_undone", backlog.unfinished_count),
    "dead jobs": ("ix_job_", lambda c: jobs.newest(c, 20, [JobState.DEAD])),
    "why deliveries wait": ("ix_job_undone", backlog.troubles),
    "settled studies": ("ix_study_settle_at", lambda c: studies.settled(c, NOW)),
    "arriving studies": ("ix_study_settle_at", studies.unsettled_count),
    "times too far ahead": ("ix_study_settle_at", lambda c: clock_steps.any_ahead(c, NOW, Longest())),
    "deliveries on their way": ("ix_delivery_unsettled", deliveries.unsettled),
    "files that are gone": ("ix_instance_absence", holdings.counts),
    "files that are lost": ("ix_instance_absence", lambda c: holdings.counts(c, [Absence.LOST])),
    "damaged files": ("ix_instance_absence", lambda c: holdings.faulty(c, Holding.INSTANCE, until=10**9)),
    "jobs that failed of them": ("_job_", lambda c: losses.go_on(c, [Holding.INSTANCE], 7, NOW)),
    "reports without a study": ("unlinked", lambda c: links.listed(c, unlinked_only=True, limit=20)),
    "training runs": ("ix_job_subject_id", lambda c: training_runs.newest(c, 20)),
    "further ones": ("unlinked", lambda c: links.listed(c, unlinked_only=True, before=ROWS, limit=20)),
}
"""What is asked, and the index, or table, of the few."""


def analyze(database: Database) -> None:
    """Tell the database how many rows there are: PostgreSQL does so by itself, a keeper of SQLite may."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if database.engine.dialect.name == "postgresql" else "ANALYZE")


def plans(connection: Connection, ask: Ask) -> str:
    """How the database goes about what is asked."""
    said: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        said.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    ask(connection)
    event.remove(connection, "before_cursor_execute", note)
    return "\n".join(str(row[-1]) for words, values in said for row in explained(connection, words, values))


def explained(connection: Connection, words: str, values: Any) -> list[Any]:
    """The plan of a statement; of PostgreSQL also the one for any values, which it goes on with after a few times."""
    if connection.dialect.name == "sqlite":
        return list(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values))
    for_these = list(connection.exec_driver_sql(f"EXPLAIN {words}", values))
    places = {name: f"${number}" for number, name in enumerate(values, start=1)}
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(f"PREPARE asked AS {words % places}")
    nothing = f"({', '.join(['NULL'] * len(places))})" if places else ""
    for_any = list(connection.exec_driver_sql(f"EXPLAIN EXECUTE asked{nothing}"))
    connection.exec_driver_sql("DEALLOCATE asked")
    return for_these + for_any


def require_indexes(database: Database) -> None:
    """Each question is answered by its index, and no table is read from end to end."""
    with database.write() as connection:
        found = {name: plans(connection, ask) for name, (_, ask) in SOUGHT.items()}
    assert {name: plan for name, plan in found.items() if SOUGHT[name][0] not in plan} == {}
    assert {name: WHOLE.findall(plan) for name, plan in found.items() if WHOLE.search(plan)} == {}


def test_the_few_are_found_by_their_index(database: Database):
    """A million jobs that are done cost nothing, where the database has counted them."""
    fill(database, ROWS, NOW)
    analyze(database)

    require_indexes(database)


def test_the_few_are_found_in_sqlite_as_a_node_leaves_it(sqlite: Database):
    """Nor where it has not: nobody but a person counts in SQLite."""
    fill(sqlite, ROWS, NOW)

    require_indexes(sqlite)
