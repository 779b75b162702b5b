"""The miner as a whole: what must hold for any text, and what makes a label's provenance."""

import random
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.vocabulary import Assertion
from nlp.aggregate import Policy, states
from nlp.language import Readability
from nlp.miner import Miner
from nlp.sections import Section, SectionName

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

VOCABULARY = """
no not without may the a and or but , . ; : ? effusion pneumothorax heart enlarged is are has resolved change in
possible nodule XXXX left clear of Findings: Impression: history previously seen cannot exclude
isn't - no evidence compared to
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\n"])
REPORTS = st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=60).map(" ".join))


@QUICK
@given(text=REPORTS)
def test_any_text_is_mined_and_spans_lie_inside_it(miner: Miner, text: str) -> None:
    """Nothing raises; each mention is where it says, in its sentence."""
    for policy in Policy:
        mined = miner.mine(miner.sections(text), policy)

        assert mined.normal is False or not mined.positive or mined.positive == ("Normal",)
        for item in mined.evidence:
            assert 0 <= item.start < item.end <= len(text)
            assert text[item.start : item.end] in item.sentence


@QUICK
@given(findings=st.lists(WORDS, max_size=40).map(" ".join), impression=st.lists(WORDS, max_size=40).map(" ".join))
def test_the_order_of_sections_changes_no_state(miner: Miner, findings: str, impression: str) -> None:
    """Impression first or last, a report says the same."""
    sections = [
        Section(name=SectionName.FINDINGS, text=findings),
        Section(name=SectionName.IMPRESSION, text=impression),
    ]

    forward, backward = miner.mine(sections), miner.mine(sections[::-1])

    assert states(forward) == states(backward)
    assert forward.normal is backward.normal


@QUICK
@given(text=REPORTS)
def test_strict_asserts_nothing_that_coded_does_not(miner: Miner, text: str) -> None:
    """The coders' policy only adds."""
    strict = states(miner.mine(miner.sections(text), Policy.STRICT))
    coded = states(miner.mine(miner.sections(text), Policy.CODED))

    assert all(coded[name] is Assertion.POSITIVE for name, state in strict.items() if state is Assertion.POSITIVE)


def test_the_paper_s_sentence_gives_three_negations_by_one_rule(miner: Miner) -> None:
    """Wang et al. 2017, figure 1: "clear of focal airspace disease, pneumothorax, or pleural effusion"."""
    mined = miner.mine(miner.sections("Clear of focal airspace disease, pneumothorax, or pleural effusion."))

    assert [(item.assertion, item.rule_id) for item in mined.evidence] == [(Assertion.NEGATIVE, "free-of")] * 3


def test_a_label_carries_its_provenance(miner: Miner) -> None:
    """Sentence, place, section, rule and versions are there for the label store."""
    text = "FINDINGS: Heart is normal. No change in the left effusion."

    mined = miner.mine(miner.sections(text))

    label = next(label for label in mined.labels if label.finding == "Effusion")
    assert label.evidence is not None
    assert label.evidence.sentence == "No change in the left effusion."
    assert text[label.evidence.start : label.evidence.end] == "effusion"
    assert (label.evidence.section, label.evidence.rule_id) == (SectionName.FINDINGS, "no-change")
    assert len(mined.lexicon_version) == len(mined.rules_version) == 12


def test_an_unreadable_report_has_a_reason_and_no_label(miner: Miner) -> None:
    """Empty and foreign reports are unknown, never Normal."""
    empty, foreign = miner.mine([]), miner.mine(miner.sections("Kein Pneumothorax, Herz nicht verbreitert."))

    assert (empty.readability, empty.positive) == (Readability.EMPTY, ())
    assert (foreign.readability, foreign.positive) == (Readability.NOT_ENGLISH, ())


def test_many_reports_come_out_in_their_order(miner: Miner) -> None:
    """Batches and the memory of sentences mix nothing up."""
    texts = ["Small effusion.", "No effusion.", "Possible effusion.", "Heart is normal."] * 300
    random.Random(0).shuffle(texts)
    expected = {"S": "positive", "N": "negative", "P": "uncertain", "H": "unmentioned"}

    mined = miner.mine_all(miner.sections(text) for text in texts)

    assert [states(each)["Effusion"] for each in mined] == [expected[text[0]] for text in texts]


def test_a_megabyte_and_ten_thousand_mentions_are_mined(miner: Miner) -> None:
    """A report of absurd size costs seconds, not the miner."""
    started = time.monotonic()

    huge = miner.mine(miner.sections("small nodule, " * 10_000 + "x" * 1_000_000))

    assert states(huge)["Nodule"] is Assertion.POSITIVE
    assert len(huge.evidence) == 10_000
    assert time.monotonic() - started < 60
