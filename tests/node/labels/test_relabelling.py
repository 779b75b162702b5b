"""What mining again would change, counted by hand."""

from dataclasses import replace

from db.vocabulary import Assertion
from node.labels.relabelling import Change, Relabelling, changes
from tests.db.test_minings import EFFUSION, NEWER, reading

NO_EFFUSION = replace(EFFUSION, assertion=Assertion.NEGATIVE, sentence="No effusion.", rule_id="no")
HISTORY = replace(EFFUSION, assertion=Assertion.UNMENTIONED, sentence="Prior effusion.", rule_id="history")


def test_change_names_the_new_rule_and_sentence():
    """A person sees why the label would change."""
    (change,) = changes(reading(7, EFFUSION), reading(7, NO_EFFUSION, miner=NEWER))

    assert change == Change(
        report_id=7, finding="Effusion", old="positive", new="negative", rule_id="no", sentence="No effusion."
    )


def test_change_to_unmentioned_names_what_it_was_decided_on():
    """The rule that took the mention away, or the sentence in which nothing is found any more."""
    history = replace(reading(7, HISTORY), labels={})
    gone = replace(reading(7), normal=False)

    (taken,) = changes(reading(7, EFFUSION), history)
    (lost,) = changes(reading(7, EFFUSION), gone)

    assert (taken.new, taken.rule_id, taken.sentence) == ("unmentioned", "history", "Prior effusion.")
    assert (lost.new, lost.rule_id, lost.sentence) == ("unmentioned", "", "Small effusion.")


def test_normal_and_readability_are_compared_too():
    """A report that is Normal no more, and one that can be read now."""
    normal = reading(1)
    unread = replace(normal, readability="not_english", normal=False)

    assert [(each.finding, each.old, each.new) for each in changes(unread, normal)] == [
        ("Normal", "no", "yes"),
        ("readability", "not_english", "mined"),
    ]


def test_changes_are_counted_by_finding_and_states():
    """Of five reports one was never mined, one stays as it is, two lose an effusion, one gains one."""
    held = {1: reading(1, EFFUSION), 2: reading(2, EFFUSION), 3: reading(3, EFFUSION), 4: reading(4, NO_EFFUSION)}
    new = [reading(number, each) for number, each in enumerate((EFFUSION, NO_EFFUSION, NO_EFFUSION, EFFUSION), 1)]
    found = Relabelling()

    found.add(held, [*new, reading(5, EFFUSION)])

    assert (found.compared, found.first, found.changed) == (4, 1, 3)
    assert found.counts() == [("Effusion", "negative", "positive", 1), ("Effusion", "positive", "negative", 2)]
