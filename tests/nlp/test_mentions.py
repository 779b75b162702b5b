"""Mentions of concepts."""

import pytest

from nlp import mentions
from nlp.sentences import Sentence
from nlp.thesaurus import Lexicon
from nlp.tokens import tokenize


def found(text: str, lexicon: Lexicon) -> list[tuple[str, str]]:
    """Each mention's concept and the words it covers."""
    tokens = tokenize(Sentence(text=text, start=0), lexicon.normal_form)
    return [(each.concept.name, text[each.start : each.end]) for each in mentions.find(tokens, lexicon)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Small pleural effusion.", [("Pleural effusion", "pleural effusion")]),
        ("Calcified right hilar lymph nodes.", [("Calcification", "Calcified right hilar lymph")]),
        ("The heart is mildly enlarged.", [("Cardiomegaly", "heart is mildly enlarged")]),
        ("Mildly enlarged heart.", [("Cardiomegaly", "enlarged heart")]),
        ("Heart is normal with tortuous aorta.", [("Aortic abnormality", "tortuous aorta")]),
        ("Normal heart and enlarged lymph nodes.", [("Lymphadenopathy", "enlarged lymph nodes")]),
        (
            "The heart and aorta are enlarged.",
            [
                ("Cardiomegaly", "heart and aorta are enlarged"),
                ("Aortic abnormality", "aorta are enlarged"),
            ],
        ),
        ("There is no mass effect.", []),
        ("The coracoid process is seen.", []),
        ("Hydropneumothorax", [("Pleural effusion", "Hydropneumothorax"), ("Pneumothorax", "Hydropneumothorax")]),
    ],
)
def test_concepts_are_named_where_they_stand(text: str, expected: list[tuple[str, str]], lexicon: Lexicon) -> None:
    """Phrases, phrases with modifiers inside, and sites with their changes; decoys are nothing."""
    assert sorted(found(text, lexicon)) == sorted(expected)
