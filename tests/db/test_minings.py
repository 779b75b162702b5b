"""Readings of reports with their mentions and labels; on both databases."""

from dataclasses import replace
from datetime import datetime

from db import minings, reports
from db.engine import Connection, Database
from db.report_records import MinedMention, MinerIdentity, Mining, ReportStatus
from db.vocabulary import Assertion
from tests.db.rows import NOW, later
from tests.db.test_reports import message, version

CODED = MinerIdentity(lexicon_version="lex1", rules_version="rules1", language_model="small-1", policy="coded")
STRICT = replace(CODED, policy="strict")
NEWER = replace(CODED, lexicon_version="lex2")
EFFUSION = MinedMention(
    concept="Pleural effusion",
    code="60046008",
    scheme="SCT",
    kind="disease",
    finding="Effusion",
    assertion=Assertion.POSITIVE,
    sentence="Small effusion.",
    start=6,
    end=14,
    section="findings",
    rule_id="asserted",
    fired=("asserted",),
)
FRACTURE = replace(EFFUSION, concept="Fracture", code="125605004", finding=None, assertion=Assertion.NEGATIVE, fired=())


def reading(report_id: int, *mentions: MinedMention, miner: MinerIdentity = CODED, at: datetime = NOW) -> Mining:
    """A reading whose labels are decided by the first mention of each finding."""
    places = {each.finding: place for place, each in reversed(list(enumerate(mentions))) if each.finding}
    return Mining(
        report_id=report_id,
        miner=miner,
        readability="mined",
        normal=not mentions,
        mined_at=at,
        mentions=mentions,
        labels=places,
    )


def add_reports(connection: Connection, number: int) -> None:
    """So many reports of one version each; their ids are 1, 2, 3 ..."""
    for place in range(number):
        new = version(f"A{place}", report_key=f"F{place}", text=f"Report {place}.")
        reports.record(connection, message(new, control_id=f"M{place}"))


def test_reading_is_kept_with_its_mentions_and_labels(database: Database):
    """What was written is read back, mention by mention, in their order."""
    second = replace(EFFUSION, assertion=Assertion.NEGATIVE, start=40, end=48, rule_id="no", fired=("no", "denies"))
    full, empty = reading(1, FRACTURE, EFFUSION, second), reading(2)
    with database.write() as connection:
        add_reports(connection, 2)

        assert minings.record(connection, [full, empty]) == 2

        assert minings.of_report(connection, 1) == [full]
        assert minings.current(connection, [1, 2]) == {1: full, 2: empty}
        assert full.state("Effusion") is Assertion.POSITIVE
        assert full.state("Mass") is Assertion.UNMENTIONED
        assert minings.counts(connection) == {"mined": 2}


def test_second_worker_on_one_backlog_writes_nothing_twice(database: Database):
    """Two workers that mined the same report leave one reading with one set of mentions."""
    with database.write() as connection:
        add_reports(connection, 3)
        minings.record(connection, [reading(1, EFFUSION), reading(2, EFFUSION)])

        new = minings.record(connection, [reading(2, EFFUSION), reading(3, EFFUSION)])

        assert new == 1
        assert [len(minings.of_report(connection, each)) for each in (1, 2, 3)] == [1, 1, 1]
        assert len(minings.of_report(connection, 2)[0].mentions) == 1


def test_newer_lexicon_makes_new_readings_and_keeps_the_old(database: Database):
    """The newest reading holds; what was said before can still be looked up."""
    with database.write() as connection:
        add_reports(connection, 1)
        minings.record(connection, [reading(1, EFFUSION)])
        minings.record(connection, [reading(1, miner=NEWER, at=later(1))])

        assert [each.miner for each in minings.of_report(connection, 1)] == [NEWER, CODED]
        assert minings.current(connection, [1])[1].miner == NEWER
        assert [tuple(row) for row in connection.execute(minings.held())] == [(1, 2)]


def test_policy_that_is_taken_back_holds_again(database: Database):
    """coded, strict, and coded again: no third reading, and the coded one is in force."""
    with database.write() as connection:
        add_reports(connection, 1)
        minings.record(connection, [reading(1, EFFUSION)])
        minings.record(connection, [reading(1, miner=STRICT, at=later(1))])
        assert minings.unmined(connection, CODED) == [1]

        new = minings.record(connection, [reading(1, EFFUSION, at=later(2))])

        assert new == 0
        assert minings.unmined(connection, CODED) == []
        assert minings.unmined(connection, STRICT) == [1]
        assert minings.current(connection, [1])[1] == reading(1, EFFUSION, at=later(2))


def test_unmined_are_named_within_bounds(database: Database):
    """A worker asks for what is left up to its job's report, after what it knows to be done."""
    with database.write() as connection:
        add_reports(connection, 6)
        minings.record(connection, [reading(2), reading(3)])

        assert minings.unmined(connection, CODED) == [1, 4, 5, 6]
        assert minings.unmined(connection, CODED, after=1, up_to=5) == [4, 5]
        assert minings.unmined(connection, CODED, limit=2) == [1, 4]
        assert minings.unmined(connection, STRICT) == [1, 2, 3, 4, 5, 6]
        assert minings.unmined_count(connection, CODED) == 4


def test_only_current_versions_if_asked(database: Database):
    """A preliminary version that a final one has overtaken is not mined again for its own sake."""
    preliminary = version(status=ReportStatus.PRELIMINARY)
    with database.write() as connection:
        reports.record(connection, message(preliminary, control_id="1"))
        reports.record(connection, message(version(), control_id="2"))

        assert minings.unmined(connection, CODED) == [1, 2]
        assert minings.unmined(connection, CODED, only_current=True) == [2]


def test_texts_come_in_order_and_no_longer_than_asked(database: Database):
    """Of a text of absurd length only the beginning is loaded."""
    with database.write() as connection:
        add_reports(connection, 3)

        first, second = minings.texts(connection, [3, 1], 6)

    assert (first.id, first.text, second.id) == (1, "Report", 3)
    assert [each.suffix for each in first.sections] == ["GDT", "IMP"]


def test_many_readings_in_one_transaction(database: Database):
    """More than one statement can name ids of."""
    with database.write() as connection:
        add_reports(connection, 700)

        written = minings.record(connection, [reading(each, EFFUSION) for each in range(1, 701)])

        assert written == 700
        found = minings.current(connection, list(range(1, 701)))
    assert all(each.state("Effusion") is Assertion.POSITIVE for each in found.values())
    assert len(found) == 700
