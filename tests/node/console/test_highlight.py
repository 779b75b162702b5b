"""A report's text with what mining read on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.report_records import MinedMention, MinerIdentity, Mining
from db.vocabulary import Assertion
from node.console import highlight as module
from node.console.highlight import highlight
from tests.node.console.conftest import NOON

TEXT = "No effusion. Possible left lower lobe pneumonia."


def mention(start: int, end: int, assertion: Assertion, finding: str | None = "Effusion") -> MinedMention:
    """A mention of these characters."""
    return MinedMention(
        concept="effusion",
        code="60046008",
        scheme="SCT",
        kind="disease",
        finding=finding,
        assertion=assertion,
        sentence="",
        start=start,
        end=end,
        section="findings",
        rule_id=f"rule-{assertion}",
        fired=(f"rule-{assertion}",),
    )


def mined(*mentions: MinedMention, labels: dict[str, int] | None = None) -> Mining:
    """A reading with these mentions."""
    return Mining(
        report_id=1,
        miner=MinerIdentity(lexicon_version="l", rules_version="r", language_model="m", policy="coded"),
        readability="mined",
        normal=False,
        mined_at=NOON,
        mentions=mentions,
        labels=labels or {},
    )


def test_each_mention_stands_on_its_words() -> None:
    """Numbered in the order of the text, whatever order they were found in; the one that decides is known."""
    reading = mined(
        mention(38, 47, Assertion.UNCERTAIN, "Pneumonia"), mention(3, 11, Assertion.NEGATIVE), labels={"Pneumonia": 0}
    )

    shown = highlight(TEXT, reading)

    assert [(piece.text, [mark.number for mark in piece.marks]) for piece in shown.pieces] == [
        ("No ", []),
        ("effusion", [1]),
        (". Possible left lower lobe ", []),
        ("pneumonia", [2]),
        (".", []),
    ]
    assert [mark.decides for mark in shown.marks] == [False, True]


def test_of_mentions_that_overlap_the_weightiest_gives_the_state() -> None:
    """A finding before what is none, positive before uncertain; the words of one alone keep its own."""
    reading = mined(
        mention(0, 11, Assertion.POSITIVE, None),
        mention(3, 11, Assertion.NEGATIVE),
        mention(3, 6, Assertion.UNCERTAIN, "Mass"),
    )

    shown = highlight("No effusion.", reading)

    states = [(piece.text, [mark.mention.assertion for mark in piece.marks]) for piece in shown.pieces]
    assert states == [
        ("No ", ["positive"]),
        ("eff", ["uncertain", "negative", "positive"]),
        ("usion", ["negative", "positive"]),
        (".", []),
    ]


def test_a_text_without_a_reading_is_one_plain_piece() -> None:
    """As of a report that is not mined yet."""
    assert [piece.text for piece in highlight(TEXT, None).pieces] == [TEXT]
    assert highlight("", None).pieces == ()


def test_of_a_text_too_long_for_a_page_the_beginning_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how much is not."""
    monkeypatch.setattr(module, "LONGEST", 12)
    reading = mined(mention(3, 11, Assertion.NEGATIVE), mention(38, 47, Assertion.UNCERTAIN))

    shown = highlight(TEXT, reading)

    assert "".join(piece.text for piece in shown.pieces) == TEXT[:12]
    assert (len(shown.marks), shown.not_shown) == (1, len(TEXT) - 12)


spans = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)


@given(text=st.text(max_size=30), places=st.lists(st.tuples(spans, st.sampled_from(list(Assertion))), max_size=8))
def test_the_pieces_are_the_text(text: str, places: list[tuple[list[int], Assertion]]) -> None:
    """Whatever overlaps, nothing is lost or said twice, and each mark lies on its own characters."""
    shown = highlight(text, mined(*(mention(start, end, state) for (start, end), state in places)))

    assert "".join(piece.text for piece in shown.pieces) == text
    for mark in shown.marks:
        words = "".join(piece.text for piece in shown.pieces if mark in piece.marks)
        assert words == text[mark.mention.start : mark.mention.end]
