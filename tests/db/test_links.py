"""The list of reports says what each is linked to or why not, on both databases."""

import pytest

from db import links, reports
from db.engine import Database
from db.report_records import ReportStatus
from db.vocabulary import Examination, Unlinked
from tests.db.events import arriving, brought, happen, settled, why
from tests.db.rows import NOW, later


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, Unlinked.NO_STUDY),
        ({"accession_number": "", "study_instance_uid": "2.25.4"}, Unlinked.NO_STUDY),
        ({"accession_number": ""}, Unlinked.NO_IDENTIFIER),
        ({"procedure": "CT CHEST"}, Unlinked.OTHER_EXAMINATION),
        ({"procedure": "CT CHEST", "accession_number": ""}, Unlinked.OTHER_EXAMINATION),
    ],
)
def test_reason_when_no_study_is_here(database: Database, changes: dict[str, str], reason: Unlinked):
    """A report that waits says what it waits for."""
    happen(database, brought(**changes))

    assert why(database) == {"R1": reason}
    assert reason.sentence.endswith(".")


def test_reasons_change_with_what_arrives(database: Database):
    """No study, then arriving, then linked: the reason is never out of date."""
    happen(database, brought())
    waiting = why(database)
    happen(database, arriving())
    soon = why(database)
    happen(database, settled())

    assert (waiting, soon, why(database)) == ({"R1": Unlinked.NO_STUDY}, {"R1": Unlinked.ARRIVING}, {"R1": None})


def test_another_examination_is_linked_to_the_study_of_its_order(database: Database):
    """A CT's report under the radiograph's number is linked: who makes labels asks what it is a report of."""
    happen(database, settled(), brought("R1", procedure="CT CHEST"), brought("R2"))

    with database.read() as connection:
        found = reports.of_study(connection, 1)

    expected = {"R1": Examination.OTHER, "R2": Examination.CHEST_RADIOGRAPH}
    assert {each.report_key: each.examination for each in found} == expected


def test_list_has_the_current_versions_the_last_received_first(database: Database):
    """A report with three versions is one line."""
    preliminary = brought(status=ReportStatus.PRELIMINARY)
    final = brought(version_at=later(60))
    overtaken = brought(version_at=later(30), status=ReportStatus.CORRECTED)
    happen(database, preliminary, final, overtaken, brought("R2", accession_number="A2"), settled())

    with database.read() as connection:
        found = links.listed(connection)
        unlinked = links.listed(connection, unlinked_only=True)
        one = links.listed(connection, limit=1)
        older = links.listed(connection, before=one[0].report_id)
        none = links.listed(connection, unlinked_only=True, before=one[0].report_id)

    assert [(each.report_key, each.version_at) for each in found] == [("R2", NOW), ("R1", later(60))]
    assert [each.study_instance_uids for each in found] == [(), ("2.25.1",)]
    assert [each.report_key for each in unlinked] == ["R2"]
    assert (one, older, none) == (found[:1], found[1:], [])


def test_counts_are_of_reports_by_reason(database: Database):
    """Linked ones, and the others by why."""
    more = [brought("R2", accession_number="A2"), brought("R3", accession_number="A3"), brought("R4", procedure="US")]
    happen(database, brought(), *more, settled(), brought("R5", patient_id="P5"))

    with database.read() as connection:
        assert links.counts(connection) == {"linked": 2, "no_study": 2, "other_patient": 1}


def test_an_empty_database_has_nothing(database: Database):
    """No report, no line, no count."""
    with database.read() as connection:
        assert (links.listed(connection), links.counts(connection)) == ([], {})


def test_each_report_under_an_accession_number_has_its_current_version(database: Database):
    """Two reports of two versions: two texts, the latest last."""
    events = [brought("R1", text="old"), brought("R1", text="one", version_at=later(60)), brought("R2", text="two")]
    happen(database, *events)

    with database.read() as connection:
        found = reports.current_of_each(connection, "A1")

    assert [each.text for each in found] == ["two", "one"]


def test_a_report_whose_link_is_taken_back_waits_again(database: Database):
    """The study of its UID came later, and is another patient's: it is in the list of those without a study."""
    happen(database, brought(study_instance_uid="2.25.7"), settled("2.25.1"))
    with database.read() as connection:
        assert links.listed(connection, unlinked_only=True) == []

    happen(database, settled("2.25.7", patient_id="P2"))

    with database.read() as connection:
        assert [each.unlinked for each in links.listed(connection, unlinked_only=True)] == [Unlinked.OTHER_PATIENT]
        assert links.counts(connection) == {"other_patient": 1}
