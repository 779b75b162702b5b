"""Deliveries: what still has to go where, on both databases."""

from db import deliveries
from db.engine import Connection, Database
from db.records import DeliveryState
from tests.db.rows import NOW, add_job, add_result, add_study


def two_results(connection: Connection) -> tuple[int, list[int]]:
    """A study and its two results, on their way to `pacs` and `research`."""
    study_id = add_study(connection)
    job_id = add_job(connection, study_id)
    ids = [add_result(connection, study_id, job_id, number) for number in (1, 2)]
    for destination in ("pacs", "research"):
        deliveries.add(connection, ids, destination)
    return study_id, ids


def test_what_was_sent_is_not_sent_again(database: Database):
    """After half of a delivery the other half is what is left, for that destination alone."""
    with database.write() as connection:
        study_id, (first, second) = two_results(connection)

        deliveries.mark(connection, [first], "pacs", DeliveryState.SENT, now=NOW)

        assert [result.id for result in deliveries.waiting(connection, study_id, 1, "pacs")] == [second]
        assert [result.id for result in deliveries.waiting(connection, study_id, 1, "research")] == [first, second]
        assert deliveries.waiting(connection, study_id, 2, "pacs") == []


def test_delivery_says_when_it_arrived_or_why_not(database: Database):
    """Each result shows how far it got, at each destination."""
    with database.write() as connection:
        _, (first, _second) = two_results(connection)

        deliveries.mark(connection, [first], "pacs", DeliveryState.SENT, now=NOW)
        deliveries.mark(connection, [first], "research", DeliveryState.REFUSED, now=NOW, error="0xA900")

        shown = {each.destination: each for each in deliveries.of_result(connection, first)}
        counts = deliveries.counts(connection)
    assert (shown["pacs"].state, shown["pacs"].sent_at, shown["pacs"].error) == (DeliveryState.SENT, NOW, None)
    assert (shown["research"].state, shown["research"].sent_at) == (DeliveryState.REFUSED, None)
    assert shown["research"].error == "0xA900"
    assert counts == {"pacs.sent": 1, "pacs.waiting": 1, "research.refused": 1, "research.waiting": 1}


def test_refused_results_go_along_when_a_person_asks_again(database: Database):
    """A retry sends what was refused, and not what arrived."""
    with database.write() as connection:
        study_id, (first, second) = two_results(connection)
        deliveries.mark(connection, [first], "pacs", DeliveryState.SENT, now=NOW)
        deliveries.mark(connection, [second], "pacs", DeliveryState.REFUSED, now=NOW, error="0xA900")

        assert [result.id for result in deliveries.waiting(connection, study_id, 1, "pacs")] == [second]


def test_no_results_are_no_deliveries(database: Database):
    """A study without results has nothing on its way."""
    with database.write() as connection:
        deliveries.add(connection, [], "pacs")

        assert deliveries.counts(connection) == {}
