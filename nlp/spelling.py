"""Words misspelt by one letter: a long word of the lexicon is meant where a report has one that nobody uses."""

from collections.abc import Callable, Collection, Iterator

_SHORTEST = 6


class Spelling:
    """Brings a word into normal form and mends one wrong, missing, doubled or swapped letter of a long lexicon word.

    Two words that become equal when each loses one letter are at most a substitution or a swap apart; so an index
    of the lexicon's words, each without any one letter, finds them without comparing all (as SymSpell does).
    """

    def __init__(
        self, lexicon_words: Collection[str], other_words: Collection[str], normal_form: Callable[[str], str]
    ) -> None:
        self._normal_form = normal_form
        self._known = {*lexicon_words, *other_words}
        self._shortened: dict[str, str] = {}
        self._cache: dict[str, str] = {}
        for word in sorted(lexicon_words):
            if len(word) >= _SHORTEST and word.isalpha():
                for short in _shortenings(word):
                    self._shortened.setdefault(short, word)

    def __call__(self, word: str) -> str:
        """Give the normal form of a word, mended where a lexicon word is one letter away."""
        known = self._cache.get(word)
        if known is None:
            known = self._mended(self._normal_form(word))
            if len(self._cache) < 50_000:
                self._cache[word] = known
        return known

    def _mended(self, word: str) -> str:
        if len(word) < _SHORTEST - 1 or word in self._known or not word.isalpha():
            return word
        for short in _shortenings(word):
            meant = self._shortened.get(short)
            if meant is not None and one_letter_apart(word, meant):
                return meant
        return word


def one_letter_apart(word: str, other: str) -> bool:
    """Whether one letter added, left out, changed, or two neighbours swapped, makes one word of the other."""
    if abs(len(word) - len(other)) > 1 or word[0] != other[0]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    left, right = word[start:], other[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def _shortenings(word: str) -> Iterator[str]:
    yield word
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]
