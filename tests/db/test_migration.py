"""The migrations build the schema, on both databases, forwards and backwards."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from db import audit, jobs, migration, models, reports, results, standing, studies, worklist
from db.engine import Connection, connect, queue_for
from db.errors import RowsRefusedError, SchemaOutOfDateError
from db.positives import Positive
from db.records import Absence
from db.schema import metadata
from db.vocabulary import Examination, Reason
from db.worklist import Wanted
from tests.db.events import brought, happen
from tests.db.filled import counts, fill
from tests.db.label_rows import N, P, add_report, mine
from tests.db.races import race
from tests.db.rows import NOW, add_job, add_result, add_study, arrival, prediction


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


def test_current_schema_is_left_alone_while_others_write(migrated_url: str):
    """A node starts on a schema that needs nothing, whatever another process writes, or however much is stored."""
    database = connect(migrated_url)

    with database.rebuild() as connection:
        queue_for(connection, "migration")
        revision = migration.upgrade(database)

    database.close()
    assert revision == migration.revisions()[-1]


def test_revisions_are_known_without_alembic():
    """What is read in their files is what Alembic would do."""
    scripts = ScriptDirectory(str(migration.SCRIPTS))
    assert migration.revisions() == tuple(script.revision for script in scripts.walk_revisions())[::-1]


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


def test_studies_from_before_are_found_by_all_that_they_are_asked_for(own_url: str):
    """Revision 0019: by sender, name and finding, with the highest probability by the model that read the images."""
    database = connect(own_url)
    with database.write() as connection:
        study_id = add_study(connection)
        first, second = add_instances(connection, 2)
        add_result(connection, study_id, add_job(connection, study_id), revision=0, model_version="m1")
        for instance_id, version, probability in ((first, "m1", 0.6), (second, "m1", 0.8), (second, "shadow", 0.9)):
            scores = [
                {"finding": "Mass", "probability": probability, "operating_point": 0.5},
                {"finding": "Nodule", "probability": 0.4, "operating_point": 0.5},
            ]
            results.add_prediction(connection, prediction(instance_id, version, scores=scores), NOW)

    migration.downgrade(database, "0013")
    migration.upgrade(database)

    wanted = Wanted(calling_ae="MODALITY", patient="doe j", finding="Mass")
    with database.read() as connection:
        (row,) = worklist.listing(connection, wanted, limit=10).rows
    database.close()
    assert row.findings == (Positive(finding="Mass", probability=0.8),)


def add_instances(connection: Connection, count: int) -> list[int]:
    """More instances of the study; their row ids."""
    for number in range(1, count + 1):
        studies.record_arrival(connection, arrival(number), settle_at=NOW)
    return [instance.id for instance in studies.instances(connection)][-count:]


def test_a_rebuilt_job_table_keeps_its_rows_and_what_refers_to_them(own_url: str):
    """Revision 0003 renames a column of a table that results refer to: each job and result is there after it."""
    database = connect(own_url)
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


def test_reports_from_before_are_of_an_unknown_examination(own_url: str):
    """Revision 0003 does not guess what it was not told."""
    database = connect(own_url)
    happen(database, brought("R1"))

    migration.downgrade(database, "0002")
    migration.upgrade(database)

    with database.read() as connection:
        (found,) = reports.versions(connection, "A1")
    database.close()
    assert (found.examination, found.source, found.procedure) == (Examination.UNKNOWN, "H", "")


def test_each_revision_goes_down_and_up_again_with_rows_in_every_table(own_url: str):
    """From the newest to the first: a table that is there on both sides of a revision keeps its row both ways."""
    database = connect(own_url)
    with database.write() as connection:
        fill(connection)
    before = migration.revisions()

    for lower, upper in zip(reversed(before[:-1]), reversed(before[1:]), strict=True):
        with database.read() as connection:
            at_upper = counts(connection)
        migration.downgrade(database, lower)
        with database.read() as connection:
            at_lower = counts(connection)
        migration.upgrade(database, upper)
        with database.read() as connection:
            again = counts(connection)
        migration.downgrade(database, lower)

        assert at_lower == {name: at_upper[name] for name in at_lower}, upper
        assert {name: again[name] for name in at_lower} == at_lower, upper
    database.close()


def test_rows_of_the_first_revision_are_there_at_the_last(database_url: str):
    """A database that began with the first version comes to this one with all it has, one revision after the other."""
    database = connect(database_url)
    first, *more = migration.revisions()
    migration.upgrade(database, first)
    with database.write() as connection:
        filled = fill(connection)

    for revision in more:
        assert migration.upgrade(database, revision) == revision

    with database.read() as connection:
        found = counts(connection)
    migration.require_current(database)
    database.close()
    assert {name: found[name] for name in filled} == dict.fromkeys(filled, 1)


def test_what_is_gone_is_known_by_a_reason_before_absence(own_url: str):
    """Revision 0009 back: a row whose file was removed stays, as an image that cannot be decoded."""
    database = connect(own_url)
    with database.write() as connection:
        study_id = add_study(connection)
        (instance,) = studies.instances(connection, study_id)
        studies.set_reason(connection, instance.id, Reason.REMOVED, Reason.REMOVED.sentence, None)

    migration.downgrade(database, "0007")
    migration.upgrade(database)

    with database.read() as connection:
        (instance,) = studies.instances(connection, study_id)
    database.close()
    assert (instance.reason, instance.absence) == (Reason.UNDECODABLE, None)


def test_what_is_lost_is_missing_before_losses(own_url: str):
    """Revision 0022 back: an older node knows a loss that was accepted as a file that is missing."""
    database = connect(own_url)
    with database.write() as connection:
        study_id = add_study(connection)
        connection.exec_driver_sql("UPDATE instance SET absence = 'lost', reason = 'lost'")

    migration.downgrade(database, "0018")
    migration.upgrade(database)

    with database.read() as connection:
        (instance,) = studies.instances(connection, study_id)
    database.close()
    assert (instance.reason, instance.absence) == (Reason.DAMAGED, Absence.MISSING)


def test_what_reports_say_is_counted_when_counts_come(own_url: str):
    """Revision 0025 counts what is written down, and what mining could make nothing of."""
    database = connect(own_url)
    with database.write() as connection:
        for number, what in enumerate([P, P, N, None]):
            report_id = add_report(connection, str(number))
            states = {} if what is None else {"Effusion": what}
            mine(connection, report_id, states, readability="not_english" if what is None else "mined")
            standing.refresh(connection, [report_id])

    migration.downgrade(database, "0024")
    migration.upgrade(database)

    with database.read() as connection:
        found = standing.counted(connection)
    database.close()
    assert found == ({3 * 4**2: 2, 4**2: 1}, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [("/srv/cxr/data/models/spring_1", "models/spring_1"), ("/srv/models/spring-1", "/srv/models/spring-1")],
)
def test_models_of_before_are_found_from_the_data_folder(before: str, after: str, own_url: str):
    """Revision 0013 leaves the data folder away; a path that some hand wrote there stays as it is."""
    database = connect(own_url)
    migration.downgrade(database, "0011")
    with database.write() as connection:
        models.register(connection, name="m", version="spring_1", path=before, card={}, now=NOW)

    migration.upgrade(database)

    with database.read() as connection:
        found = models.get(connection, "spring_1").path
    database.close()
    assert found == after


def test_audit_log_from_before_goes_on_as_one_chain(own_url: str):
    """Revision 0008 keeps what was logged before it, changed entries included, and the next entry follows it."""
    database = connect(own_url)
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
