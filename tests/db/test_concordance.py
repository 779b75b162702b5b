"""Model beside reports: rows worked out by hand, kept in step with whatever changes, on both databases."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import literal, select

from db import agreement, concordance, discrepancies, frontals, linking, results, retractions, schema, standing, studies
from db.agreement import Group
from db.engine import Connection, Database
from db.learning_records import Frontal
from db.retractions import Wanted
from db.vocabulary import Assertion, RejectionReason
from tests.db.label_rows import add_report, mine, say
from tests.db.rows import NOW, add_job, add_result, add_study, prediction, score

P, N, U = Assertion.POSITIVE, Assertion.NEGATIVE, Assertion.UNCERTAIN
WEEK = date(2026, 3, 9)
"""The Monday before NOW, a Saturday."""


def read(connection: Connection, uid: str, probabilities: Mapping[str, float], version: str = "m1") -> int:
    """A study that a model has read, every operating point at 0.5; its row id."""
    study_id = add_study(connection, uid)
    foresee(connection, study_id, probabilities, version)
    number = study_id * 10
    add_result(connection, study_id, add_job(connection, study_id), number, model_version=version)
    return study_id


def foresee(connection: Connection, study_id: int, probabilities: Mapping[str, float], version: str) -> None:
    """What a model says of the study's image."""
    (image,) = studies.instances(connection, study_id)
    scores = [score(value, name) for name, value in probabilities.items()]
    results.add_prediction(connection, prediction(image.id, version, scores=scores), NOW)
    frontals.record(connection, [Frontal(instance_id=image.id, view="PA")])


def report(connection: Connection, key: str, study_id: int, states: Mapping[str, Assertion], **values: Any) -> int:
    """A mined report of a study."""
    report_id = add_report(connection, key, studies=[study_id], **values)
    mine(connection, report_id, states)
    standing.refresh(connection, [report_id])
    return report_id


def differences(connection: Connection, **which: Any) -> list[tuple[int, str]]:
    """Study and finding of what is to be looked at, in order."""
    return [(each.found.study_id, each.found.finding) for each in discrepancies.unjudged(connection, **which)]


def test_what_a_person_judged_is_no_difference_any_more(database: Database) -> None:
    """Even where the person says what mining said; taken into the counts as the person says."""
    with database.write() as connection:
        first = read(connection, "2.25.1", {"Effusion": 0.9})
        second = read(connection, "2.25.2", {"Effusion": 0.9})
        report_id = report(connection, "1", first, {"Effusion": N})
        report(connection, "2", second, {"Effusion": N})
        say(connection, "Effusion", N, report_id=report_id)
        say(connection, "Effusion", P, study_id=second)

        left, counts = differences(connection), agreement.counted(connection, Group())

    assert left == []
    assert {(each.present, each.reported): each.number for each in counts} == {(True, False): 1, (True, True): 1}


def test_a_report_that_came_after_the_result_is_left_out(database: Database) -> None:
    """It may repeat what the node said: no difference to judge, and not counted."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.9})
        sent = select(schema.result.c.id, literal("pacs"), literal("sent"))
        connection.execute(schema.delivery.insert().from_select(["result_id", "destination", "state"], sent))
        report(connection, "1", study_id, {"Effusion": N}, received_at=NOW + timedelta(hours=1))
        kept = concordance.of_study(connection, study_id, "Effusion")

        assert kept is not None
        assert (kept.repeated, kept.rank) == (True, None)
        assert agreement.counted(connection, Group()) == []


def test_counts_follow_what_holds(database: Database) -> None:
    """A label that changes goes from one cell to another; a result that is taken back takes its readings along."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.9, "Mass": 0.1})
        report_id = report(connection, "1", study_id, {"Effusion": N})
        before = _cells(connection)
        mine(connection, report_id, {"Effusion": P}, lexicon_version="lex3", mined_at=NOW + timedelta(hours=1))
        standing.refresh(connection, [report_id])
        after = _cells(connection)
        retractions.retract(connection, study_id, Wanted(), RejectionReason.QUALITY, NOW)
        concordance.refresh(connection, [study_id])
        gone = _cells(connection)

    assert before == {("Effusion", True, False): 1, ("Mass", False, False): 1}
    assert after == {("Effusion", True, True): 1, ("Mass", False, False): 1}
    assert gone == {}


def _cells(connection: Connection) -> dict[tuple[str, bool, bool], int]:
    return {(each.finding, each.present, each.reported): each.number for each in agreement.counted(connection, Group())}


def test_the_model_of_the_newest_result_counts(database: Database) -> None:
    """Not a shadow model, and not the one before."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.1})
        foresee(connection, study_id, {"Effusion": 0.2}, "shadow")
        foresee(connection, study_id, {"Effusion": 0.9}, "m2")
        job_id = add_job(connection, study_id, 2)
        add_result(connection, study_id, job_id, 2, revision=2, model_version="m2")
        report(connection, "1", study_id, {"Effusion": N})
        found = concordance.of_study(connection, study_id, "Effusion")

        assert found is not None
        assert (found.model_version, found.probability, found.present) == ("m2", 0.9, True)
        assert agreement.groups(connection) == {"model_version": ["m2"], "sender": ["MODALITY"], "view": ["PA"]}


def test_a_link_that_comes_late_is_found_by_the_sweep(database: Database) -> None:
    """The studies for which a sweep changes anything are said."""
    with database.write() as connection:
        study_id = read(connection, "2.25.1", {"Effusion": 0.9})
        report_id = add_report(connection, "1", accession_number="A1")
        mine(connection, report_id, {"Effusion": N})
        standing.refresh(connection, [report_id])
        nothing = differences(connection)
        changed = linking.link_everything(connection, NOW)
        missing = concordance.absent(connection, after=0, limit=10)
        concordance.refresh(connection, changed)

        assert (nothing, changed, missing) == ([], [study_id], [study_id])
        assert differences(connection) == [(study_id, "Effusion")]
        assert concordance.absent(connection, after=0, limit=10) == []
