"""PostgreSQL's own structure: what is broken is said, with what to do."""

from collections.abc import Iterator

import pytest

from db import structure
from db.engine import Database, connect
from tests.db.rows import add_job, add_study
from tests.peers.databases import Postgres


@pytest.fixture
def postgresql(postgres_server: Postgres, migrated_template: str) -> Iterator[Database]:
    """A database of its own, with amcheck, since what is broken stays so."""
    database = connect(postgres_server.create_database(template=migrated_template))
    with database.write() as connection:
        connection.exec_driver_sql("CREATE EXTENSION amcheck")
        add_job(connection, add_study(connection))
    yield database
    database.close()


def test_whole_database_has_no_faults(postgresql: Database):
    """Every index fits its table, and every row what it refers to."""
    assert structure.faults(postgresql) == []


def test_row_that_refers_to_nothing_is_found(postgresql: Database):
    """An instance whose study is gone, by a way round the rule."""
    with postgresql.write() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("DELETE FROM study")

    assert structure.faults(postgresql) == ["1 rows refer to rows that are not there"]


def test_index_that_misses_a_row_is_named(postgresql: Database):
    """A row that was written while the index looked away."""
    switch = "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'ix_job_undone'::regclass"
    with postgresql.write() as connection:
        connection.exec_driver_sql(switch.format("false"))
    off = structure.faults(postgresql)
    other = connect(postgresql.engine.url.render_as_string(hide_password=False))
    with other.write() as connection:
        add_job(connection, 1, revision=2)
    with other.write() as connection:
        connection.exec_driver_sql(switch.format("true"))

    found = structure.faults(other)
    other.close()

    assert off[0] == "1 indexes are not valid: REINDEX the database"
    assert found == ["the index ix_job_undone does not fit its table: REINDEX INDEX ix_job_undone"]
