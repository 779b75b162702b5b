"""Whether a text can be mined at all: words there, and English ones."""

import re
from collections import Counter
from enum import StrEnum

from nlp.thesaurus import Lexicon

_WORD = re.compile(r"[^\W\d_]+")
_REDACTED = frozenset(("xxxx",))
_ENOUGH = 20000


class Readability(StrEnum):
    """Why a report has labels, or has none: TOO_LONG was not looked at, at FAULT the miner failed."""

    MINED = "mined"
    EMPTY = "empty"
    NOT_ENGLISH = "not_english"
    TOO_LONG = "too_long"
    FAULT = "fault"


def judge(text: str, lexicon: Lexicon) -> Readability:
    """Tell English from what cannot be mined, by words that only the one or the other has.

    A text in another language names findings in Latin too ("pas de pneumothorax"), so that it must not be mined: its
    denials would be missed. At least one word of five has to be known.
    """
    words = Counter(match.group().lower() for match in _WORD.finditer(text[:_ENOUGH]))
    for word in _REDACTED:
        words.pop(word, None)
    if not words:
        return Readability.EMPTY
    english = sum(number for word, number in words.items() if lexicon.normal_form(word) in lexicon.english)
    foreign = sum(number for word, number in words.items() if word in lexicon.foreign)
    if english * 5 < words.total() or foreign * 2 > english:
        return Readability.NOT_ENGLISH
    return Readability.MINED
