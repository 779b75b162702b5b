"""What is written down of each report says what the labels in force say, whatever happened, on both databases."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from db import census, corrections, linking, minings, schema, standing, tally
from db.engine import Connection, Database
from db.report_records import MinedMention
from db.vocabulary import EIGHT, FINDINGS, NORMAL, Assertion
from tests.db.label_rows import N, P, U, add_report, fill, mine, say
from tests.db.races import race
from tests.db.rows import NOW, add_study, later
from tests.db.test_minings import EFFUSION, NEWER, reading

EIGHT_NAMES = tuple(finding.name for finding in EIGHT)


def test_a_number_holds_what_a_report_says(database: Database):
    """Two bits a finding: Effusion is the third, so positive is 3 * 4**2; Normal is the fifteenth."""
    with database.write() as connection:
        effusion = add_report(connection, "1")
        mine(connection, effusion, {"Effusion": P, "Atelectasis": N})
        normal = add_report(connection, "2")
        mine(connection, normal, {"Mass": N}, normal=True)
        unreadable = add_report(connection, "3")
        mine(connection, unreadable, readability="not_english")
        add_report(connection, "4")

        standing.refresh(connection, [effusion, normal, unreadable, unreadable + 1])
        numbers, of_nothing = standing.counted(connection)

    assert numbers == {3 * 4**2 + 1: 1, 3 * 4**14 + 1 * 4**4: 1}
    assert of_nothing == 1
    assert standing.unpacked(3 * 4**2 + 1) == standing.Standing(states={"Atelectasis": N, "Effusion": P}, normal=False)
    assert standing.unpacked(3 * 4**14 + 4**4) == standing.Standing(states={"Mass": N}, normal=True)


@pytest.mark.parametrize("names", [EIGHT_NAMES, tuple(FINDINGS)], ids=["8", "14"])
def test_counts_are_those_of_the_labels_in_force(database: Database, names: tuple[str, ...]):
    """Of the store that was counted by hand: corrected, cancelled, of another examination, unreadable, not mined."""
    with database.write() as connection:
        ids = fill(connection)
        standing.refresh(connection, list(range(1, ids["r9"] + 1)))

        assert_same(connection, names)
        assert census.at_once(connection).not_mined == 1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_written_the_counts_follow(database: Database, seed: int):
    """Versions come and are mined, miners change, people correct and take back, studies are linked."""
    chance = random.Random(seed)
    with database.write() as connection:
        studies = [add_study(connection, f"2.25.{n}") for n in range(3)]
        said: list[int] = []
        for step in range(40):
            _happen(connection, chance, studies, said, step)
        assert_same(connection, tuple(FINDINGS))
        labels = connection.execute(schema.standing_label.select()).all()

    assert labels


def _happen(connection: Connection, chance: random.Random, studies: list[int], said: list[int], step: int) -> None:
    reports = list(connection.execute(schema.report.select().with_only_columns(schema.report.c.id)).scalars())
    what = chance.choice(["report", "report", "mine", "correct", "correct", "study", "take back", "link", "fail"])
    if what == "report" or not reports:
        key = str(chance.randrange(6))
        status = chance.choice(["final", "final", "corrected", "cancelled"])
        at = NOW + timedelta(minutes=chance.randrange(60))
        new = add_report(connection, key, study_instance_uid=f"2.25.{int(key) % 3}", status=status, version_at=at)
        minings.record(connection, [reading(new, *_mentions(chance))])
    elif what == "mine":
        minings.record(connection, [reading(chance.choice(reports), *_mentions(chance), miner=NEWER, at=later(step))])
    elif what == "fail":
        nothing = replace(reading(chance.choice(reports), at=later(step)), readability="not_english", normal=False)
        minings.record(connection, [nothing])
    elif what == "correct":
        said.append(_correct(connection, chance, step, report_id=chance.choice(reports)))
    elif what == "study":
        said.append(_correct(connection, chance, step, study_id=chance.choice(studies)))
    elif what == "take back" and said:
        corrections.take_back(connection, chance.choice(said), actor="dr.lee", now=later(step))
    elif what == "link":
        linking.link_studies(connection, studies, NOW)
        standing.refresh_linked(connection, studies)


def _mentions(chance: random.Random) -> list[MinedMention]:
    found = chance.sample(["Effusion", "Mass", "Edema"], chance.randrange(4))
    return [replace(EFFUSION, finding=name, assertion=chance.choice([P, N, U])) for name in found]


def _correct(connection: Connection, chance: random.Random, step: int, **of: int) -> int:
    finding = chance.choice(["Effusion", "Mass", NORMAL])
    state = chance.choice([P, N] if finding == NORMAL else list(Assertion))
    return say(connection, finding, state, after_s=step, **of)


def assert_same(connection: Connection, names: tuple[str, ...]) -> None:
    """The counts that are written down are those that are worked out."""
    slow, quick = (tally.summed(read(connection), names) for read in (census.whole, census.at_once))
    assert [(r.label, r.reports, r.overlap, r.uncertain, r.negative) for r in quick[0].rows] == [
        (r.label, r.reports, r.overlap, r.uncertain, r.negative) for r in slow[0].rows
    ]
    assert (quick[1].matrix, quick[1].alone) == (slow[1].matrix, slow[1].alone)
    assert quick[0].counted.labelled == slow[0].counted.labelled
    assert quick[0].counted.unreadable == slow[0].counted.unreadable


def test_what_an_older_version_mined_is_found_and_written_down(database: Database):
    """Once; a report that is cancelled or not mined is none of it."""
    with database.write() as connection:
        fill(connection)
        missing = standing.absent(connection, after=0, limit=100)
        standing.refresh(connection, missing)

        assert standing.absent(connection, after=0, limit=100) == []
        assert_same(connection, EIGHT_NAMES)


def test_two_at_once_leave_what_both_said(database: Database):
    """Each of eight people says something else of one report: whoever is last has seen the others."""
    findings = list(FINDINGS)[:8]
    with database.write() as connection:
        report_id = add_report(connection, "1")

    def correct(number: int) -> None:
        with database.write() as connection:
            say(connection, findings[number], P, report_id=report_id)

    race(8, correct)

    with database.read() as connection:
        (states,) = standing.counted(connection)[0]
    assert set(standing.unpacked(states).states) == set(findings)


def test_a_label_taken_back_lets_the_one_before_hold(database: Database):
    """Mined, then two people; the second takes their own back, then the first; a third time changes nothing."""
    with database.write() as connection:
        report_id = add_report(connection, "1")
        minings.record(connection, [reading(report_id, EFFUSION)])
        first = say(connection, "Effusion", N, after_s=1, report_id=report_id)
        second = say(connection, "Effusion", U, after_s=2, report_id=report_id)
        seen = [_effusion(connection)]
        taken = []
        for gold_id in (second, first, first):
            taken.append(corrections.take_back(connection, gold_id, actor="dr.lee", now=NOW))
            seen.append(_effusion(connection))

    assert taken == [True, True, False]
    assert seen == [U, N, P, P]


def _effusion(connection: Connection) -> Assertion:
    (states,) = standing.counted(connection)[0]
    return standing.unpacked(states).states["Effusion"]
