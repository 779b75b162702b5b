"""Predictions and results, on both databases."""

from dataclasses import replace

from sqlalchemy import update

from db import results, retractions, studies
from db.engine import Connection, Database
from db.records import ScorePair, StoredPrediction
from db.retractions import Wanted
from db.schema import result
from db.vocabulary import RejectionReason
from tests.db.rows import NOW, add_job, add_result, add_study, later


def made(connection: Connection, version: str = "m1") -> StoredPrediction:
    """A prediction for the only instance there is."""
    (instance,) = studies.instances(connection)
    return StoredPrediction(
        instance_id=instance.id,
        model_version=version,
        rows=128,
        columns=96,
        scores=[{"finding": "Mass", "probability": 0.1 + 0.2, "boxes": [[1, 2, 3, 4, 60]]}],
        cam=bytes(range(256)),
        cam_shape=(1, 8, 8),
    )


def test_prediction_comes_back_as_it_was(database: Database):
    """A kept prediction has its probabilities to the last bit."""
    with database.write() as connection:
        add_study(connection)
        prediction = made(connection)

        results.add_prediction(connection, prediction, NOW)

        assert results.prediction_of(connection, prediction.instance_id, "m1") == prediction
        assert results.prediction_of(connection, prediction.instance_id, "m2") is None


def test_prediction_is_kept_once_for_each_model(database: Database):
    """What a model said first stands; another model version has its own say."""
    with database.write() as connection:
        add_study(connection)
        first = made(connection)
        results.add_prediction(connection, first, NOW)

        results.add_prediction(connection, replace(first, scores=[]), later(1))
        results.add_prediction(connection, made(connection, "m2"), later(1))

        assert results.prediction_of(connection, first.instance_id, "m1") == first
        assert results.prediction_of(connection, first.instance_id, "m2") == made(connection, "m2")


def test_results_are_listed_by_revision_in_the_order_they_were_built(database: Database):
    """A revision's report comes before its pictures, and another revision's are not among them."""
    with database.write() as connection:
        study_id = add_study(connection)
        job_id = add_job(connection, study_id)
        for number, revision, kind in ((1, 1, "sr"), (2, 1, "seg"), (3, 2, "sr")):
            add_result(connection, study_id, job_id, number, revision=revision, kind=kind)

        assert [result.kind for result in results.of_revision(connection, study_id, 1)] == ["sr", "seg"]
        assert [result.sop_instance_uid for result in results.every(connection)] == [
            "2.25.5001",
            "2.25.5002",
            "2.25.5003",
        ]


def test_predecessor_is_the_latest_report_before(database: Database):
    """A third report names the second as its predecessor, and the first names none."""
    with database.write() as connection:
        study_id = add_study(connection)
        job_id = add_job(connection, study_id)
        for revision in (1, 2, 3):
            add_result(connection, study_id, job_id, revision, revision=revision)
        add_result(connection, study_id, job_id, 9, revision=2, kind="seg")

        predecessor = results.previous(connection, study_id, 3, ("sr",))

        assert results.previous(connection, study_id, 1, ("sr",)) is None
    assert predecessor is not None
    assert predecessor.sop_instance_uid == "2.25.5002"


def test_readers_of_each_instance(database: Database):
    """Of each image of a study it is known which models have read it; of another study nothing is told."""
    with database.write() as connection:
        study_id = add_study(connection)
        for version in ("m1", "m2"):
            results.add_prediction(connection, made(connection, version), NOW)
        (instance,) = studies.instances(connection)
        other = add_study(connection, "2.25.8")

        assert results.readers(connection, study_id) == {instance.id: {"m1", "m2"}}
        assert results.readers(connection, other) == {}


def test_pairs_are_of_images_that_both_models_have_read(database: Database):
    """An image that only one model has read is in no pair, and older ones than asked for are left out."""
    with database.write() as connection:
        study_id = add_study(connection)
        first, second = made(connection, "m1"), replace(made(connection, "m2"), scores=[])
        results.add_prediction(connection, first, NOW)

        assert list(results.pairs(connection, "m1", "m2")) == []
        results.add_prediction(connection, second, NOW)
        pair = ScorePair(instance_id=first.instance_id, study_id=study_id, first=first.scores, second=[])
        assert list(results.pairs(connection, "m1", "m2")) == [pair]
        assert list(results.pairs(connection, "m1", "m2", since=NOW)) == [pair]
        assert list(results.pairs(connection, "m1", "m2", since=later(1))) == []


def test_later_revision_supersedes_what_it_has_a_kind_of(database: Database):
    """A report and masks give way to later ones that hold; what was taken back supersedes nothing, and is no more."""
    with database.write() as connection:
        study_id = add_study(connection)
        other_id = add_study(connection, "2.25.2")
        job_id = add_job(connection, study_id)
        kinds = [(1, "sr"), (1, "seg"), (1, "overlay"), (2, "not_processed"), (2, "seg"), (2, "sr"), (3, "sr")]
        ids = [
            add_result(connection, study_id, job_id, number, revision=revision, kind=kind)
            for number, (revision, kind) in enumerate(kinds)
        ]
        ids.append(add_result(connection, other_id, job_id, 9, revision=4, kind="overlay"))
        of = dict(zip(ids, [*kinds, (4, "overlay")], strict=True))

        def superseded() -> dict[tuple[int, str], int]:
            return {of[id_]: revision for id_, revision in results.superseded(connection, ids).items()}

        three = {(1, "sr"): 3, (1, "seg"): 2, (2, "not_processed"): 3, (2, "sr"): 3}
        assert superseded() == three
        connection.execute(update(result).where(result.c.id == ids[6]).values(retracted_at=NOW))
        assert superseded() == {(1, "sr"): 2, (1, "seg"): 2, (2, "not_processed"): 2}
        retractions.retract(connection, study_id, Wanted(), RejectionReason.QUALITY, NOW)
        assert superseded() == {}
