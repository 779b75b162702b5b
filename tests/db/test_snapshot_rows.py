"""Frontal images, boxes, the register of snapshots and kept studies, on both databases."""

from db import boxes, frontals, snapshots, studies
from db.engine import Database
from db.learning_records import DrawnBox, Frontal
from db.records import StudyState
from db.vocabulary import Reason, Split
from tests.db.rows import NOW, arrival, later

BOX = DrawnBox(finding="Mass", x=0.1, y=0.2, width=0.3, height=0.4, origin="NIH")


def test_only_frontal_images_without_a_reason_are_given(database: Database):
    """One that nobody looked at, and one that turned out to be broken, are not among the images."""
    with database.write() as connection:
        for number in (1, 2, 3):
            studies.record_arrival(connection, arrival(number), settle_at=NOW)
        frontals.record(connection, [Frontal(instance_id=1, view="PA"), Frontal(instance_id=2, view="AP")])
        frontals.record(connection, [Frontal(instance_id=1, view="AP", collection="later")])
        studies.set_reason(connection, 2, Reason.UNDECODABLE, "", None)

        (image,) = frontals.images(connection)
        unlooked = frontals.unlooked(connection, after=0, limit=10)

        assert (image.instance_id, image.view, image.source, image.patient_id) == (1, "PA", "MODALITY", "P1")
        assert [each.instance_id for each in unlooked] == [3]
        assert frontals.unlooked_count(connection) == 1


def test_a_collection_stands_for_the_calling_ae(database: Database):
    """An image of a public set names the set it is of."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=NOW)
        frontals.record(connection, [Frontal(instance_id=1, view="", collection="a/b")])

        assert [image.source for image in frontals.images(connection)] == ["a/b"]


def test_boxes_are_replaced(database: Database):
    """The same import again makes no second box."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), settle_at=NOW)
        boxes.replace(connection, {1: [BOX, BOX]})

        boxes.replace(connection, {1: [BOX]})

        assert boxes.every(connection) == {1: [BOX]}


def test_snapshots_are_entered_once_and_found_by_their_hash(database: Database):
    """The same content entered again stays as it was."""
    with database.write() as connection:
        for number, sha256 in enumerate(("ab" * 32, "ac" * 32, "ab" * 32)):
            snapshots.register(
                connection,
                sha256=sha256,
                folder=sha256[:12],
                created_at=later(number),
                findings=("Mass",),
                images={Split.TRAIN: 7, Split.TEST: 2},
                about={"policy": "coded"},
            )

        assert [each.sha256[:2] for each in snapshots.newest(connection)] == ["ac", "ab"]
        (found,) = snapshots.beginning_with(connection, "ab")
        assert found.created_at == NOW
        assert found.images == {Split.TRAIN: 7, Split.VALIDATION: 0, Split.TEST: 2}
        assert len(snapshots.beginning_with(connection, "a")) == 2
        assert snapshots.beginning_with(connection, "a%") == []


def test_a_kept_study_is_not_read_until_somebody_asks(database: Database):
    """An import settles nothing; a C-STORE of the same study, or a wish to have it read, does."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=None)
        studies.record_arrival(connection, arrival(2, study_instance_uid="2.25.7"), settle_at=None)
        assert studies.settled(connection, later(1e6)) == []
        assert studies.counts(connection) == {"kept": 2}

        studies.record_arrival(connection, arrival(3), settle_at=later(5))
        studies.awaken(connection, ["2.25.7", "2.25.8"], later(6))

        settled = studies.settled(connection, later(10))
        assert [each.study_instance_uid for each in settled] == ["2.25.1", "2.25.7"]


def test_an_import_leaves_a_study_that_is_here_as_it_is(database: Database):
    """An imported image of a study that was read does not have it read again."""
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1), settle_at=NOW)
        (study,) = studies.settled(connection, NOW)
        assert studies.begin_revision(connection, study) == 1
        studies.end_revision(connection, study.id, 1, StudyState.READ)

        studies.record_arrival(connection, arrival(2, received_at=later(5)), settle_at=None)

        after = studies.get(connection, study.id)
        assert (after.state, after.settle_at, after.last_received_at) == (StudyState.READ, None, later(5))
        assert studies.kept(connection, ["2.25.1"]) == []
