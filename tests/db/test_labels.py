"""The labels in force of reports and of studies, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import audit, gold, labels, minings
from db.engine import Connection, Database
from db.gold import Gold
from db.label_records import ReportLabels, StudyLabels
from db.vocabulary import EIGHT, NORMAL, Assertion
from tests.db.label_rows import N, P, U, add_report, fill, mine, say
from tests.db.rows import NOW, add_study

STATES = st.dictionaries(st.sampled_from([f.name for f in EIGHT]), st.sampled_from([P, N, U]))


def report_of(connection: Connection, key: str) -> ReportLabels:
    """The labels of the report with this key."""
    (found,) = labels.of_reports(connection, accession_number=f"A{key}")
    return found


def study_of(connection: Connection, uid: str) -> StudyLabels:
    """The labels of the study with this UID."""
    (found,) = labels.of_studies(connection, study_instance_uid=uid)
    return found


def test_reports_that_count_have_the_labels_of_their_current_version(database: Database):
    """Cancelled reports, other examinations and superseded versions and minings say nothing."""
    with database.write() as connection:
        ids = fill(connection)

        found = {each.report_id: (dict(each.states), each.normal) for each in labels.of_reports(connection)}

    assert found == {
        ids["r1"]: ({"Effusion": P, "Atelectasis": P, "Pneumothorax": N}, False),
        ids["r2"]: ({"Mass": N}, True),
        ids["r4"]: ({"Effusion": P}, False),
        ids["r5"]: ({"Effusion": N, "Nodule": U}, False),
        ids["r7"]: ({}, False),
        ids["r8"]: ({}, False),
        ids["r9"]: ({"Edema": P}, False),
    }


def test_a_label_says_where_it_is_from(database: Database):
    """Report, mining, versions and studies of a mined label; person and time of a gold one."""
    with database.write() as connection:
        ids = fill(connection)
        mined, corrected = report_of(connection, "9"), report_of(connection, "4")

    assert mined.mining is not None
    assert (mined.mining.miner.lexicon_version, mined.mining.miner.policy) == ("lex2", "coded")
    assert (mined.study_ids, mined.gold, mined.readable) == ((), {}, True)
    assert corrected.study_ids == (ids["four"],)
    assert corrected.mining is not None
    assert corrected.mining.states == {"Effusion": U}
    assert (corrected.gold["Effusion"].actor, corrected.gold["Effusion"].at) == ("dr.lee", NOW)


def test_studies_put_their_reports_together(database: Database):
    """Positive outweighs uncertain and negative; a study without a report that counts is not there."""
    with database.write() as connection:
        fill(connection)

        found = {each.study_instance_uid: (dict(each.states), each.normal) for each in labels.of_studies(connection)}

    assert found == {
        "2.25.1": ({"Effusion": P, "Atelectasis": P, "Pneumothorax": N, "Nodule": U}, False),
        "2.25.2": ({"Mass": N}, True),
        "2.25.4": ({"Effusion": P}, False),
        "2.25.5": ({}, False),
    }


def test_unlinked_reports_can_be_had_alone(database: Database):
    """What has no study yet is found, and nothing else."""
    with database.write() as connection:
        ids = fill(connection)

        found = [each.report_id for each in labels.of_reports(connection, unlinked=True, newest_first=True)]

    assert found == [ids["r9"], ids["r8"]]


def test_what_was_left_out_is_counted(database: Database):
    """One report is cancelled, one is a CT; a superseded version is neither."""
    with database.write() as connection:
        fill(connection)

        found = labels.left_out(connection)

    assert (found.cancelled, found.other_examination) == (1, 1)


def test_a_reading_made_again_holds_again(database: Database):
    """The mining that was made last holds, not the row that was added last; `db.minings` says the same."""
    with database.write() as connection:
        report_id = add_report(connection, "1")
        mining_id = mine(connection, report_id, {"Mass": P}, mined_at=NOW + timedelta(days=2))
        mine(connection, report_id, {"Nodule": P}, lexicon_version="lex1", mined_at=NOW + timedelta(days=1))

        assert report_of(connection, "1").states == {"Mass": P}
        assert list(connection.execute(minings.held())) == [(report_id, mining_id)]


def test_the_newest_gold_holds_whatever_version_it_was_said_of(database: Database):
    """A correction outlives the version that it was made on, and a later one takes its place."""
    with database.write() as connection:
        old = add_report(connection, "1")
        new = add_report(connection, "1", status="corrected", version_at=NOW + timedelta(hours=1))
        mine(connection, new, {"Effusion": P, "Mass": P})
        say(connection, "Effusion", U, report_id=new)
        say(connection, "Effusion", N, report_id=old, after_s=5)
        say(connection, "Mass", Assertion.UNMENTIONED, report_id=old)

        found = report_of(connection, "1")

    assert found.states == {"Effusion": N}
    assert found.gold["Mass"].assertion is Assertion.UNMENTIONED


def test_gold_of_the_same_key_elsewhere_is_of_another_report(database: Database):
    """Two sites number their reports alike."""
    with database.write() as connection:
        ours, theirs = add_report(connection, "1"), add_report(connection, "1", source="CLINIC")
        for report_id in (ours, theirs):
            mine(connection, report_id, {"Mass": P})
        say(connection, "Mass", N, report_id=theirs)

        found = {each.name[0]: each.states for each in labels.of_reports(connection)}

    assert found == {"HOSPITAL": {"Mass": P}, "CLINIC": {"Mass": N}}


def test_gold_on_one_report_decides_for_its_study_but_not_for_the_other_report(database: Database):
    """A person saw the picture; the other report still says what it says."""
    with database.write() as connection:
        study_id = add_study(connection)
        first, second = (add_report(connection, key, studies=[study_id]) for key in ("1", "2"))
        for report_id in (first, second):
            mine(connection, report_id, {"Effusion": P})
        say(connection, "Effusion", N, report_id=first)

        assert study_of(connection, "2.25.1").states == {"Effusion": N}
        assert report_of(connection, "2").states == {"Effusion": P}


def test_a_study_that_only_people_labelled_is_there(database: Database):
    """Without any report, gold alone is enough; gold of a cancelled report is not."""
    with database.write() as connection:
        first, second = add_study(connection, "2.25.1"), add_study(connection, "2.25.2")
        say(connection, "Pneumothorax", P, study_id=first)
        cancelled = add_report(connection, "1", studies=[second], status="cancelled")
        say(connection, "Pneumothorax", P, report_id=cancelled)

        (found,) = labels.of_studies(connection)

    assert (found.study_instance_uid, found.reports, found.states) == ("2.25.1", (), {"Pneumothorax": P})


@pytest.mark.parametrize(
    ("mined", "said", "normal"),
    [
        pytest.param({"normal": True}, [], True, id="as mined"),
        pytest.param({"normal": True}, [("Mass", P)], False, id="a person found something"),
        pytest.param({"normal": True}, [("Mass", U)], False, id="a person doubts"),
        pytest.param({"normal": True}, [("Mass", N)], True, id="a person confirms"),
        pytest.param({"normal": True}, [(NORMAL, N)], False, id="a person says it is not"),
        pytest.param({"states": {"Mass": P}}, [("Mass", N)], False, id="a finding taken back leaves it open"),
        pytest.param({"states": {"Mass": P}}, [("Mass", N), (NORMAL, P)], True, id="and the person says so"),
        pytest.param({"states": {"Mass": P}}, [(NORMAL, P)], False, id="a finding always wins"),
    ],
)
def test_normal_once_people_have_spoken(
    database: Database, mined: dict[str, Any], said: list[tuple[str, Assertion]], normal: bool
):
    """Normal is what people say, else what mining says, never together with a finding, of report and study."""
    with database.write() as connection:
        report_id = add_report(connection, "1", studies=[add_study(connection)])
        mine(connection, report_id, **mined)
        for finding, assertion in said:
            say(connection, finding, assertion, report_id=report_id)

        assert report_of(connection, "1").normal is normal
        assert study_of(connection, "2.25.1").normal is normal


@pytest.mark.parametrize("second", ["not mined", "not english", "silent"])
def test_a_study_is_normal_if_each_of_its_reports_is(database: Database, second: str):
    """A report of which nothing is known keeps its study from Normal."""
    with database.write() as connection:
        study_id = add_study(connection)
        mine(connection, add_report(connection, "1", studies=[study_id]), normal=True)
        assert study_of(connection, "2.25.1").normal
        other = add_report(connection, "2", studies=[study_id])
        if second != "not mined":
            mine(connection, other, readability="not_english" if second == "not english" else "mined")

        assert not study_of(connection, "2.25.1").normal


def test_a_correction_is_audited_without_its_reason(database: Database):
    """The audit log has who, what and before; words that may name a patient are in the gold row alone."""
    with database.write() as connection:
        report_id = add_report(connection, "1")
        gold_id = say(connection, "Mass", P, report_id=report_id)

        (entry,) = audit.newest(connection, 5)
        held = gold.every(connection).of([("HOSPITAL", "1")], [])

    assert (entry.actor, entry.action, entry.subject) == ("dr.lee", "label.correct", f"report {report_id}")
    assert entry.detail == {"gold": gold_id, "finding": "Mass", "before": "unmentioned", "after": "positive"}
    assert held["Mass"].reason == "seen on the film of Jane Doe"


@given(st.lists(STATES, max_size=4))
def test_together_is_the_strongest_of_each_finding_in_any_order(states: list[dict[str, Assertion]]):
    """Which report came first does not matter, and nothing is lost."""
    found = labels.together(states)

    assert found == labels.together(states[::-1])
    for finding in {name for each in states for name in each}:
        said = [each[finding] for each in states if finding in each]
        assert found[finding] is (P if P in said else U if U in said else N)


@given(
    STATES, st.booleans(), st.dictionaries(st.sampled_from(["Mass", "Effusion", NORMAL]), st.sampled_from(Assertion))
)
def test_normal_never_stands_beside_a_finding(mined: dict[str, Assertion], normal: bool, said: dict[str, Assertion]):
    """Whatever mining and people say, what is positive or uncertain is not Normal, and Normal is no finding."""
    states, is_normal = labels.in_force(mined, normal, {name: _gold(name, state) for name, state in said.items()})

    assert not (is_normal and {P, U} & set(states.values()))
    assert NORMAL not in states
    assert Assertion.UNMENTIONED not in states.values()


def _gold(finding: str, assertion: Assertion) -> Gold:
    return Gold(id=1, study_id=1, report_id=None, finding=finding, assertion=assertion, actor="a", reason="", at=NOW)
