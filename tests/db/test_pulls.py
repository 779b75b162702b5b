"""Studies on their way from an archive, and what reports wait for, on both databases."""

from db import links, pulls
from db.engine import Database
from tests.db.events import brought, happen, settled
from tests.db.rows import NOW, add_study, later


def test_study_is_here_once_it_is_whole(database: Database):
    """Rows alone do not make it so while it is on its way, from whichever archive."""
    with database.write() as connection:
        nothing = pulls.is_here(connection, "2.25.1")
        pulls.begin(connection, "2.25.1", "archive", NOW)
        add_study(connection)
        half = pulls.is_here(connection, "2.25.1")
        pulls.end(connection, "2.25.1", "archive")

        assert (nothing, half, pulls.is_here(connection, "2.25.1")) == (False, False, True)
        assert pulls.instance_count(connection, "2.25.1") == 1


def test_begun_studies_are_listed_by_source_and_time(database: Database):
    """One that is begun again is the last one; another source's are not listed."""
    with database.write() as connection:
        pulls.begin(connection, "2.25.1", "archive", NOW)
        pulls.begin(connection, "2.25.2", "archive", later(1))
        pulls.begin(connection, "2.25.3", "other", NOW)
        pulls.begin(connection, "2.25.1", "archive", later(2))

        assert pulls.begun(connection, "archive") == ["2.25.2", "2.25.1"]


def test_reports_that_wait_name_what_they_wait_for(database: Database):
    """Each name once, the last received first; what is linked, or of another examination, waits for nothing."""
    happen(
        database,
        brought("R1", accession_number="A7"),
        brought("R2", accession_number="A8", study_instance_uid="2.25.8"),
        brought("R3", accession_number="A7"),
        brought("R4", accession_number="A9", procedure="CT CHEST"),
        brought("R5", accession_number=""),
    )
    with database.read() as connection:
        waiting = links.waiting(connection)

    assert waiting == [("", "A7"), ("2.25.8", "A8")]


def test_report_that_is_linked_waits_no_more(database: Database):
    """With its study here there is nothing to bring in."""
    happen(database, brought(), settled())

    with database.read() as connection:
        assert links.waiting(connection) == []
