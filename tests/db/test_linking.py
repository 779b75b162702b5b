"""Reports and studies find each other, in every order of arrival, on both databases."""

from itertools import permutations

import pytest

from db import linking, reports
from db.engine import Database
from db.report_records import LinkedBy
from db.vocabulary import Unlinked
from tests.db.events import arriving, brought, happen, linked, message, settled, why
from tests.db.races import race
from tests.db.rows import NOW, later

ORDERS = pytest.mark.parametrize("order", [pytest.param(1, id="report first"), pytest.param(-1, id="study first")])


@ORDERS
def test_accession_number_links(database: Database, order: int):
    """Whichever comes first, the second finds it."""
    events = (brought(), settled())[::order]

    assert happen(database, *events) == {("R1", "2.25.1", LinkedBy.ACCESSION_NUMBER)}


@ORDERS
def test_study_instance_uid_links(database: Database, order: int):
    """A report that names the study by its UID needs no accession number."""
    events = (brought(accession_number="", study_instance_uid="2.25.1"), settled(accession_number=""))[::order]

    assert happen(database, *events) == {("R1", "2.25.1", LinkedBy.STUDY_INSTANCE_UID)}


@ORDERS
def test_both_names_make_one_link(database: Database, order: int):
    """Named twice is linked once, by the stronger name."""
    events = (brought(study_instance_uid="2.25.1"), settled())[::order]

    assert happen(database, *events) == {("R1", "2.25.1", LinkedBy.STUDY_INSTANCE_UID)}


@ORDERS
def test_every_study_of_an_accession_number_is_linked(database: Database, order: int):
    """Two studies under one number share its reports, of which there may be two."""
    events = (brought("R1"), brought("R2"), settled("2.25.1"), settled("2.25.2"))[::order]

    found = {(key, uid) for key, uid, _ in happen(database, *events)}
    assert found == {(key, uid) for key in ("R1", "R2") for uid in ("2.25.1", "2.25.2")}


def test_a_uid_and_its_accession_number_link_every_study(database: Database):
    """A message that names one of two studies under the number is of both."""
    found = happen(database, settled("2.25.1"), settled("2.25.2"), brought(study_instance_uid="2.25.2"))

    assert found == {("R1", "2.25.1", LinkedBy.ACCESSION_NUMBER), ("R1", "2.25.2", LinkedBy.STUDY_INSTANCE_UID)}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_where_the_names_disagree_the_uid_decides(database: Database, order: tuple[int, ...]):
    """A UID of a study under another number: the number was a mistake, in every order of arrival."""
    events = (brought(study_instance_uid="2.25.7"), settled("2.25.1"), settled("2.25.7", accession_number="A7"))

    assert happen(database, *(events[each] for each in order)) == {("R1", "2.25.7", LinkedBy.STUDY_INSTANCE_UID)}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_uid_of_another_patients_study_links_nothing(database: Database, order: tuple[int, ...]):
    """Then it is not known which name was the mistake, and a person is told."""
    events = (brought(study_instance_uid="2.25.7"), settled("2.25.1"), settled("2.25.7", patient_id="P2"))

    assert happen(database, *(events[each] for each in order)) == set()
    assert why(database) == {"R1": Unlinked.OTHER_PATIENT}


@ORDERS
@pytest.mark.parametrize(
    ("of_report", "of_study"),
    [("P1", "P2"), ("12", "120"), ("H-12", "12"), ("012A", "12")],
)
def test_two_patients_are_not_linked(database: Database, order: int, of_report: str, of_study: str):
    """A number that two patients share links neither, and the reason is shown."""
    events = (brought(patient_id=of_report), settled(patient_id=of_study))[::order]

    assert happen(database, *events) == set()
    assert why(database) == {"R1": Unlinked.OTHER_PATIENT}


@ORDERS
@pytest.mark.parametrize(
    ("of_report", "of_study"),
    [("", "P1"), ("P1", ""), ("", ""), ("p1", "P1"), (" P1 ", "P1"), ("00042", "42"), ("000", "0")],
)
def test_the_same_patient_written_otherwise_is_linked(database: Database, order: int, of_report: str, of_study: str):
    """Case, blanks around and leading zeros are how systems write; a side that names nobody contradicts nobody."""
    events = (brought(patient_id=of_report), settled(patient_id=of_study))[::order]

    assert len(happen(database, *events)) == 1


def test_empty_accession_numbers_are_not_the_same(database: Database):
    """Neither report nor study names one: nothing is linked."""
    assert happen(database, brought(accession_number=""), settled(accession_number="")) == set()
    assert why(database) == {"R1": Unlinked.NO_IDENTIFIER}


def test_every_version_is_linked_by_its_own_names(database: Database):
    """A correction that names another study moves the report there."""
    first = brought(study_instance_uid="2.25.1", accession_number="")
    corrected = brought(study_instance_uid="2.25.2", accession_number="", version_at=later(60))
    happen(database, settled("2.25.1"), settled("2.25.2"), first, corrected)

    with database.read() as connection:
        found = [[each.study_instance_uid for each in reports.of_study(connection, number)] for number in (1, 2)]

    assert found == [[], ["2.25.2"]]
    assert linked(database) == {("R1", uid, LinkedBy.STUDY_INSTANCE_UID) for uid in ("2.25.1", "2.25.2")}


def test_messages_of_one_transaction_are_linked_together(database: Database):
    """What is committed together is linked together; a message that was there is not linked again."""
    happen(database, settled(), brought("R1"))

    with database.write() as connection:
        new = reports.record_all(connection, [message("R1"), message("R2"), message("R3", accession_number="A9")])

    assert new == [False, True, True]
    assert {key for key, _, _ in linked(database)} == {"R1", "R2"}


def test_the_sweep_links_what_was_missed(database: Database):
    """A study that was never settled, a link that its UID speaks against: after the sweep there is nothing to do."""
    happen(database, brought("R1"), arriving("2.25.1"), brought("R2", study_instance_uid="2.25.7"))
    happen(database, arriving("2.25.7", accession_number="A7"))

    with database.write() as connection:
        before = linking.anything_to_link(connection)
        linking.link_everything(connection, NOW)
        after = linking.anything_to_link(connection)

    assert (before, after) == (True, False)
    expected = {("R1", "2.25.1", LinkedBy.ACCESSION_NUMBER), ("R2", "2.25.7", LinkedBy.STUDY_INSTANCE_UID)}
    assert linked(database) == expected


def test_linking_again_changes_nothing(database: Database):
    """Two processes that link the same at the same time make one link."""
    happen(database, brought(), arriving())

    def link_all(_: int) -> None:
        with database.write() as connection:
            linking.link_studies(connection, [1], NOW)
            linking.link_everything(connection, NOW)

    race(4, link_all)

    assert len(linked(database)) == 1


def test_no_studies_are_no_work(database: Database):
    """A reconciler that found nothing settled asks for nothing."""
    with database.write() as connection:
        linking.link_studies(connection, [], NOW)
        linking.link_messages(connection, [], NOW)

    assert linked(database) == set()
