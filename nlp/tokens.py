"""Words of a sentence, each with its place in the text and the one form that lexicon and rules are written in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nlp.sentences import Sentence

_APOSTROPHE = "['\u2019]"
_TOKEN = re.compile(
    rf"[^\W\d_]+?(?=n{_APOSTROPHE}t\b)"  # is|n't
    rf"|n{_APOSTROPHE}t\b"
    rf"|[^\W\d_]+(?:{_APOSTROPHE}s\b)?"
    r"|(?<=\s)-+(?=\s)"
    r"|\d+(?:[.,]\d+)*"
    r"|[^\w\s-]"
)
_PLURALS = (("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("ies", "y"), ("s", ""))
_SINGULAR_ENDINGS = ("ss", "us", "is", "'s", "\u2019s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word or a mark: as written, in its normal form, and where (characters of the sentence's own text)."""

    text: str
    normal: str
    start: int
    end: int


def tokenize(sentence: Sentence, normal: Callable[[str], str]) -> tuple[Token, ...]:
    """Cut a sentence into tokens; hyphens only part words, so that `mass-like` and `mass like` are one."""
    return tuple(
        Token(text=m.group(), normal=normal(m.group()), start=m.start(), end=m.end())
        for m in _TOKEN.finditer(sentence.text)
    )


def normal_form(word: str, spelling: Mapping[str, str]) -> str:
    """Lower case and singular; what the spelling table knows, as it says.

    A verb's third person loses its s by the same rule, which suits the rules: `shows` is `show`.
    """
    low = word.lower()
    if low in spelling:
        return spelling[low]
    if len(low) < 4 or low.endswith(_SINGULAR_ENDINGS):
        return low
    for plural, singular in _PLURALS:
        if low.endswith(plural):
            low = low.removesuffix(plural) + singular
            return spelling.get(low, low)
    return low
