"""Phrases of the lexicon and the rules as a tree of words, matched on a sentence's tokens.

A phrase is words in normal form. `a|b` is either word, `{heart}` any phrase of a group, `word?` may be left out.
"""

import itertools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Generic[T]):
    """What a phrase stands for, and the tokens it covers, `end` not included."""

    value: T
    start: int
    end: int


class _Node(Generic[T]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] | None = None
        self.values: tuple[T, ...] = ()

    def grow(self, word: str) -> "_Node[T]":
        """The node below, made if it is not there; leaves have no table of their own, for there are many."""
        if self.children is None:
            self.children = {}
        return self.children.setdefault(sys.intern(word), _Node())


class PhraseTree(Generic[T]):
    """Finds the longest phrase that begins at a token; words in `between` may stand inside a phrase."""

    def __init__(self, normal_form: Callable[[str], str], groups: Groups, between: Collection[str] = ()) -> None:
        self._root: _Node[T] = _Node()
        self._normal_form = normal_form
        self._groups = groups
        self._between = frozenset(between)
        self.words: set[str] = set()

    def add(self, phrase: str, value: T) -> None:
        """Make every wording of the phrase stand for the value too."""
        for wording in wordings(phrase, self._groups):
            node = self._root
            for word in map(self._normal_form, wording):
                self.words.add(word)
                node = node.grow(word)
            if value not in node.values:
                node.values = (*node.values, value)

    def matches(self, words: Sequence[str]) -> Iterator[Match[T]]:
        """The longest phrases from left to right, none overlapping; one match for each value of a phrase."""
        position = 0
        while position < len(words):
            end, values = self._longest(words, position)
            yield from (Match(value=value, start=position, end=end) for value in values)
            position = end if values else position + 1

    def _longest(self, words: Sequence[str], start: int) -> tuple[int, Sequence[T]]:
        """Follow every way through the tree at once: a word in `between` may also be one of a phrase."""
        nodes, end = [self._root], start
        values: Sequence[T] = ()
        for position in range(start, len(words)):
            word = words[position]
            onward = [child for node in nodes if node.children and (child := node.children.get(word)) is not None]
            found = next((child for child in onward if child.values), None)
            if found is not None:
                end, values = position + 1, found.values
            if position > start and word in self._between:
                onward += nodes
            if not onward:
                break
            nodes = onward
        return end, values


def wordings(phrase: str, groups: Groups) -> Iterator[tuple[str, ...]]:
    """Every sequence of words that a phrase of the data files allows.

    Raises:
        KeyError: A group is not there.
    """
    choices = [tuple(_choices(part, groups)) for part in phrase.split()]
    for combination in itertools.product(*choices):
        if words := tuple(itertools.chain.from_iterable(combination)):
            yield words


def _choices(part: str, groups: Groups) -> Iterator[tuple[str, ...]]:
    if part.endswith("?") and part != "?":
        yield ()
        part = part.removesuffix("?")
    for choice in part.split("|"):
        if choice.startswith("{"):
            for phrase in groups[choice.strip("{}")]:
                yield from wordings(phrase, groups)
        else:
            yield (choice,)
