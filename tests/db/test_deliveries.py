"""Deliveries: what still has to go where, and what the destination says of it, on both databases."""

from db import deliveries
from db.deliveries import MAX_TRIES, AsSent
from db.engine import Connection, Database
from db.result_records import Delivery, DeliveryState
from tests.db.rows import NOW, add_job, add_result, add_study, later

REPORT = "1.2.840.10008.5.1.4.1.1.88.34"


def two_results(connection: Connection) -> tuple[int, list[int]]:
    """A study and its two results, on their way to `pacs` and `research`."""
    study_id = add_study(connection)
    job_id = add_job(connection, study_id)
    ids = [add_result(connection, study_id, job_id, number) for number in (1, 2)]
    for destination in ("pacs", "research"):
        deliveries.add(connection, ids, destination)
    return study_id, ids


def to_pacs(connection: Connection, study_id: int) -> list[Delivery]:
    """The deliveries to `pacs`, as they are."""
    return [each.delivery for each in deliveries.parcels(connection, study_id, 1, "pacs")]


def states(connection: Connection, study_id: int) -> list[DeliveryState]:
    """Of the deliveries to `pacs`."""
    return [each.state for each in to_pacs(connection, study_id)]


def send(connection: Connection, of: Delivery, uid: str) -> None:
    """It was taken, under this UID."""
    form = AsSent(sop_class_uid=REPORT, sop_instance_uid=uid, transfer_syntax_uid="1.2.840.10008.1.2.1", sha256="0")
    deliveries.sent(connection, of.id, form, NOW)


def sent_and_asked(connection: Connection, transaction_uid: str = "2.25.77") -> int:
    """A study whose two results `pacs` took, and was asked to commit to."""
    study_id, _ = two_results(connection)
    found = to_pacs(connection, study_id)
    for number, each in enumerate(found):
        send(connection, each, f"2.25.900{number}")
    deliveries.ask(connection, [each.id for each in found], transaction_uid, NOW)
    return study_id


def test_what_was_sent_is_of_one_destination(database: Database):
    """After half of a delivery the other half waits, and another destination's wait all."""
    with database.write() as connection:
        study_id, (first, second) = two_results(connection)

        send(connection, to_pacs(connection, study_id)[0], "2.25.1")

        assert states(connection, study_id) == [DeliveryState.SENT, DeliveryState.WAITING]
        research = deliveries.parcels(connection, study_id, 1, "research")
        assert [each.result.id for each in research] == [first, second]
        assert {each.delivery.state for each in research} == {DeliveryState.WAITING}
        assert deliveries.parcels(connection, study_id, 2, "pacs") == []


def test_delivery_says_when_and_how_it_arrived_or_why_not(database: Database):
    """Each result shows how far it got, at each destination."""
    with database.write() as connection:
        study_id, (first, _second) = two_results(connection)
        send(connection, to_pacs(connection, study_id)[0], "2.25.1")
        refused = deliveries.of_result(connection, first)[1]
        deliveries.mark(connection, [refused.id], DeliveryState.REFUSED, error="0xA900")

        shown = {each.destination: each for each in deliveries.of_result(connection, first)}
        counts = deliveries.counts(connection)
    assert (shown["pacs"].state, shown["pacs"].sent_at, shown["pacs"].error) == (DeliveryState.SENT, NOW, None)
    assert (shown["pacs"].sop_class_uid, shown["pacs"].sop_instance_uid) == (REPORT, "2.25.1")
    assert (shown["research"].state, shown["research"].sent_at) == (DeliveryState.REFUSED, None)
    assert shown["research"].error == "0xA900"
    assert counts == {"pacs.sent": 1, "pacs.waiting": 1, "research.refused": 1, "research.waiting": 1}


def test_answer_that_all_is_kept_commits_all(database: Database):
    """A commitment report names the deliveries it settles by its transaction."""
    with database.write() as connection:
        study_id = sent_and_asked(connection)

        found = deliveries.answered(connection, "2.25.77", {}, later(5))

        assert found == {(study_id, 1, "pacs")}
        assert states(connection, study_id) == [DeliveryState.COMMITTED] * 2
        assert {each.committed_at for each in to_pacs(connection, study_id)} == {later(5)}


def test_answer_to_nobodys_question_changes_nothing(database: Database):
    """A report of another transaction settles nothing."""
    with database.write() as connection:
        study_id = sent_and_asked(connection)

        assert deliveries.answered(connection, "2.25.78", {}, NOW) == set()
        assert states(connection, study_id) == [DeliveryState.ASKED] * 2


def test_object_that_was_lost_is_sent_again_and_at_last_shown_to_a_person(database: Database):
    """A failed commitment leads back to waiting, until it has failed too often; the others are committed."""
    with database.write() as connection:
        study_id = sent_and_asked(connection, "2.25.1")
        lost = to_pacs(connection, study_id)[0]

        for number in range(1, MAX_TRIES + 1):
            deliveries.answered(connection, f"2.25.{number}", {"2.25.9000": "it does not have the object"}, NOW)
            expected = DeliveryState.WAITING if number < MAX_TRIES else DeliveryState.LOST
            assert states(connection, study_id) == [expected, DeliveryState.COMMITTED]
            if number < MAX_TRIES:
                send(connection, lost, "2.25.9000")
                deliveries.ask(connection, [lost.id], f"2.25.{number + 1}", NOW)

        assert to_pacs(connection, study_id)[0].error == "it does not have the object"
        deliveries.reopen(connection, [lost.id])
        assert states(connection, study_id) == [DeliveryState.WAITING, DeliveryState.COMMITTED]
        assert to_pacs(connection, study_id)[0].tries == 0


def test_question_without_an_answer_is_asked_again_and_at_last_shown_to_a_person(database: Database):
    """What was never confirmed ends as such, and a late answer settles it all the same."""
    with database.write() as connection:
        study_id = sent_and_asked(connection)
        ids = [each.id for each in to_pacs(connection, study_id)]

        for number in range(1, MAX_TRIES + 1):
            deliveries.unanswered(connection, ids, "no answer")
            expected = DeliveryState.SENT if number < MAX_TRIES else DeliveryState.UNCONFIRMED
            assert states(connection, study_id) == [expected] * 2
            if number < MAX_TRIES:
                deliveries.ask(connection, ids, "2.25.79", NOW)

        assert deliveries.answered(connection, "2.25.79", {}, NOW)
        assert states(connection, study_id) == [DeliveryState.COMMITTED] * 2


def test_answer_before_the_response_is_not_undone(database: Database):
    """Where the report came first, a request that then seems to have failed has not."""
    with database.write() as connection:
        study_id = sent_and_asked(connection)
        deliveries.answered(connection, "2.25.77", {}, NOW)

        deliveries.unanswered(connection, [each.id for each in to_pacs(connection, study_id)], "no answer")

        assert states(connection, study_id) == [DeliveryState.COMMITTED] * 2


def test_destination_knows_a_study_once_something_was_to_go_there(database: Database):
    """What was withheld does not count."""
    with database.write() as connection:
        study_id, ids = two_results(connection)
        deliveries.add(connection, ids, "clinic", DeliveryState.WITHHELD)

        assert deliveries.known(connection, study_id, "pacs")
        assert not deliveries.known(connection, study_id, "clinic")


def test_no_results_are_no_deliveries(database: Database):
    """A study without results has nothing on its way."""
    with database.write() as connection:
        deliveries.add(connection, [], "pacs")

        assert deliveries.counts(connection) == {}
