"""The migrations build the schema, on both databases, forwards and backwards."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from db import audit, jobs, migration, reports, results, studies
from db.engine import connect
from db.errors import RowsRefusedError, SchemaOutOfDateError
from db.schema import metadata
from db.vocabulary import Examination
from tests.db.events import brought, happen
from tests.db.races import race
from tests.db.rows import NOW, add_job, add_result, add_study


def test_migrations_build_the_schema_of_the_code(database_url: str):
    """After `cxr migrate` the database has the tables that the code expects, to the column."""
    database = connect(database_url)

    migration.upgrade(database)

    with database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    database.close()
    assert differences == []


def test_migrations_go_down_to_nothing_and_up_again_with_data(database_url: str):
    """A database with data in it can be taken back to empty and brought up again."""
    database = connect(database_url)
    first = migration.upgrade(database)
    with database.write() as connection:
        study_id = add_study(connection)
        add_result(connection, study_id, add_job(connection, study_id))
        audit.append(connection, actor="a", action="b", subject="c", now=NOW)

    migration.downgrade(database, "base")
    with database.read() as connection:
        left = inspect(connection).get_table_names()
    again = migration.upgrade(database)

    with database.read() as connection:
        assert studies.newest(connection, 10) == []
    database.close()
    assert left == ["alembic_version"]
    assert again == first


def test_migrating_a_current_database_keeps_its_data(database_url: str):
    """A second `cxr migrate` changes nothing."""
    database = connect(database_url)
    first = migration.upgrade(database)
    with database.write() as connection:
        add_study(connection)

    again = migration.upgrade(database)

    with database.read() as connection:
        assert len(studies.newest(connection, 10)) == 1
    migration.require_current(database)
    database.close()
    assert again == first


def test_nodes_that_start_together_migrate_once(database_url: str):
    """Four processes of a cluster that start on an empty database all find it migrated."""
    database = connect(database_url)

    revisions = race(4, lambda _: migration.upgrade(database))

    migration.require_current(database)
    database.close()
    assert len(set(revisions)) == 1


def test_database_without_the_schema_says_to_migrate(database_url: str):
    """A command on an unmigrated database names the command that helps."""
    database = connect(database_url)

    with pytest.raises(SchemaOutOfDateError, match="run cxr migrate"):
        migration.require_current(database)

    database.close()


def test_a_rebuilt_job_table_keeps_its_rows_and_what_refers_to_them(database_url: str):
    """Revision 0003 renames a column of a table that results refer to: each job and result is there after it."""
    database = connect(database_url)
    migration.upgrade(database, "head")
    with database.write() as connection:
        study_id = add_study(connection)
        job_id = add_job(connection, study_id)
        add_result(connection, study_id, job_id)

    migration.downgrade(database, "0002")
    migration.upgrade(database, "head")

    with database.read() as connection:
        assert jobs.get(connection, job_id).subject_id == study_id
        assert [result.job_id for result in results.of_revision(connection, study_id, 1)] == [job_id]
    with pytest.raises(RowsRefusedError), database.write() as connection:
        add_result(connection, study_id, 4711, 2)  # the rule is in force again
    database.close()


def test_reports_from_before_are_of_an_unknown_examination(database_url: str):
    """Revision 0003 does not guess what it was not told."""
    database = connect(database_url)
    migration.upgrade(database)
    happen(database, brought("R1"))

    migration.downgrade(database, "0002")
    migration.upgrade(database)

    with database.read() as connection:
        (found,) = reports.versions(connection, "A1")
    database.close()
    assert (found.examination, found.source, found.procedure) == (Examination.UNKNOWN, "H", "")


def test_audit_log_from_before_goes_on_as_one_chain(database_url: str):
    """Revision 0008 keeps what was logged before it, changed entries included, and the next entry follows it."""
    database = connect(database_url)
    migration.upgrade(database)
    with database.write() as connection:
        for subject in ("1", "2"):
            audit.append(connection, actor="a", action="b", subject=subject, now=NOW)

    migration.downgrade(database, "0007")
    migration.upgrade(database)

    with database.write() as connection:
        audit.append(connection, actor="a", action="b", subject="3", now=NOW)
        chain = audit.examine(connection)
    database.close()
    assert (chain.entries, chain.fault) == (3, None)
