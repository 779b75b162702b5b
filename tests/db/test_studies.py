"""Studies and instances: arrival, the quiet period, revisions; on both databases."""

from db import studies
from db.engine import Connection, Database
from db.records import Study, StudyState
from db.vocabulary import Reason
from tests.db.races import race
from tests.db.rows import NOW, arrival, later


def the_study(connection: Connection) -> Study:
    """The one study there is."""
    (study,) = studies.newest(connection, 10)
    return study


def test_first_instance_makes_its_study(database: Database):
    """A study appears with its first instance, waiting for more."""
    with database.write() as connection:
        new = studies.record_arrival(connection, arrival(), settle_at=later(5))

        study = the_study(connection)
        (instance,) = studies.instances(connection, study.id)
    assert new
    assert (study.state, study.revision, study.settle_at) == (StudyState.ARRIVING, 0, later(5))
    assert (study.patient_id, study.accession_number) == ("P1", "A1")
    assert (instance.sop_instance_uid, instance.path, instance.reason) == ("2.25.1001", "2026/03/14/1.dcm", None)


def test_each_instance_restarts_the_quiet_period(database: Database):
    """A study is not read while instances still come."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=later(5))
        studies.record_arrival(connection, arrival(2, received_at=later(4)), settle_at=later(9))

        assert studies.settled(connection, later(8)) == []
        assert studies.settled(connection, later(9)) == [the_study(connection)]
        assert (the_study(connection).first_received_at, the_study(connection).last_received_at) == (NOW, later(4))


def test_same_bytes_again_change_nothing(database: Database):
    """A repeated instance is known, and its study does not wait anew."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=later(5))
        before = the_study(connection)

        new = studies.record_arrival(connection, arrival(received_at=later(4), path="other.dcm"), settle_at=later(9))

        assert not new
        assert the_study(connection) == before
        assert [instance.path for instance in studies.instances(connection)] == ["2026/03/14/1.dcm"]


def test_other_bytes_under_a_known_uid_are_kept_beside_the_first(database: Database):
    """A second image with the UID of the first is kept, says why it is not read, and restarts nothing."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=later(5))
        other = arrival(sha256="f" * 64, path="other.dcm", received_at=later(4))

        new = studies.record_arrival(connection, other, settle_at=later(9))

        first, second = studies.instances(connection)
        assert studies.instance_uids(connection) == ["2.25.1001"]
        assert the_study(connection).settle_at == later(5)
    assert new
    assert (first.reason, second.reason) == (None, Reason.DUPLICATE_UID)
    assert (second.reason_detail, second.reason_tag) == (Reason.DUPLICATE_UID.sentence, "(0008,0018)")


def test_same_instance_over_eight_associations_is_stored_once(database: Database):
    """A modality that sends one image by several ways at once is answered, and the image is there once."""

    def receive(number: int) -> bool:
        with database.write() as connection:
            return studies.record_arrival(connection, arrival(path=f"{number}.dcm"), settle_at=later(5))

    new = race(8, receive)

    with database.read() as connection:
        assert len(studies.instances(connection)) == 1
    assert sorted(new) == [False] * 7 + [True]


def test_of_eight_images_with_one_uid_at_once_one_is_read(database: Database):
    """Eight different images that claim one UID at the same moment are all kept, and one of them is to be read."""

    def receive(number: int) -> None:
        other = arrival(sha256=f"{number:064x}", path=f"{number}.dcm", study_instance_uid=f"2.25.{number + 1}")
        with database.write() as connection:
            studies.record_arrival(connection, other, settle_at=later(5))

    race(8, receive)

    with database.read() as connection:
        reasons = [instance.reason for instance in studies.instances(connection)]
    assert sorted(reasons, key=str) == [None] + [Reason.DUPLICATE_UID] * 7


def test_release_settles_the_studies_of_its_association(database: Database):
    """With no quiet period the end of the association ends the wait, of its own studies only."""
    with database.write() as connection:
        for number in (1, 2):
            new = arrival(number, study_instance_uid=f"2.25.{number}")
            studies.record_arrival(connection, new, settle_at=later(60))

        studies.settle_now(connection, ["2.25.1"], NOW)

        assert [study.study_instance_uid for study in studies.settled(connection, NOW)] == ["2.25.1"]


def test_settled_study_is_queued_once(database: Database):
    """A study whose quiet period is over gets revision 1 and is no longer waiting."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=NOW)
        (settled,) = studies.settled(connection, NOW)

        revision = studies.begin_revision(connection, settled)

        study = the_study(connection)
        assert studies.settled(connection, later(99)) == []
        assert studies.unsettled_count(connection) == 0
    assert (revision, study.revision, study.state) == (1, 1, StudyState.QUEUED)


def test_reconcilers_that_race_queue_a_study_once(database: Database):
    """Four processes that find the same settled study make one revision of it."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=NOW)

    def settle(_number: int) -> list[int | None]:
        with database.read() as connection:
            found = studies.settled(connection, NOW)
        with database.write() as connection:
            return [studies.begin_revision(connection, study) for study in found]

    revisions = [revision for each in race(4, settle) for revision in each]

    assert [revision for revision in revisions if revision is not None] == [1]


def test_instance_that_comes_between_keeps_its_quiet_period(database: Database):
    """An image that arrives while its study is being queued restarts the wait: nothing is read too early."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=NOW)
        (settled,) = studies.settled(connection, NOW)
        studies.record_arrival(connection, arrival(2), settle_at=later(5))

        revision = studies.begin_revision(connection, settled)

        assert revision is None
        assert the_study(connection).settle_at == later(5)
        assert the_study(connection).revision == 0


def test_late_instance_makes_the_next_revision(database: Database):
    """An image after the reading takes the study back to arriving, and then to revision 2."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=NOW)
        studies.begin_revision(connection, the_study(connection))
        studies.end_revision(connection, the_study(connection).id, 1, StudyState.READ)
        ended = the_study(connection).state

        studies.record_arrival(connection, arrival(2), settle_at=later(5))

        assert the_study(connection).state is StudyState.ARRIVING
        assert studies.begin_revision(connection, the_study(connection)) == 2
    assert ended is StudyState.READ


def test_late_instance_during_the_reading_is_not_lost(database: Database):
    """An image that comes while its study is read leaves it arriving when the reading ends, and is read next."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=NOW)
        studies.begin_revision(connection, the_study(connection))
        studies.record_arrival(connection, arrival(2), settle_at=later(5))

        studies.end_revision(connection, the_study(connection).id, 1, StudyState.READ)

        assert the_study(connection).state is StudyState.ARRIVING
        assert [study.id for study in studies.settled(connection, later(5))] == [the_study(connection).id]


def test_end_of_an_old_revision_says_nothing_of_the_new(database: Database):
    """A worker that ends revision 1 late does not mark a study as read whose revision 2 is queued."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=NOW)
        studies.begin_revision(connection, the_study(connection))
        studies.record_arrival(connection, arrival(2), settle_at=later(5))
        studies.begin_revision(connection, the_study(connection))

        studies.end_revision(connection, the_study(connection).id, 1, StudyState.FAILED)

        assert the_study(connection).state is StudyState.QUEUED


def test_reason_is_kept_and_taken_back(database: Database):
    """An image says why it is not read, until it is read after all."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=NOW)
        (instance,) = studies.instances(connection)

        studies.set_reason(connection, instance.id, Reason.TOO_LARGE, "Too large.", "(0028,0010)")
        (marked,) = studies.instances(connection)
        studies.clear_reason(connection, instance.id)

        assert studies.instances(connection) == [instance]
    assert (marked.reason, marked.reason_detail, marked.reason_tag) == (Reason.TOO_LARGE, "Too large.", "(0028,0010)")


def test_counts_and_lists_are_by_state_and_newest_first(database: Database):
    """`cxr status` and `cxr studies` show what there is."""
    with database.write() as connection:
        for number in (1, 2, 3):
            new = arrival(number, study_instance_uid=f"2.25.{number}", received_at=later(number))
            studies.record_arrival(connection, new, settle_at=later(number))
        (first, *_) = studies.settled(connection, later(3))
        studies.begin_revision(connection, first)

        assert [study.study_instance_uid for study in studies.newest(connection, 2)] == ["2.25.3", "2.25.2"]
        assert studies.counts(connection) == {"arriving": 2, "queued": 1}
        assert studies.unsettled_count(connection) == 2
        assert studies.get(connection, first.id).state is StudyState.QUEUED
        assert studies.find(connection, "2.25.99") is None
