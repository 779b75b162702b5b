"""What modalities ask of the node, on both databases."""

from db import commitments, studies, trials
from db.engine import Connection, Database
from db.result_records import CommitmentRequest, SopReference
from tests.db.rows import NOW, arrival, later

IMAGE = SopReference(sop_class_uid="1.2.840.10008.5.1.4.1.1.1", sop_instance_uid="2.25.1001")


def ask(connection: Connection, transaction_uid: str = "2.25.7") -> CommitmentRequest:
    """DXROOM1 asks for one image."""
    return commitments.record(
        connection, transaction_uid=transaction_uid, calling_ae="DXROOM1", references=[IMAGE], now=NOW
    )


def test_request_is_kept_until_it_is_answered(database: Database):
    """What a modality asked is there as it asked it."""
    with database.write() as connection:
        request = ask(connection)
        commitments.answer(connection, "DXROOM1", "2.25.7", later(3))

        kept = commitments.get(connection, request.id)
    assert (request.references, request.asked, request.answered_at) == ((IMAGE,), 1, None)
    assert kept.answered_at == later(3)


def test_repeated_request_is_the_same_one_and_wants_an_answer_again(database: Database):
    """A modality whose answer was lost asks again under the same Transaction UID."""
    with database.write() as connection:
        first = ask(connection)
        commitments.answer(connection, "DXROOM1", "2.25.7", NOW)

        again = ask(connection)

        assert (again.id, again.asked, again.answered_at) == (first.id, 2, None)
        assert ask(connection, "2.25.8").id != first.id


def test_stored_instances_are_found_by_uid(database: Database):
    """What is stored under some UIDs; one that is not stored is left out."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=NOW)

        found = studies.with_uids(connection, ["2.25.1001", "2.25.4"])

        assert {uid: [each.sop_class_uid for each in there] for uid, there in found.items()} == {
            "2.25.1001": [IMAGE.sop_class_uid]
        }


def test_who_sent_a_study_the_last_one_first(database: Database):
    """Results go back to the AE that sent the study last."""
    with database.write() as connection:
        for number, title in enumerate(("A", "B", "A", "C"), start=1):
            studies.record_arrival(connection, arrival(number, calling_ae=title), settle_at=NOW)
        study = studies.find(connection, "2.25.1")
        assert study is not None

        assert studies.calling_aes(connection, study.id) == ["C", "A", "B"]


def test_answer_to_a_trial_is_found_by_its_transaction(database: Database):
    """The command that tries a destination finds what the running node heard."""
    with database.write() as connection:
        trials.ask(connection, "2.25.5", "pacs", NOW)
        before = trials.answer(connection, "2.25.5")

        known = trials.answered(connection, "2.25.5", {"2.25.1": "lost"}, NOW)

        assert (before, known, trials.answer(connection, "2.25.5")) == (None, True, {"2.25.1": "lost"})
        assert not trials.answered(connection, "2.25.6", {}, NOW)
