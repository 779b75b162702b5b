"""Sentences and their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import sentences, tokens
from nlp.sentences import Sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A. B.", ["A.", "B."]),
        ("Nodule of 1.5 cm. Clear.", ["Nodule of 1.5 cm.", "Clear."]),
        ("Clear lungs.The heart", ["Clear lungs.", "The heart"]),
        ("Seen by Dr. Smith. Clear.", ["Seen by Dr. Smith.", "Clear."]),
        ("No effusion; nodule", ["No effusion;", "nodule"]),
        ("no pneumothorax\nor effusion", ["no pneumothorax\nor effusion"]),
        ("no effusion of the\nLeft side", ["no effusion of the\nLeft side"]),
        ("clear lungs\nNormal heart", ["clear lungs", "Normal heart"]),
        ("clear\n\nheart", ["clear", "heart"]),
        ("opacity ? pneumonia", ["opacity ? pneumonia"]),
        ("Pneumonia? Clear.", ["Pneumonia?", "Clear."]),
        ("...", ["..."]),
        ("  ", []),
    ],
)
def test_a_section_is_cut_into_sentences(text: str, expected: list[str]) -> None:
    """Full stops, semicolons and lines end a sentence; decimals, titles and wrapped lines do not."""
    assert [sentence.text for sentence in sentences.split(text)] == expected


@given(st.text(max_size=3000))
def test_sentences_lie_where_they_say_and_lose_no_word(text: str) -> None:
    """Joined again they are the text but for white space."""
    cut = list(sentences.split(text))

    assert all(text[each.start : each.start + len(each.text)] == each.text for each in cut)
    assert "".join("".join(each.text.split()) for each in cut) == "".join(text.split())


def test_a_sentence_without_end_is_cut() -> None:
    """No sentence is longer than 1,200 characters."""
    assert max(len(each.text) for each in sentences.split("x" * 5000 + " word," * 2000)) <= 1200


@given(st.text(max_size=300))
def test_tokens_lie_where_they_say(text: str) -> None:
    """A token's place is where its text stands."""
    for token in tokens.tokenize(Sentence(text=text, start=0), str.lower):
        assert text[token.start : token.end] == token.text


def test_words_are_cut_at_hyphens_and_before_not() -> None:
    """ "Mass-like" is two words, "isn't" is a verb and a denial."""
    words = [token.text for token in tokens.tokenize(Sentence(text="Mass-like, isn't 1.5 cm - none", start=0), str)]

    assert words == ["Mass", "like", ",", "is", "n't", "1.5", "cm", "-", "none"]
